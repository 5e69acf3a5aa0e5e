//! `geocube migrate` on a database of release 1.1.0.

use database::testing::Scratch;
use database::testing::reference::{FRESH, QUEUE, rows};
use std::process::{Command, Output};

use crate::system::geocube;

fn migrate(scratch: &Scratch, flags: &[&str]) -> Output {
    Command::new(geocube())
        .args(["migrate", "--dbConnection", &scratch.url()])
        .args(flags)
        .output()
        .unwrap()
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn a_catalogue_is_looked_at_adopted_and_repaired() {
    let Some(scratch) = Scratch::empty().await else {
        return;
    };
    scratch.run(&[FRESH, QUEUE, &rows("/data")]).await;
    let flags = [
        "--check",
        "--ingestionStorage",
        "/data/managed",
        "--allowedPaths",
        "/data",
    ];

    let check = migrate(&scratch, &flags);
    let (out, err) = texts(&check);
    assert_eq!(check.status.code(), Some(1), "{out}{err}");
    for line in [
        "1 file(s) in /elsewhere/ may not be read (flag allowedPaths)",
        "1 file(s) in gs://bucket/ are managed outside the ingestion storage and are not deleted with their datasets \
         (flag managedPaths)",
        "jobs that are over still hold datasets (geocube migrate --repair): 1",
        "   (e0000000-0000-4000-8000-000000000003, FAILED): 1 dataset(s)",
    ] {
        assert!(out.lines().any(|found| found == line), "{line}: {out}");
    }
    assert!(err.contains("4 finding(s)"), "{err}");

    // nothing was written
    scratch
        .run(&["UPDATE geocube.jobs SET state = 'NEW' WHERE name = 'done job'"])
        .await;
    for flags in [&flags[..], &[]] {
        let refused = migrate(&scratch, flags);
        let (out, err) = texts(&refused);
        assert_eq!((refused.status.code(), out.as_str()), (Some(1), ""));
        assert!(
            err.contains("done job (e0000000-0000-4000-8000-000000000001, NEW)"),
            "{err}"
        );
    }
    scratch
        .run(&["UPDATE geocube.jobs SET state = 'DONE' WHERE name = 'done job'"])
        .await;

    let adopted = migrate(&scratch, &[]);
    let (out, err) = texts(&adopted);
    assert!(adopted.status.success() && out.is_empty(), "{out}{err}");
    assert!(
        err.contains("warning: 1 dataset(s) are locked by the job"),
        "{err}"
    );
    assert!(err.contains("geocube migrate --repair"), "{err}");

    let repaired = migrate(&scratch, &["--repair"]);
    let (out, err) = texts(&repaired);
    assert!(repaired.status.success(), "{out}{err}");
    assert!(
        out.starts_with("released: 1 dataset(s) are locked by the job"),
        "{out}"
    );
    let hidden = "still to be deleted, held by no job: f0000000-0000-4000-8000-000000000004";
    assert!(
        out.contains("2 row(s) of datasets corrected") && out.contains(hidden),
        "{out}"
    );

    let (_, err) = texts(&migrate(&scratch, &[]));
    assert!(!err.contains("warning"), "{err}");
    let (out, _) = texts(&migrate(&scratch, &flags));
    assert!(!out.contains("--repair"), "{out}");
}

#[tokio::test]
async fn an_empty_database_has_nothing_to_look_at() {
    let Some(scratch) = Scratch::empty().await else {
        return;
    };
    let check = migrate(&scratch, &["--check"]);
    let (out, err) = texts(&check);
    assert!(check.status.success(), "{out}{err}");
    assert!(out.contains("no catalogue yet"), "{out}");
    assert!(migrate(&scratch, &[]).status.success());
    let (out, _) = texts(&migrate(&scratch, &["--check"]));
    assert_eq!(out, "nothing needs attention\n");
    let both = migrate(&scratch, &["--check", "--repair"]);
    assert_eq!(both.status.code(), Some(2));
}
