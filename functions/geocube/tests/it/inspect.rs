//! `geocube inspect`, as people call it.

use cog::{ImageLayout, ImageTags, LevelLayout, NoTiles, Offsets, RecordLayout};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn inspect(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_geocube"))
        .arg("inspect")
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn cog() -> Vec<u8> {
    let tags = ImageTags::new(40, 40, 16, 16, 8);
    let lengths = vec![0; 9];
    let record = RecordLayout {
        levels: vec![LevelLayout {
            image: ImageLayout { tags, lengths },
            masks: Vec::new(),
        }],
        first_tile: (0, 0),
    };
    let mut bytes = Vec::new();
    cog::write_cog(&record, Offsets::Auto, &mut NoTiles, &mut bytes).unwrap();
    bytes
}

#[test]
fn a_file_is_described_for_people_and_for_programs() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.tif"), cog()).unwrap();
    let said = inspect(folder.path(), &["a.tif"]);
    let text = String::from_utf8(said.stdout).unwrap();
    assert!(said.status.success());
    assert!(text.starts_with("a.tif: COG, 1 record, "), "{text}");
    assert!(text.contains("40 x 40  16 x 16       9       9"), "{text}");
    let uri = format!("file://{}/a.tif", folder.path().display());
    let json = inspect(folder.path(), &["--json", &uri]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["kind"], "cog");
    assert_eq!(json["records"][0]["levels"][0]["sparse"], 9);
}

#[test]
fn an_object_is_described_like_a_file() {
    let address = std::env::var("GEOCUBE_TEST_GCS").ok();
    let Some(address) = address.filter(|text| !text.is_empty()) else {
        eprintln!("skipped: needs GEOCUBE_TEST_GCS, as scripts/test sets it");
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let uri = runtime.block_on(uploaded(&address, cog()));
    let inspect = |uri: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_geocube"));
        command.args(["inspect", uri]);
        command.env("STORAGE_EMULATOR_HOST", &address);
        let said = command.output().unwrap();
        [said.stdout, said.stderr].map(|text| String::from_utf8(text).unwrap())
    };
    let [text, why] = inspect(&uri);
    assert!(
        text.starts_with(&format!("{uri}: COG, 1 record, ")),
        "{text}{why}"
    );
    let [text, why] = inspect(&format!("{uri}.absent"));
    assert!(why.contains(".absent") && text.is_empty(), "{text}{why}");
    assert_eq!(why.lines().count(), 1, "{why}");
}

/// Puts a file into a bucket of its own.
async fn uploaded(address: &str, bytes: Vec<u8>) -> String {
    // the client asks for one even where it speaks in clear; another one in place is as good
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::new();
    let bucket = format!("inspect-{}", uuid::Uuid::new_v4().simple());
    let create = client
        .post(format!("http://{address}/storage/v1/b"))
        .json(&serde_json::json!({ "name": bucket }));
    create.send().await.unwrap().error_for_status().unwrap();
    let upload = client
        .post(format!("http://{address}/upload/storage/v1/b/{bucket}/o"))
        .query(&[("uploadType", "media"), ("name", "a.tif")])
        .body(bytes);
    upload.send().await.unwrap().error_for_status().unwrap();
    format!("gs://{bucket}/a.tif")
}

#[test]
fn what_cannot_be_read_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("text.tif", b"once upon a time");
    write("cut.tif", &cog()[..300]);
    for (file, why) in [
        ("text.tif", "not a TIFF file"),
        ("cut.tif", "corrupt TIFF"),
        ("absent.tif", "No such file"),
        (".", "cannot inspect ."),
        ("http://host/a.tif", "http"),
    ] {
        let said = inspect(folder.path(), &[file]);
        let text = String::from_utf8(said.stderr).unwrap();
        assert_eq!(said.status.code(), Some(1), "{text}");
        assert!(text.starts_with("error: ") && text.contains(why), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(said.stdout.is_empty());
    }
}
