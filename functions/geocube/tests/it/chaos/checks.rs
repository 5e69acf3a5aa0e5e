//! What must hold, at any moment and in the end.

use super::programs::Which;
use super::scene;
use super::world::{CANCELLED, DELETED, TWICE, WIDE, World, scene_of};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Time for what nobody waits for: sweeps.
const SETTLES: Duration = Duration::from_mins(1);

/// What has to come to an end, each as a query that finds what is left.
const LEFT: [(&str, &str); 4] = [
    ("a noted file", "SELECT uri FROM geocube.noted_files"),
    (
        "a message to be sent",
        "SELECT id::text FROM geocube.outbox WHERE sent_at IS NULL",
    ),
    (
        "an order in work",
        "SELECT task_id::text FROM geocube.task_leases WHERE status = 'RUNNING' AND lease_until > now()",
    ),
    (
        "a job under way",
        "SELECT name || ' ' || state FROM geocube.jobs WHERE state NOT IN ('DONE', 'FAILED') OR action_revision < revision",
    ),
];

/// What must never be found in the end.
const NEVER: [(&str, &str); 5] = [
    (
        "a dataset that is not visible",
        "SELECT id || ' ' || status FROM geocube.datasets WHERE status <> 'ACTIVE'",
    ),
    (
        "a locked dataset",
        "SELECT dataset_id::text FROM geocube.locked_datasets
         UNION ALL SELECT id::text FROM geocube.datasets WHERE locked_by_job_id IS NOT NULL",
    ),
    ("a task", "SELECT id || ' ' || state FROM geocube.tasks"),
    (
        "a place in a file that is indexed twice",
        "SELECT container_uri || subdir FROM geocube.datasets GROUP BY container_uri, subdir HAVING count(*) > 1",
    ),
    (
        "a message that was given up",
        "SELECT queue_name || ' ' || convert_from(data, 'UTF8') FROM pgq_jobs WHERE failed_at IS NOT NULL",
    ),
];

/// Waits until nothing is left to do.
pub async fn settled(world: &mut World<'_>, deaths: &mut u32) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        *deaths += world.revive().await;
        let mut left = Vec::new();
        for (what, query) in LEFT {
            let found = world.database.texts(query).await;
            left.extend(found.into_iter().map(|found| format!("{what}: {found}")));
        }
        if left.is_empty() {
            return Ok(());
        }
        if begun.elapsed() > SETTLES {
            return Err(left.join("\n"));
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
}

/// A program has died: readers still see whole files, and all that they are told of.
pub async fn nothing_is_half_done(world: &World<'_>, died: Which) {
    let half = world
        .database
        .texts(
            "SELECT container_uri FROM geocube.datasets GROUP BY container_uri
             HAVING bool_or(status = 'ACTIVE') AND bool_or(status = 'INACTIVE')",
        )
        .await;
    assert!(half.is_empty(), "half visible: {half:?}");
    // only the API server deletes files that readers know
    if died == Which::Api {
        let visible = "SELECT DISTINCT container_uri FROM geocube.datasets WHERE status = 'ACTIVE'";
        for file in world.database.texts(visible).await {
            assert!(Path::new(&file).is_file(), "{file} is gone");
        }
    }
}

pub async fn everything_is_well(world: &World<'_>) {
    for (what, query) in NEVER {
        let found = world.database.texts(query).await;
        let jobs = "SELECT name || ' ' || state FROM geocube.jobs ORDER BY creation_ts";
        assert!(
            found.is_empty(),
            "{what}: {found:?}, jobs: {:?}",
            world.database.texts(jobs).await
        );
    }
    files_are_those_of_the_catalogue(world).await;
    for day in TWICE.chain(WIDE).chain(CANCELLED) {
        let expected = expected(day);
        let found = world.pixels(day).await;
        assert!(found == expected, "pixels of day {day}");
    }
    for day in DELETED {
        assert!(world.pixels(day).await.is_empty(), "day {day} is deleted");
    }
    // one file a record, as no other cell of the layout holds anything of it
    for found in world.visible().await {
        let day = world
            .prepared
            .records
            .iter()
            .position(|id| *id == found.record.id);
        if day.is_some_and(|day| TWICE.contains(&day) || CANCELLED.contains(&day)) {
            assert_eq!(found.sources.len(), 1, "day {day:?}");
        }
    }
}

async fn files_are_those_of_the_catalogue(world: &World<'_>) {
    let known = world
        .database
        .texts("SELECT uri FROM geocube.containers")
        .await;
    let known: BTreeSet<PathBuf> = known.into_iter().map(PathBuf::from).collect();
    let present = files(&world.prepared.folder().join("data"));
    let lost: Vec<_> = known.difference(&present).collect();
    let orphans: Vec<_> = present.difference(&known).collect();
    assert!(
        lost.is_empty() && orphans.is_empty(),
        "lost: {lost:?}, orphans: {orphans:?}"
    );
    for folder in ["cancelled", "work"] {
        let left = files(&world.prepared.folder().join(folder));
        assert!(left.is_empty(), "{left:?}");
    }
}

fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let (mut found, mut folders) = (BTreeSet::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path);
            }
        }
    }
    found
}

/// The image of a day in the window that is compared.
fn expected(day: usize) -> Vec<u8> {
    let image = scene_of(day);
    let (east, south) = image.shift;
    let (side, width) = (scene::SIDE as usize, 3 * scene::SIDE as usize);
    let mut window = vec![0_u16; width * width];
    let pixels = image.pixels();
    for (row, line) in pixels.chunks(side).enumerate() {
        let y = (64 + south) as usize + row;
        let x = (64 + east) as usize;
        window[y * width + x..][..side].copy_from_slice(line);
    }
    window.into_iter().flat_map(u16::to_ne_bytes).collect()
}
