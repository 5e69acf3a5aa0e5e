//! `geocube inspect`, as people call it.

use cog::{
    EncodedTile, Error, ImageLayout, ImageTags, InterlacingPattern, LevelLayout, NoTiles, Offsets,
    RecordLayout, TileSource,
};
use std::fs;
use std::io::Write;
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

/// Tiles of 16 by 16 zeros.
struct Zeros;

impl TileSource for Zeros {
    fn copy_tile(&mut self, _: EncodedTile, out: &mut dyn Write) -> Result<(), Error> {
        out.write_all(&[0; 256]).map_err(Error::Write)
    }
}

/// Three dates of two bands, each with tiles of its own, and two overviews. The second date has a sparse tile.
fn mucog() -> Vec<u8> {
    let level = |name: &str, side: u32, sparse: usize| {
        let mut tags = ImageTags::new(side, side, 16, 16, 8);
        (tags.samples, tags.planar) = (2, 2);
        (tags.bits_per_sample, tags.sample_format) = (vec![8; 2], vec![1; 2]);
        tags.extra_samples = vec![0];
        tags.document_name = Some(name.to_owned());
        tags.nodata = Some("0".to_owned());
        tags.geo.pixel_scale = vec![10.0, 10.0, 0.0];
        tags.geo.tiepoints = vec![0.0, 0.0, 0.0, 500_000.0, 4_000_000.0, 0.0];
        // projected, pixels are areas, UTM zone 32 north
        tags.geo.keys = vec![1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32632];
        let mut lengths = vec![256; tags.block_count() as usize];
        lengths[..sparse].fill(0);
        LevelLayout {
            image: ImageLayout { tags, lengths },
            masks: Vec::new(),
        }
    };
    let record = |(name, sparse)| RecordLayout {
        levels: vec![
            level(name, 32, sparse),
            level(name, 16, 0),
            level(name, 8, 0),
        ],
        first_tile: (0, 0),
    };
    let records = [("one", 0), ("two", 1), ("three", 0)].map(record);
    let pattern = InterlacingPattern::parse("Z=0>T>R>B;R>Z=1:>T>B").unwrap();
    let mut bytes = Vec::new();
    cog::write_mucog(&records, &pattern, Offsets::Auto, &mut Zeros, &mut bytes).unwrap();
    bytes
}

#[test]
fn a_file_of_several_dates_is_described_with_its_order_and_its_dates() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cube.tif"), mucog()).unwrap();
    let said = inspect(folder.path(), &["cube.tif"]);
    let text = String::from_utf8(said.stdout).unwrap();
    assert!(said.status.success(), "{text}");
    for expected in [
        "cube.tif: MuCOG, 3 records, ",
        "block order  Z=0>T>R>B;R>Z=1:>T>B (full resolution as time series of blocks",
        "time series  1 read of ",
        "3 records like record 1",
        "2 bands lying apart of ",
        "EPSG:32632, origin 500000, 4000000, pixel 10 x -10",
        "nodata 0",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    for (number, name, sparse) in [(1, "one", 0), (2, "two", 1), (3, "three", 0)] {
        let prefix = format!("GTIFF_DIR:{number}");
        let line = text.lines().find(|line| line.contains(&prefix));
        let line = line.unwrap_or_else(|| panic!("{prefix} in {text}"));
        let sparse = format!("{sparse} of 12");
        assert!(line.contains(name) && line.contains(&sparse), "{line}");
    }

    let json = inspect(folder.path(), &["--json", "cube.tif"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["kind"], "mucog");
    assert_eq!(json["arrangement"]["pattern"], "Z=0>T>R>B;R>Z=1:>T>B");
    assert_eq!(json["series"]["records"], 3);
    let records = json["records"].as_array().unwrap();
    assert_eq!(records.len(), 3);
    let full = &records[1]["levels"][0];
    assert_eq!((&full["blocks"], &full["sparse"]), (&8.into(), &1.into()));
    assert_eq!(records[2]["planar"], true);
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
