use super::{Delivery, options, unguarded};
use clap::Parser;
use runtime::config::WorkerFlags;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug, Parser)]
struct Config {
    #[command(flatten)]
    worker: WorkerFlags,
}

fn config(args: &[&str]) -> WorkerFlags {
    let all = [
        "worker",
        "--workdir=/scratch",
        "--cancelledJobs=/cancelled",
        "--dbConnection=postgresql://u:p@localhost/geocube",
    ];
    let parsed = runtime::parse::<Config>(all.iter().chain(args), &runtime::Environment::default());
    parsed.unwrap().flags.worker
}

#[test]
fn flags_tell_which_files_orders_may_name() {
    let both = "--allowedPaths=/a,/b";
    for (args, target_root, allowed) in [
        (&[][..], None, None),
        (&["--local"], None, None),
        (&["--local", both], None, None),
        (
            &["--ingestionStorage=/data", "--local"],
            Some("/data"),
            None,
        ),
        (
            &["--ingestionStorage=/data"],
            Some("/data"),
            Some(&["/data"][..]),
        ),
        (&[both], None, Some(&["/a", "/b"])),
        (
            &["--ingestionStorage=/data", both],
            Some("/data"),
            Some(&["/data", "/a", "/b"]),
        ),
        (
            &["--ingestionStorage=gs://b/c", both],
            Some("gs://b/c"),
            Some(&["/a", "/b"]),
        ),
    ] {
        let files = options(&config(args), Delivery::Pushed).unwrap().files;
        let root = files.target_root.as_ref().map(domain::Uri::as_str);
        assert_eq!(root, target_root, "{args:?}");
        let policy = files.sources;
        assert!(policy.as_ref().is_none_or(|policy| !policy.all_local));
        let expected: Option<Vec<PathBuf>> =
            allowed.map(|allowed| allowed.iter().map(PathBuf::from).collect());
        assert_eq!(policy.map(|policy| policy.allowed), expected, "{args:?}");
    }
}

#[test]
fn sub_datasets_are_allowed_by_their_flag() {
    let args = ["--ingestionStorage=/data", "--allowedSubdirs=GTIFF_RAW"];
    let policy = options(&config(&args), Delivery::Pushed)
        .unwrap()
        .files
        .sources
        .unwrap();
    assert!(policy.check_subdir("GTIFF_RAW").is_ok());
    assert!(policy.check_subdir("VRT").is_err());
}

#[test]
fn paths_that_cannot_be_read_name_their_flag() {
    for (flag, value) in [
        ("--ingestionStorage", "relative/path"),
        ("--ingestionStorage", "http://host/path"),
        ("--cancelledJobs", "c"),
        ("--allowedPaths", "/a,b"),
    ] {
        let refused =
            options(&config(&[&format!("{flag}={value}")]), Delivery::Pushed).unwrap_err();
        assert_eq!(refused.to_string(), format!("invalid {flag}"), "{value:?}");
    }
}

#[test]
fn what_is_left_open_is_told_with_the_flags() {
    let read = "--allowedPaths";
    for (args, named, unnamed) in [
        (
            &[][..],
            &["--ingestionStorage", read, "--local"][..],
            &[][..],
        ),
        (&["--local"], &["--ingestionStorage"], &[read]),
        (&["--allowedPaths=/a"], &["--ingestionStorage"], &[read]),
    ] {
        let text = unguarded(&config(args)).unwrap();
        assert!(
            named.iter().all(|flag| text.contains(flag)),
            "{args:?}: {text}"
        );
        assert!(
            !unnamed.iter().any(|flag| text.contains(flag)),
            "{args:?}: {text}"
        );
    }
    assert_eq!(unguarded(&config(&["--ingestionStorage=/data"])), None);
}

#[test]
fn only_orders_that_are_pulled_may_take_as_long_as_they_take() {
    let minutes = |minutes| Some(Duration::from_mins(minutes));
    for (args, pushed, pulled) in [
        (&[][..], minutes(58), None),
        (&["--max-task-duration=5m"], minutes(5), minutes(5)),
    ] {
        for (delivery, expected) in [(Delivery::Pushed, pushed), (Delivery::Pulled, pulled)] {
            let options = options(&config(args), delivery).unwrap();
            assert_eq!(options.max_task_duration, expected, "{args:?} {delivery:?}");
        }
    }
}
