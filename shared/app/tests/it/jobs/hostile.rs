//! A queue that does everything a queue may do.

use crate::world::{Added, EVENTS, ORDERS, Scene, World, create_layout};
use app::job::{NewConsolidation, PushAnswer};
use bytes::Bytes;
use domain::JobId;
use domain::job::{ConsolidationOrder, JobState, Message, parse_message};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Numbers that a seed makes.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % bound
    }
}

/// The order of the former attempt, if there was one.
fn stale(data: &Bytes) -> Option<Bytes> {
    match parse_message(data).unwrap() {
        Message::Order(order) if order.attempt > 1 => {
            let attempt = order.attempt - 1;
            Some(ConsolidationOrder { attempt, ..*order }.to_json().into())
        }
        Message::Order(_) | Message::Job(_) | Message::Task(_) => None,
    }
}

/// Delivers each message one to five times, in any order, up to four at once, some long after all the others, and
/// orders of former attempts in between.
async fn deliver_as_badly_as_possible(world: &World, random: &mut Random) {
    let mut written = Written::new();
    let other = world.other_worker(|options| options.max_concurrent_tasks = 2);
    let (mut pile, mut late) = (Vec::new(), Vec::new());
    loop {
        while let Some((queue, data)) = world.mailbox.take() {
            if queue == ORDERS {
                pile.extend(stale(&data).map(|stale| (queue.clone(), stale)));
            }
            for copy in 0..=random.below(5) {
                let place = if copy > 0 && random.below(3) == 0 {
                    &mut late
                } else {
                    &mut pile
                };
                place.push((queue.clone(), data.clone()));
            }
        }
        if pile.is_empty() {
            if late.is_empty() {
                return;
            }
            pile.append(&mut late);
        }
        let mut batch = Vec::new();
        for _ in 0..(1 + random.below(4)).min(pile.len()) {
            let chosen = random.below(pile.len());
            batch.push(pile.swap_remove(chosen));
        }
        let deliver = |(queue, data): (String, Bytes), to_other: bool| {
            let (world, other) = (world, other.clone());
            async move {
                let answer = if to_other && queue == ORDERS {
                    other.receive(&data, Some(1)).await
                } else {
                    world.deliver(&queue, &data).await
                };
                (queue, data, answer)
            }
        };
        let deliveries = batch
            .into_iter()
            .map(|message| deliver(message, random.below(2) == 0));
        for (queue, data, answer) in futures::future::join_all(deliveries).await {
            match answer {
                PushAnswer::Done => {}
                PushAnswer::Retry { .. } => pile.push((queue, data)),
                other => panic!("{other:?}: {}", String::from_utf8_lossy(&data)),
            }
        }
        compare(world, &mut written);
    }
}

/// Four images, and the job that puts two and two into a file.
async fn job(world: &World) -> (Vec<Added>, JobId) {
    create_layout(&world.app, "pairs", 2).await;
    let mut added = Vec::new();
    for day in 1..=4 {
        added.push(world.add(day, Scene::new(day)).await);
    }
    let records: Vec<_> = added.iter().map(|added| added.record).collect();
    let new = NewConsolidation {
        layout: "pairs".to_owned(),
        ..world.consolidation("job", &records)
    };
    let id = world.app.consolidate(new).await.unwrap();
    (added, id)
}

/// Contents of the files that were written, by path.
type Written = BTreeMap<PathBuf, Vec<u8>>;

/// Once a file has its final name, it has its final bytes, whoever writes it again.
fn compare(world: &World, written: &mut Written) {
    for path in world.files() {
        if path.extension().is_some_and(|kind| kind == "part") {
            continue;
        }
        // the images are deleted at some time
        let Ok(bytes) = std::fs::read(&path) else {
            continue;
        };
        match written.get(&path) {
            Some(before) => assert!(*before == bytes, "{} has changed", path.display()),
            None => drop(written.insert(path, bytes)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_queue_does_each_file_is_written_and_indexed_once() {
    for seed in 1..=4 {
        let Some(world) = World::new().await else {
            return;
        };
        let (added, id) = job(&world).await;
        // events until the orders are out, then one impatient user: former attempts are in the queue from then on
        while world.mailbox.waiting(ORDERS).is_empty() {
            let (queue, data) = world.mailbox.take().unwrap();
            assert_eq!(queue, EVENTS);
            world.deliver(&queue, &data).await;
        }
        if seed % 2 == 0 {
            world.app.retry_job(id, true).await.unwrap();
        }
        deliver_as_badly_as_possible(&world, &mut Random(seed)).await;
        assert_eq!(world.state(id).await, JobState::Done, "seed {seed}");
        assert_eq!(world.files().len(), 2, "seed {seed}: {:?}", world.files());
        let mut places = BTreeMap::new();
        for found in world.visible().await {
            for source in found.sources {
                *places.entry((source.uri, source.subdir)).or_insert(0) += 1;
            }
        }
        assert_eq!(places.len(), added.len(), "seed {seed}: {places:?}");
        assert!(places.values().all(|count| *count == 1), "{places:?}");
        for (added, day) in added.iter().zip(1..) {
            let pixels = world.pixels(added.record).await;
            assert_eq!(pixels, Scene::new(day).pixels(), "seed {seed}");
        }
    }
}
