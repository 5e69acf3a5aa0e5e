//! The real programs on a machine of their own: `geocube up` with whatever may befall it, and the demo as its user.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod chaos;
mod documents;
mod inspect;
mod migrate;
mod pubsub;
mod pull;
mod stores;
mod system;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use system::{Ended, System, geocube, programs_are_built};

/// How soon everything has to answer again.
const SECONDS: Duration = Duration::from_secs(20);

#[test]
fn the_demo_works_and_everything_survives_being_killed() {
    if !programs_are_built() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("data");
    let sheet = scratch.path().join("out/sheet.png");

    let mut system = System::start(&data, "0");
    assert!(system.database.starts_with("postgresql://geocube:"));
    let port = system.port.clone();

    // the main job, on generated images
    let demo = Command::new(geocube())
        .args(["demo", "--server", &system.grpc, "--out"])
        .arg(&sheet)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&demo.stdout);
    let refused = String::from_utf8_lossy(&demo.stderr);
    assert!(demo.status.success(), "{said}\n{refused}");
    assert!(
        said.contains("equal before and after: all of the images on the grid"),
        "{said}"
    );
    assert!(said.contains("24 files"), "{said}");
    assert_eq!(&fs::read(&sheet).unwrap()[..4], b"\x89PNG");

    // a second one on the same folder
    let second = Command::new(geocube())
        .args(["up", "--data"])
        .arg(&data)
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    let refused = String::from_utf8_lossy(&second.stderr);
    assert!(
        refused.contains("another `geocube up` is running"),
        "{refused}"
    );

    // each of the programs is killed, and comes back
    for program in ["apiserver", "consolidater", "postgres"] {
        let before = system.pid(program);
        let servers = ["apiserver", "consolidater"].map(|name| system.pid(name));
        system.kill(program);
        system.wait_for(SECONDS, &format!("{program} is started again"), |system| {
            system.pid_if_any(program).is_some_and(|pid| pid != before) && system.answers()
        });
        if program == "postgres" {
            // the servers outlive their database
            let after = ["apiserver", "consolidater"].map(|name| system.pid(name));
            assert_eq!(after, servers);
        }
    }

    // the supervisor is killed: the same command finds its leftovers and starts within seconds
    let leftovers = ["apiserver", "consolidater", "postgres"].map(|name| system.pid(name));
    system.kill_supervisor();
    let begun = Instant::now();
    let mut system = System::start(&data, &port);
    assert!(begun.elapsed() < SECONDS, "{:?}", begun.elapsed());
    assert_eq!(system.port, port);
    for (name, before) in ["apiserver", "consolidater", "postgres"]
        .into_iter()
        .zip(leftovers)
    {
        assert_ne!(system.pid(name), before, "{name}");
    }

    // killed together with some of its programs
    for together in [
        &["postgres"][..],
        &["apiserver", "consolidater", "postgres"],
    ] {
        system.kill_supervisor();
        for program in together {
            system.kill(program);
        }
        system = System::start(&data, &port);
        assert!(system.answers());
    }

    // an orderly stop leaves nothing behind
    let processes = ["apiserver", "consolidater", "postgres"].map(|name| system.pid(name));
    let Ended { success, time } = system.terminate();
    assert!(
        success && time < Duration::from_secs(10),
        "{success} {time:?}"
    );
    for process in processes {
        assert!(!system::is_running(process), "{process} is left");
    }
}

#[test]
fn a_port_in_use_is_named() {
    if !programs_are_built() {
        return;
    }
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let scratch = tempfile::tempdir().unwrap();
    let refused = Command::new(geocube())
        .args(["up", "--port", &port, "--data"])
        .arg(scratch.path())
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let text = String::from_utf8_lossy(&refused.stderr);
    assert!(
        text.contains(&format!("port {port} of 127.0.0.1 is in use")),
        "{text}"
    );
}

#[test]
fn a_flag_that_the_api_server_does_not_know_is_reported() {
    if !programs_are_built() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let refused = Command::new(geocube())
        .args(["up", "--port", "0", "--nonsense", "--data"])
        .arg(scratch.path())
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let text = String::from_utf8_lossy(&refused.stderr);
    assert!(text.contains("--nonsense"), "{text}");
}

#[test]
fn a_demo_without_a_server_says_how_to_start_one() {
    let refused = Command::new(geocube())
        .args(["demo", "--server", "127.0.0.1:9"])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let text = String::from_utf8_lossy(&refused.stderr);
    assert!(text.contains("geocube up"), "{text}");
}

#[test]
fn an_unknown_command_is_answered_by_those_that_there_are() {
    let refused = Command::new(geocube()).arg("frobnicate").output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let text = String::from_utf8_lossy(&refused.stderr);
    let first = text.lines().next().unwrap();
    assert_eq!(
        first,
        "error: no command 'frobnicate': there are up, migrate, pubsub-setup, demo, inspect"
    );
}

#[test]
fn flags_that_the_server_refuses_start_nothing() {
    if !programs_are_built() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for (flags, why) in [
        (&["--", "--foo"][..], "--foo"),
        (&["--", "--workers", "many"], "--workers"),
        (&["--", "--tokensFile"], "--tokensFile"),
        (
            &["--", "--ingestionStorage=http://a/b"],
            "--ingestionStorage",
        ),
    ] {
        let mut up = Command::new(geocube());
        up.args(["up", "--port=0", "--data"]).arg(&data).args(flags);
        let refused = up.output().unwrap();
        let text = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{text}");
        assert!(
            text.contains("refuses its flags") && text.contains(why),
            "{text}"
        );
        assert!(!data.join("postgres").exists(), "a database was made");
    }
}
