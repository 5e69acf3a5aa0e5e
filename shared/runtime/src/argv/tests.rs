use clap::{Parser, Subcommand};

use crate::value::{self, List};
use crate::{Environment, Exit, Parsed, parse};

#[derive(Debug, Parser)]
#[command(name = "program", version = "1.2.3", rename_all = "camelCase")]
struct Flags {
    #[arg(long, default_value = "8080")]
    port: String,
    #[arg(long, default_value = "1", value_parser = value::integer::<i64>)]
    workers: i64,
    #[arg(long)]
    tls: bool,
    #[arg(long = "local-download", default_value = "true", action = clap::ArgAction::SetTrue)]
    local_download: bool,
    #[arg(long, alias = "psEventsTopic")]
    events_queue: Option<String>,
    #[arg(long)]
    allowed_paths: Option<List>,
    #[arg(long, hide = true)]
    token_user: Option<String>,
}

fn read_with(args: &[&str], environment: &[(&str, &str)]) -> Result<Parsed<Flags>, Exit> {
    let environment = environment.iter().copied().collect::<Environment>();
    parse(["program"].iter().chain(args), &environment)
}

fn read(args: &[&str]) -> Flags {
    read_with(args, &[]).unwrap().flags
}

fn refused(args: &[&str]) -> String {
    let exit = read_with(args, &[]).unwrap_err();
    assert_eq!(exit.code(), 2, "{args:?}: {exit}");
    let text = exit.to_string();
    assert!(text.contains("Usage: program"), "{args:?}: {text}");
    text
}

#[test]
fn one_dash_and_two_are_the_same() {
    for args in [
        &["-port=9090"][..],
        &["--port", "9090"],
        &["-port", "9090"],
        &["--port=9090"],
    ] {
        assert_eq!(read(args).port, "9090", "{args:?}");
    }
}

#[test]
fn a_value_may_look_like_a_flag() {
    assert_eq!(read(&["-workers", "-1"]).workers, -1);
    assert_eq!(
        read(&["-eventsQueue", "-tls"]).events_queue.as_deref(),
        Some("-tls")
    );
    assert_eq!(
        read(&["-eventsQueue", "--"]).events_queue.as_deref(),
        Some("--")
    );
    assert_eq!(
        read(&["-eventsQueue=a=b"]).events_queue.as_deref(),
        Some("a=b")
    );
}

#[test]
fn booleans_are_bare_or_take_a_value_after_the_equals_sign() {
    for (args, tls) in [
        (&[][..], false),
        (&["-tls"], true),
        (&["--tls=T"], true),
        (&["-tls=0"], false),
    ] {
        assert_eq!(read(args).tls, tls, "{args:?}");
    }
    assert!(read(&[]).local_download);
    assert!(!read(&["-local-download=false"]).local_download);
    assert!(refused(&["-tls=maybe"]).contains("--tls"));
    assert!(refused(&["-tls="]).contains("--tls"));
    assert!(refused(&["-tls", "false"]).contains("'false'"));
}

#[test]
fn the_last_of_repeated_flags_wins_whatever_its_name() {
    assert_eq!(read(&["-port", "1", "-port", "2"]).port, "2");
    assert!(!read(&["-tls", "-tls=false"]).tls);
    assert_eq!(
        read(&["-eventsQueue", "a", "-psEventsTopic", "b"])
            .events_queue
            .as_deref(),
        Some("b")
    );
    assert_eq!(
        *read(&["-allowedPaths", "/a,/b", "-allowedPaths", "/c"])
            .allowed_paths
            .unwrap(),
        ["/c"]
    );
}

#[test]
fn what_cannot_be_understood_is_named() {
    for (args, named) in [
        (&["-Port", "1"][..], "--Port"),
        (&["-nope"], "--nope"),
        (&["-por=1"], "--por"),
        (&["-workers", "1.5"], "--workers"),
        (&["-workers="], "--workers"),
        (&["-port"], "-port"),
        (&["stray"], "'stray'"),
        (&["-tls", "-"], "'-'"),
        (&["--", "-port", "3"], "'-port'"),
        (&["---port"], "---port"),
        (&["-=1"], "-=1"),
        (&["-tokenUser", "t"], "--tokenUser"),
    ] {
        let text = refused(args);
        assert!(text.contains(named), "{args:?}: {text}");
    }
    assert_eq!(read(&["-port", "3", "--"]).port, "3");
}

#[test]
fn help_and_version_end_the_program_well() {
    for help in ["-h", "-help", "--help"] {
        let exit = read_with(&["-tls", help], &[]).unwrap_err();
        assert_eq!(exit.code(), 0);
        assert!(exit.to_string().contains("--eventsQueue"), "{exit}");
        assert!(!exit.to_string().contains("psEventsTopic"), "{exit}");
    }
    let exit = read_with(&["--version"], &[]).unwrap_err();
    assert_eq!((exit.code(), exit.to_string().trim()), (0, "program 1.2.3"));
}

#[test]
fn the_command_line_wins_over_the_environment_and_that_over_defaults() {
    let port = |args: &[&str], environment: &[(&str, &str)]| {
        read_with(args, environment).unwrap().flags.port
    };
    let both = [("GEOCUBE_PORT", "2"), ("PORT", "3")];
    assert_eq!(port(&["-port", "1"], &both), "1");
    assert_eq!(port(&[], &both), "2");
    assert_eq!(port(&[], &both[1..]), "3");
    assert_eq!(port(&[], &[("GEOCUBE_PORT", "")]), "8080");
    assert_eq!(port(&[], &[]), "8080");
}

#[test]
fn every_kind_of_flag_can_come_from_the_environment() {
    let environment = [
        ("GEOCUBE_TLS", "1"),
        ("GEOCUBE_LOCAL_DOWNLOAD", "f"),
        ("GEOCUBE_WORKERS", "-0x2"),
        ("GEOCUBE_ALLOWED_PATHS", "/a,/b"),
        ("GEOCUBE_TOKEN_USER", "secret"),
        ("WORKERS", "7"),
    ];
    let flags = read_with(&[], &environment).unwrap().flags;
    assert!(flags.tls && !flags.local_download);
    assert_eq!(flags.workers, -2);
    assert_eq!(*flags.allowed_paths.unwrap(), ["/a", "/b"]);
    assert_eq!(flags.token_user.as_deref(), Some("secret"));
}

#[test]
fn a_bad_value_of_the_environment_names_its_variable() {
    let exit = read_with(&[], &[("GEOCUBE_WORKERS", "many")]).unwrap_err();
    assert_eq!(exit.code(), 2);
    assert!(exit.to_string().contains("GEOCUBE_WORKERS"), "{exit}");
    let exit = read_with(&["-workers", "many"], &[("GEOCUBE_PORT", "1")]).unwrap_err();
    assert!(!exit.to_string().contains("GEOCUBE_"), "{exit}");
}

#[test]
fn an_empty_text_is_no_flag_and_hides_the_environment() {
    let flags = read_with(&["-eventsQueue="], &[("GEOCUBE_EVENTS_QUEUE", "e")])
        .unwrap()
        .flags;
    assert_eq!(flags.events_queue, None);
    assert_eq!(read(&["-port="]).port, "");
}

#[test]
fn deprecated_names_work_with_a_warning() {
    for (args, environment) in [
        (&["-psEventsTopic", "e"][..], &[][..]),
        (&[], &[("GEOCUBE_PS_EVENTS_TOPIC", "e")]),
    ] {
        let parsed = read_with(args, environment).unwrap();
        assert_eq!(parsed.flags.events_queue.as_deref(), Some("e"));
        assert_eq!(parsed.warnings.len(), 1);
    }
    assert!(
        read_with(&["-eventsQueue", "e"], &[])
            .unwrap()
            .warnings
            .is_empty()
    );
}

#[derive(Debug, Parser)]
#[command(name = "tool")]
struct Tool {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Up {
        #[arg(long)]
        db: Option<String>,
        #[arg(long)]
        fast: bool,
        #[arg(allow_hyphen_values = true)]
        server_flags: Vec<String>,
    },
    Inspect {
        file: String,
    },
    Migrate {
        #[arg(long)]
        db: Option<String>,
    },
}

fn verb(args: &[&str], environment: &[(&str, &str)]) -> Result<Verb, Exit> {
    let environment = environment.iter().copied().collect::<Environment>();
    parse::<Tool>(["tool"].iter().chain(args), &environment).map(|parsed| parsed.flags.verb)
}

#[test]
fn subcommands_have_flags_and_an_environment_of_their_own() {
    let Ok(Verb::Migrate { db }) =
        verb(&["migrate"], &[("GEOCUBE_DB", "u"), ("GEOCUBE_FAST", "1")])
    else {
        panic!()
    };
    assert_eq!(db.as_deref(), Some("u"));
    let Ok(Verb::Inspect { file }) = verb(&["inspect", "x.tif"], &[]) else {
        panic!()
    };
    assert_eq!(file, "x.tif");
    assert_eq!(verb(&["migrate", "-fast"], &[]).unwrap_err().code(), 2);
    assert_eq!(verb(&["nothing"], &[]).unwrap_err().code(), 2);
    assert_eq!(verb(&["migrate", "x"], &[]).unwrap_err().code(), 2);
    assert_eq!(verb(&["inspect"], &[]).unwrap_err().code(), 2);
    assert_eq!(verb(&["migrate", "-h"], &[]).unwrap_err().code(), 0);
}

#[test]
fn unknown_flags_are_passed_on_where_the_command_says_so() {
    let args = [
        "up",
        "-workers",
        "4",
        "-db",
        "u",
        "--tls",
        "-fast",
        "-gdalNumThreads=-1",
    ];
    let Ok(Verb::Up {
        db,
        fast,
        server_flags,
    }) = verb(&args, &[])
    else {
        panic!()
    };
    assert_eq!((db.as_deref(), fast), (Some("u"), true));
    assert_eq!(
        server_flags,
        ["-workers", "4", "--tls", "-gdalNumThreads=-1"]
    );
}

#[test]
fn an_argument_that_is_not_utf8_is_refused() {
    use std::os::unix::ffi::OsStringExt;
    let args = [
        "program".into(),
        std::ffi::OsString::from_vec(vec![b'x', 0xff]),
    ];
    assert_eq!(
        parse::<Flags>(args, &Environment::default())
            .unwrap_err()
            .code(),
        2
    );
}
