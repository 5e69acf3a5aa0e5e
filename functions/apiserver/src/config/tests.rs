use runtime::config::{Messaging, ReadableFiles};
use runtime::{Environment, Exit, Parsed};

use super::Config;

const DATABASE: &str = "--dbConnection=postgresql://u:p@localhost/geocube";

fn parse(args: &[&str]) -> Result<Parsed<Config>, Exit> {
    runtime::parse(
        ["geocube-apiserver"].iter().chain(args),
        &Environment::default(),
    )
}

fn read(args: &[&str]) -> Config {
    parse(args)
        .unwrap_or_else(|exit| panic!("{args:?}: {exit}"))
        .flags
}

fn refused(args: &[&str]) -> String {
    let exit = parse(args).unwrap_err();
    assert_eq!(exit.code(), 2, "{args:?}: {exit}");
    exit.to_string()
}

/// What the start says: `ok` or the error.
fn start(args: &[&str]) -> String {
    read(args)
        .validate()
        .map_or_else(|error| error.to_string(), |()| "ok".to_owned())
}

#[test]
fn f1_a_port_in_each_form() {
    for args in [&["-port=9090"][..], &["--port", "9090"], &["-port", "9090"]] {
        assert_eq!(read(args).port, 9090, "{args:?}");
    }
    for bad in ["", "65536", "http"] {
        assert!(refused(&["-port", bad]).contains("--port"), "{bad:?}");
    }
}

#[test]
fn f2_and_f3_booleans() {
    for (arg, tls) in [("-tls", true), ("--tls=T", true), ("-tls=0", false)] {
        assert_eq!(read(&[arg]).tls.tls, tls, "{arg}");
    }
    assert!(refused(&["-tls", "false", "-port", "1"]).contains("'false'"));
}

#[test]
fn f4_unknown_flags_show_the_usage() {
    for args in [&["-Port", "1"][..], &["-nope"]] {
        assert!(refused(args).contains("Usage: "), "{args:?}");
    }
}

#[test]
fn f5_and_f7_integers() {
    assert_eq!(read(&["-workers", "0x10"]).cubes.parallel_slices(), 16);
    assert_eq!(read(&["-workers", "-3"]).cubes.parallel_slices(), 1);
    for args in [&["-workers", "1.5"][..], &["-workers="]] {
        assert!(refused(args).contains("--workers"), "{args:?}");
    }
    for (threads, option) in [
        ("-1", Some("ALL_CPUS")),
        ("4", Some("4")),
        ("0", None),
        ("-2", None),
    ] {
        let config = read(&["-gdalNumThreads", threads]);
        assert_eq!(
            config.gdal.num_threads_option().as_deref(),
            option,
            "{threads}"
        );
    }
}

#[test]
fn f8_the_last_wins_and_strays_are_named() {
    assert_eq!(read(&["-port", "1", "-port", "2"]).port, 2);
    assert!(refused(&["--", "-port", "3"]).contains("'-port'"));
}

#[test]
fn f9_help_ends_well() {
    let exit = parse(&["-h"]).unwrap_err();
    assert_eq!(exit.code(), 0);
    for flag in [
        "--ingestionStorage",
        "--with-gcs",
        "--push-audience",
        "--maxSlices",
        "--sweepInterval",
    ] {
        assert!(exit.to_string().contains(flag), "{flag}");
    }
    assert!(
        !exit.to_string().contains("tokenUser"),
        "tokens are for the environment only"
    );
}

#[test]
fn f10_what_cannot_start_says_which_flag_is_missing() {
    let consolidating = [
        DATABASE,
        "-ingestionStorage=/data",
        "-cancelledJobs=/cancelled",
    ];
    let with = |more: &[&'static str]| [&consolidating[..], more].concat();
    for (args, answer) in [
        (vec![], "--dbConnection"),
        (vec!["-dbName=n", "-dbPassword=p", "-dbHost=h"], "--dbUser"),
        (vec![DATABASE], "ok"),
        (vec![DATABASE, "-ingestionStorage=/data"], "--cancelledJobs"),
        (
            vec![DATABASE, "-consolidationsQueue=c"],
            "--ingestionStorage",
        ),
        (with(&[]), "ok"),
        (with(&["-project=p"]), "ok"),
        (
            with(&["-project=p", "-eventsQueue=e"]),
            "--consolidationsQueue",
        ),
        (
            with(&["-project=p", "-eventsQueue=e", "-consolidationsQueue=c"]),
            "ok",
        ),
        (
            with(&[
                "-project=p",
                "-eventsQueue=e",
                "-pgqConnection=postgres://h/n",
            ]),
            "ok",
        ),
        (vec![DATABASE, "-pgqConnection=h"], "--pgqConnection"),
        (vec![DATABASE, "-baSecretName=s"], "--project"),
        (
            vec![DATABASE, "-push-audience=a"],
            "--push-service-accounts",
        ),
    ] {
        let said = start(&args);
        assert!(said.contains(answer), "{args:?}: {said}");
    }
}

#[test]
fn f12_names_of_v0_2_work_with_a_warning() {
    let parsed = parse(&[
        "-psEventsTopic",
        "e",
        "-psConsolidationsTopic",
        "c",
        "-project",
        "p",
    ])
    .unwrap();
    assert_eq!(parsed.warnings.len(), 2);
    let Messaging::PubSub {
        project,
        events,
        consolidations,
    } = parsed.flags.messaging().unwrap()
    else {
        panic!("Pub/Sub expected")
    };
    assert_eq!(
        (project.as_str(), events.as_str(), consolidations.as_deref()),
        ("p", "e", Some("c"))
    );
}

#[test]
fn f13_block_sizes() {
    for (size, bytes) in [
        ("1Mb", 1_048_576),
        ("512k", 524_288),
        ("1048576", 1_048_576),
        ("1.5MiB", 1_572_864),
    ] {
        assert_eq!(
            read(&["-gdalBlockSize", size]).gdal.gdal_block_size,
            bytes,
            "{size}"
        );
    }
    for size in ["1Gb", "0"] {
        assert!(
            refused(&["-gdalBlockSize", size]).contains("--gdalBlockSize"),
            "{size}"
        );
    }
}

#[test]
fn defaults_are_those_of_the_contract() {
    let config = read(&[]);
    assert_eq!(config.port, 8080);
    assert_eq!(config.cubes.max_connection_age, 900);
    assert_eq!(config.cubes.duration().as_secs(), 900);
    assert_eq!(config.cubes.parallel_slices(), 1);
    assert_eq!(config.gdal.cache_bytes(), 500 << 20);
    assert_eq!(config.gdal.gdal_num_threads, 1);
    assert_eq!(config.bounds.requests.max_message_size, 4_194_304);
    assert_eq!(config.tls.certificate(config.paths.local), None);
    assert_eq!(
        config.paths.readable_files(None),
        ReadableFiles::Below(vec![])
    );
}

#[test]
fn all_flags_of_a_server_are_accepted() {
    let flags = "-port 1 -tls -maxConnectionAge 0 -workers 1 -cancelledJobs /c -ingestionStorage /i -baSecretName s \
        -dbConnection postgres://h/n -dbName n -dbUser u -dbHost h -dbPassword p -dbSecretName s -project p \
        -pgqConnection postgres://h/n -eventsQueue e -consolidationsQueue c -local -gdalBlockSize 1k \
        -gdalNumCachedBlocks 1 -gdalNumThreads 1 -gdalStorageDebug -with-gcs -with-s3 -aws-region r -aws-endpoint e \
        -aws-shared-credentials-file f -allowedPaths /a -allowedSubdirs HDF5: -managedPaths /m -tokensFile /t \
        -tlsCert /c -tlsKey /k -consolidaterUrl http://c -push-audience a -push-service-accounts s@a -maxMessageSize 8MiB \
        -maxRecords 1 -maxSlices 1 -maxPixels 1 -maxGridCells 1 -maxAoiVertices 1 -maxPageSize 1 -statementTimeout 1s -dbMaxConnections 4 -dbAcquireTimeout 1s \
        -memoryBudget 1GiB -sweepInterval 1s -resendMessageAfter 1s -rerunActionAfter 1s -resendOrderAfter 1s \
        -resendLostOrderAfter 1s -publishResultAfter 1s -deletePartAfter 1h -tidyMinAge 1h";
    let config = read(&flags.split_whitespace().collect::<Vec<_>>());
    config.validate().unwrap();
    assert_eq!(config.cubes.duration().as_secs(), 900);
    assert_eq!(
        config.tls.certificate(config.paths.local),
        None,
        "local turns TLS off"
    );
    assert_eq!(config.paths.readable_files(None), ReadableFiles::All);
}

#[test]
fn the_age_of_a_connection_bounds_a_cube() {
    for (given, cube, connection) in [
        ("0", 900, 900),
        ("-1", 900, 900),
        ("1", 1, 60),
        ("59", 59, 60),
        ("60", 60, 60),
        ("3600", 3600, 3600),
        ("9223372036854775807", 31_536_000, 31_536_000),
    ] {
        let config = read(&["-maxConnectionAge", given]);
        let ages = (config.cubes.duration(), config.cubes.connection_age());
        assert_eq!(
            (ages.0.as_secs(), ages.1.as_secs()),
            (cube, connection),
            "{given}"
        );
    }
}
