use std::time::Duration;

use runtime::config::{Connection, Messaging};
use runtime::{Environment, Exit, ExposeSecret, Parsed};

use super::Config;

const MANDATORY: [&str; 2] = ["-workdir=/scratch", "-cancelledJobs=/cancelled"];
const DATABASE: &str = "-dbConnection=postgresql://u:p@localhost/geocube";

fn parse(args: &[&str]) -> Result<Parsed<Config>, Exit> {
    runtime::parse(
        ["geocube-consolidater"].iter().chain(args),
        &Environment::default(),
    )
}

fn read(args: &[&str]) -> Config {
    parse(&[&MANDATORY[..], args].concat())
        .unwrap_or_else(|exit| panic!("{args:?}: {exit}"))
        .flags
}

fn refused(args: &[&str]) -> String {
    let exit = parse(&[&MANDATORY[..], args].concat()).unwrap_err();
    assert_eq!(exit.code(), 2, "{args:?}: {exit}");
    exit.to_string()
}

#[test]
fn f11_mandatory_flags_are_named() {
    for (given, missing) in [
        (MANDATORY[0], "--cancelledJobs"),
        (MANDATORY[1], "--workdir"),
    ] {
        let exit = parse(&[given, DATABASE]).unwrap_err();
        assert_eq!(exit.code(), 2);
        assert!(exit.to_string().contains(missing), "{exit}");
    }
    assert!(refused(&["-workdir="]).contains("--workdir"));
    assert!(refused(&["-cancelledJobs="]).contains("--cancelledJobs"));
}

#[test]
fn f11_queues_are_needed_to_pull_from_pubsub_only() {
    for (args, answer) in [
        (&[][..], "--dbConnection"),
        (&["-psProject=p", "-eventsQueue=e"], "--dbConnection"),
        (&["-dbName=n", "-dbPassword=p", "-dbUser=u"], "--dbHost"),
        (&[DATABASE], "ok"),
        (&[DATABASE, "-pull"], "ok"),
        (&["-pgqConnection=postgres://h/n"], "ok"),
        (&["-pgqConnection=postgres://h/n", "-pull"], "ok"),
        (&[DATABASE, "-psProject=p", "-eventsQueue=e"], "ok"),
        (&[DATABASE, "-psProject=p"], "ok"),
        (
            &[DATABASE, "-psProject=p", "-pull"],
            "--consolidationsQueue",
        ),
        (
            &[DATABASE, "-psProject=p", "-pull", "-eventsQueue=e"],
            "--consolidationsQueue",
        ),
        (
            &[DATABASE, "-psProject=p", "-pull", "-consolidationsQueue=c"],
            "ok",
        ),
        (
            &[
                DATABASE,
                "-psProject=p",
                "-pull",
                "-pgqConnection=postgres://h/n",
            ],
            "ok",
        ),
        (
            &["-dbSecretName=s", "-dbName=n", "-dbUser=u", "-dbHost=h"],
            "project",
        ),
        (
            &[
                "-dbSecretName=s",
                "-dbName=n",
                "-dbUser=u",
                "-dbHost=h",
                "-psProject=p",
                "-pull",
            ],
            "ok",
        ),
        (&[DATABASE, "-push-service-accounts=s@a"], "--push-audience"),
        (&[DATABASE, "-baSecretName=s"], "--psProject"),
    ] {
        let said = read(args)
            .validate()
            .map_or_else(|error| error.to_string(), |()| "ok".to_owned());
        assert!(said.contains(answer), "{args:?}: {said}");
    }
}

#[test]
fn leases_are_in_the_database_or_beside_the_queue() {
    let queue = "-pgqConnection=postgres://h/queue?binary_parameters=yes";
    for (args, url) in [
        (&[queue][..], "postgres://h/queue"),
        (&[queue, DATABASE], &DATABASE["-dbConnection=".len()..]),
    ] {
        let Connection::Url(connection) = read(args).worker.connection().unwrap() else {
            panic!("URL expected")
        };
        assert_eq!(connection.expose_secret(), url);
    }
}

#[test]
fn f12_names_of_v0_2_work_with_a_warning() {
    for orders in ["-psConsolidationsSubscription", "-psConsolidationsTopic"] {
        let args = [
            MANDATORY[0],
            MANDATORY[1],
            "-project",
            "p",
            "-psEventsTopic",
            "e",
            orders,
            "c",
        ];
        let parsed = parse(&args).unwrap();
        assert_eq!(parsed.warnings.len(), 3, "{:?}", parsed.warnings);
        let Messaging::PubSub {
            project,
            events,
            consolidations,
        } = parsed.flags.worker.messaging().unwrap()
        else {
            panic!("Pub/Sub expected")
        };
        assert_eq!(
            (project.as_str(), events.as_str(), consolidations.as_deref()),
            ("p", "e", Some("c"))
        );
    }
}

#[test]
fn local_copies_are_unlimited_unless_told_otherwise() {
    for (args, bytes) in [
        (&[][..], None),
        (&["-local-download"], None),
        (&["-local-download=false"], Some(0)),
        (&["-local-download-max-mb=2"], Some(2 << 20)),
        (
            &["-local-download=false", "-local-download-max-mb=2"],
            Some(2 << 20),
        ),
        (
            &["-local-download-max-mb=18446744073709551615"],
            Some(u64::MAX),
        ),
    ] {
        assert_eq!(read(args).worker.local_copies_bytes(), bytes, "{args:?}");
    }
}

#[test]
fn values_out_of_range_are_refused() {
    for (flag, bad) in [
        ("zstd-level", "0"),
        ("zstd-level", "23"),
        ("max-concurrent-tasks", "0"),
        ("busy-hold", "541s"),
        ("busy-hold", "90"),
        ("max-task-duration", "3480"),
        ("retryCount", "-1"),
        ("scratch-max-mb", "-1"),
        ("scratch-max-mb", ""),
    ] {
        assert!(
            refused(&[&format!("-{flag}={bad}")]).contains(flag),
            "{flag}={bad}"
        );
    }
}

#[test]
fn defaults_are_those_of_the_contract() {
    let config = read(&[]);
    assert_eq!(
        (config.port, config.pull, config.pull_port),
        (8080, false, 9000)
    );
    let worker = config.worker;
    assert_eq!(
        (
            worker.zstd_level,
            worker.retry_count,
            worker.parallel_records(),
            worker.max_concurrent_tasks
        ),
        (1, 1, 1, 1)
    );
    assert_eq!(
        (worker.busy_hold, worker.max_task_duration),
        (Duration::ZERO, None)
    );
    assert_eq!(worker.scratch_max_mb, None);
}

#[test]
fn all_flags_of_a_consolidater_are_accepted() {
    let flags = "-retryCount 1 -workers 2 -local-download -local-download-max-mb 1 -pgqConnection postgres://h/n \
        -psProject p -consolidationsQueue c -eventsQueue e -dbConnection postgres://h/n -dbName n -dbUser u -dbHost h \
        -dbPassword p -dbSecretName s -port 1 -pull -pull-port 1 -zstd-level 22 -push-audience a -push-service-accounts s@a \
        -max-task-duration 1h -max-concurrent-tasks 2 -busy-hold 9m -scratch-max-mb 1 -tokensFile /t -baSecretName s \
        -gdalBlockSize 1k -gdalNumCachedBlocks 1 -gdalNumThreads 1 -gdalStorageDebug -with-gcs -with-s3 -aws-region r \
        -aws-endpoint e -aws-shared-credentials-file f";
    read(&flags.split_whitespace().collect::<Vec<_>>())
        .validate()
        .unwrap();
}
