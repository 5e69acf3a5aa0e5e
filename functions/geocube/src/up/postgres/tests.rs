use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use runtime::ExposeSecret;

use super::Cluster;
use super::binaries::Binaries;
use crate::up::process::{Identity, working_in};
use crate::up::ready;

fn postgres_is_installed() -> bool {
    let installed = Binaries::find(&std::env::var_os("PATH").unwrap_or_default(), None).is_ok();
    if !installed {
        eprintln!("skipped: needs PostgreSQL");
    }
    installed
}

fn started(cluster: &Cluster) -> Child {
    cluster
        .command()
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

async fn answers(cluster: &Cluster) {
    let url = cluster.url();
    let ready = ready::database(cluster.port(), &url);
    tokio::time::timeout(Duration::from_secs(20), ready)
        .await
        .unwrap()
        .unwrap();
}

fn signal(child: &Child, signal: rustix::process::Signal) {
    Identity::of(child.id()).unwrap().send(signal);
}

fn processes(folder: &Path) -> usize {
    working_in(&folder.join("data"), "postgres").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_survives_whatever_is_done_to_its_processes() {
    if !postgres_is_installed() {
        return;
    }
    // closed to everybody else, as temporary folders are
    let scratch = tempfile::tempdir().unwrap();
    let folder = fs::canonicalize(scratch.path()).unwrap().join("postgres");

    let cluster = Cluster::prepare(&folder).unwrap();
    let mut first = started(&cluster);
    answers(&cluster).await;
    let mode = fs::metadata(folder.join("password"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    // another run finds it running: it is stopped, and starts at the same place
    let begun = Instant::now();
    let again = Cluster::prepare(&folder).unwrap();
    assert_eq!(processes(&folder), 0);
    first.wait().unwrap();
    assert_eq!(again.url().expose_secret(), cluster.url().expose_secret());
    let mut second = started(&again);
    answers(&again).await;
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "{:?}",
        begun.elapsed()
    );

    // the main process is killed: its children are cleared away before the next start
    signal(&second, rustix::process::Signal::KILL);
    second.wait().unwrap();
    let mut third = started(&again);
    answers(&again).await;

    // its lock file names a live process that is none of the cluster
    signal(&third, rustix::process::Signal::KILL);
    third.wait().unwrap();
    let lock_file = folder.join("data/postmaster.pid");
    let text = fs::read_to_string(&lock_file).unwrap();
    let (_, rest) = text.split_once('\n').unwrap();
    fs::write(&lock_file, format!("{}\n{rest}", std::process::id())).unwrap();
    let mut fourth = started(&again);
    answers(&again).await;
    signal(&fourth, rustix::process::Signal::INT);
    assert!(fourth.wait().unwrap().success());
    assert_eq!(processes(&folder), 0);
}

#[test]
fn a_cluster_needs_its_password() {
    if !postgres_is_installed() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let folder = fs::canonicalize(scratch.path()).unwrap().join("postgres");
    let cluster = Cluster::prepare(&folder).unwrap();
    let rules = fs::read_to_string(folder.join("data/pg_hba.conf")).unwrap();
    let open = rules
        .lines()
        .any(|line| !line.starts_with('#') && line.contains("trust"));
    assert!(!open, "{rules}");
    assert!(cluster.url().expose_secret().len() > 60);
}

#[test]
fn data_that_are_no_cluster_are_left_alone() {
    if !postgres_is_installed() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let precious = scratch.path().join("data/precious");
    fs::create_dir_all(precious.parent().unwrap()).unwrap();
    fs::write(&precious, "x").unwrap();
    let error = Cluster::prepare(scratch.path()).unwrap_err().to_string();
    assert!(error.contains("no cluster"), "{error}");
    assert!(precious.exists());
}
