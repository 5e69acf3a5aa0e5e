//! The real programs, killed at every place and at any moment, while several jobs run.
//!
//! Whatever happens, they are started again, time passes, and all jobs end; then nothing is lost, nothing is left and
//! every pixel is as before. `scripts/chaos` runs all of it; without these variables a sample is run:
//!
//! - `GEOCUBE_CHAOS_SEED`: makes everything that is random; it is printed.
//! - `GEOCUBE_CHAOS_PLACES`: number of places to die at, `all` for each of them at several passings, or beginnings of
//!   their names, as in `marker.,order.acquire`.
//! - `GEOCUBE_CHAOS_KILLS`: number of kills at random moments.
//! - `GEOCUBE_CHAOS_STATE`: file that keeps what is done, so that an interrupted run goes on.

mod checks;
mod programs;
mod progress;
mod random;
pub mod scene;
mod trouble;
mod users;
mod world;

use crate::system::programs_are_built;
use progress::Progress;
use random::Random;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use trouble::Trouble;
use world::{Prepared, World};

/// Kills of one set of jobs.
const KILLS_OF_A_ROUND: u32 = 12;
/// Places of a run that does not say how many.
const PLACES: usize = 8;
/// Kills of a run that does not say how many.
const KILLS: u32 = 12;
/// Passings at which each place is tried in a complete run.
const PASSINGS: [u64; 3] = [0, 2, 7];

/// Places that all jobs pass, one in each program: whoever does not die there has no failpoints.
const SURE: [&str; 2] = ["creation.commit.before", "order.rename.after"];

fn seed() -> u64 {
    let given = std::env::var("GEOCUBE_CHAOS_SEED").ok();
    let seed = given.and_then(|text| text.parse().ok()).unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.unwrap().as_nanos() as u64
    });
    eprintln!("GEOCUBE_CHAOS_SEED={seed}");
    seed
}

/// How often the program passes a place before it dies there, one after the other: what is provoked may happen once only.
fn passings(place: &str) -> &'static [u64] {
    if Trouble::at(place).is_some() {
        &PASSINGS[..1]
    } else {
        &PASSINGS
    }
}

/// Where the program dies, and how often it passes the place before.
fn deaths(random: &mut Random) -> Vec<(&'static str, u64)> {
    let all = app::failpoint::PLACES;
    let each = |place: &'static str| passings(place).iter().map(move |passing| (place, *passing));
    let wanted = std::env::var("GEOCUBE_CHAOS_PLACES").unwrap_or_default();
    if wanted == "all" {
        return all.iter().copied().flat_map(each).collect();
    }
    if wanted.contains('.') {
        let named = |place: &&str| wanted.split(',').any(|name| place.starts_with(name));
        return all.iter().copied().filter(named).flat_map(each).collect();
    }
    let mut places = all.to_vec();
    random.shuffle(&mut places);
    places.truncate(wanted.parse().unwrap_or(PLACES));
    let death = |place| {
        let passings = passings(place);
        let early = passings.len().min(2) as u64;
        (place, passings[random.below(early) as usize])
    };
    let sure = SURE.map(|place| (place, 0));
    sure.into_iter()
        .chain(places.into_iter().map(death))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_end_well_wherever_a_program_dies() {
    let Some(prepared) = prepared().await else {
        return;
    };
    let seed = seed();
    let mut progress = Progress::load("places", seed);
    let mut died: BTreeMap<&str, Vec<bool>> = BTreeMap::new();
    let deaths = deaths(&mut Random::new(seed));
    for (number, (place, passing)) in deaths.into_iter().enumerate() {
        if progress.is_done(number) {
            continue;
        }
        let begun = Instant::now();
        let mut world = prepared.world(Random::new(seed ^ number as u64)).await;
        let action = format!("{place}={passing}*off->return");
        world.provoke(Trouble::at(place)).await;
        world.programs.start(Some(&action));
        let end = Box::pin(world.run(0)).await;
        eprintln!(
            "{place} after {passing}: {} in {:.1} s",
            if end.deaths > 0 { "died" } else { "not passed" },
            begun.elapsed().as_secs_f64()
        );
        assert!(end.deaths <= 1, "{place}: {} deaths", end.deaths);
        if passing == 0 && SURE.contains(&place) {
            assert_eq!(end.deaths, 1, "{place} is passed by all jobs");
        }
        died.entry(place).or_default().push(end.deaths > 0);
        progress.done(number);
    }
    let places = died.len();
    died.retain(|_, died| !died.contains(&true));
    eprintln!(
        "died at {} of {places} places; not passed: {:?}",
        places - died.len(),
        died.keys()
    );
    // what an interrupted run did before is not known
    died.retain(|place, died| died.len() == passings(place).len());
    assert!(died.is_empty(), "never passed: {:?}", died.keys());
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_end_well_whenever_a_program_is_killed() {
    let Some(prepared) = prepared().await else {
        return;
    };
    let seed = seed();
    let wanted = std::env::var("GEOCUBE_CHAOS_KILLS").ok();
    let wanted: u32 = wanted.and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let mut progress = Progress::load("kills", seed);
    let (mut kills, begun) = (progress.count(), Instant::now());
    while kills < wanted {
        let round = progress.rounds();
        let mut world = prepared
            .world(Random::new(seed ^ (round << 32) ^ 0x5eed))
            .await;
        world.programs.start(None);
        let end = Box::pin(world.run(KILLS_OF_A_ROUND.min(wanted - kills))).await;
        kills += end.deaths;
        progress.round(end.deaths);
        eprintln!(
            "{kills} of {wanted} kills in {:.0} s",
            begun.elapsed().as_secs_f64()
        );
    }
}

async fn prepared() -> Option<Prepared> {
    if !programs_are_built() {
        return None;
    }
    Prepared::new().await
}

/// What a set of jobs met on its way.
struct End {
    /// Times that a program died.
    deaths: u32,
}

impl World<'_> {
    /// Runs the jobs to their end, kills a program so many times meanwhile, starts whatever died again, and checks what
    /// is left.
    async fn run(&mut self, kills: u32) -> End {
        let mut deaths = 0;
        let users = users::Users::of(self).act();
        tokio::pin!(users);
        let mut next_kill = self.random.between(100, 1500);
        let mut waited = Instant::now();
        loop {
            tokio::select! {
                () = &mut users => break,
                () = tokio::time::sleep(Duration::from_millis(20)) => {}
            }
            if deaths < kills && waited.elapsed() > next_kill {
                self.programs.kill_one(self.random.chance(60));
                (next_kill, waited) = (self.random.between(100, 1500), Instant::now());
            }
            deaths += self.revive().await;
        }
        let settled = checks::settled(self, &mut deaths).await;
        if let Err(left) = settled {
            panic!("{left}\n{}", self.programs.last_words());
        }
        if let Some(aftermath) = self.trouble.and_then(Trouble::aftermath) {
            self.database.run(&[&aftermath]).await;
        }
        checks::everything_is_well(self).await;
        self.programs.kill();
        End { deaths }
    }

    /// Starts again what has died; how many.
    async fn revive(&mut self) -> u32 {
        let mut died = 0;
        for program in self.programs.died() {
            died += 1;
            checks::nothing_is_half_done(self, program).await;
            self.let_time_pass(program).await;
            self.programs.restart(program);
        }
        died
    }
}
