//! What opening an image of an object store costs, by the wrappers of the programs, counted at the network.

use crate::proxy::Proxy;
use cog::{
    EncodedTile, GeoTags, ImageLayout, ImageTags, LevelLayout, Offsets, RecordLayout, TileSource,
    write_cog,
};
use domain::{Bands, RecordId, Uri};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use storage::{
    CacheOptions, Cached, GcsConnection, GcsStorage, RetryBudget, Retrying, S3Options, S3Storage,
    Storage, UploadOptions,
};

const MIB: u64 = 1 << 20;
const SIDE: u32 = 1024;
const TILE: u32 = 16;

/// A store behind a proxy, a place on it, and the most requests for the first bytes of a file.
struct Place {
    proxy: Proxy,
    store: Arc<dyn Storage>,
    folder: String,
    most: usize,
    /// File of the keys, where there is one.
    _keys: Option<tempfile::NamedTempFile>,
}

async fn google(address: &str) -> Place {
    let proxy = Proxy::start(address).await;
    let connection = GcsConnection::Emulator(proxy.address.to_string());
    // which puts the cryptography in place that other clients ask for
    let store = GcsStorage::connect(&connection).await.unwrap();
    let bucket = format!("opens-{}", RecordId::new());
    let made = reqwest::Client::new()
        .post(format!("http://{address}/storage/v1/b"))
        .header("content-type", "application/json")
        .body(format!("{{\"name\": \"{bucket}\"}}"));
    made.send().await.unwrap().error_for_status().unwrap();
    Place {
        proxy,
        store: Arc::new(store),
        folder: format!("gs://{bucket}"),
        // the emulator does not tell the size with the first bytes
        most: 2,
        _keys: None,
    }
}

async fn amazon(endpoint: &str) -> Place {
    let bucket = format!("opens-{}", RecordId::new());
    let made = reqwest::Client::new().put(format!("{endpoint}/{bucket}"));
    made.send().await.unwrap().error_for_status().unwrap();
    let proxy = Proxy::start(endpoint).await;
    let keys = tempfile::NamedTempFile::new().unwrap();
    let text = "[default]\naws_access_key_id = id\naws_secret_access_key = secret\n";
    std::fs::write(keys.path(), text).unwrap();
    let store = S3Storage::connect(&S3Options {
        region: Some("us-east-1".to_owned()),
        endpoint: Some(format!("http://{}", proxy.address)),
        credentials_file: Some(keys.path().to_owned()),
    });
    Place {
        proxy,
        store: Arc::new(store.unwrap()),
        folder: format!("s3://{bucket}"),
        most: 1,
        _keys: Some(keys),
    }
}

/// A file whose header is longer than its first 16 KiB, and which is longer than a block.
fn cog_in(epsg: u16) -> Vec<u8> {
    let mut tags = ImageTags::new(SIDE, SIDE, TILE, TILE, 8);
    tags.geo = GeoTags {
        pixel_scale: vec![10.0, 10.0, 0.0],
        tiepoints: vec![0.0, 0.0, 0.0, 400_000.0, 5_000_000.0, 0.0],
        keys: vec![1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, epsg],
        ..GeoTags::default()
    };
    let tiles = (SIDE / TILE).pow(2);
    let lengths = vec![u64::from(TILE * TILE); tiles as usize];
    let level = LevelLayout {
        image: ImageLayout { tags, lengths },
        masks: Vec::new(),
    };
    let layout = RecordLayout {
        levels: vec![level],
        first_tile: (0, 0),
    };
    let mut file = Vec::new();
    write_cog(&layout, Offsets::Auto, &mut Grey, &mut file).unwrap();
    assert!(file.len() as u64 > MIB);
    file
}

struct Grey;

impl TileSource for Grey {
    fn copy_tile(&mut self, _: EncodedTile, out: &mut dyn Write) -> Result<(), cog::Error> {
        let tile = [7; (TILE * TILE) as usize];
        out.write_all(&tile).map_err(cog::Error::Write)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_opened_by_two_requests_at_most_and_by_none_when_it_is_known() {
    imaging::init(&imaging::Options::default()).unwrap();
    let address = |variable| std::env::var(variable).ok().filter(|text| !text.is_empty());
    let (Some(gcs), Some(s3)) = (address("GEOCUBE_TEST_GCS"), address("GEOCUBE_TEST_S3")) else {
        eprintln!("skipped: needs GEOCUBE_TEST_GCS and GEOCUBE_TEST_S3, as scripts/test sets them");
        return;
    };
    // a reference system of its own for each, so that GDAL is asked about the first file of both
    for (place, epsg) in [(google(&gcs).await, 32631), (amazon(&s3).await, 32632)] {
        let retrying = Retrying::new(Arc::clone(&place.store), RetryBudget::default());
        let options = CacheOptions {
            block: MIB,
            capacity: 64 * MIB,
            fresh: Duration::from_mins(10),
        };
        let cached = Cached::new(Arc::new(retrying), options);
        imaging::set_remote_store(cached, tokio::runtime::Handle::current());
        for name in ["by-gdal.tif", "by-tags.tif"] {
            let uri = Uri::parse(format!("{}/{name}", place.folder)).unwrap();
            let upload = UploadOptions::default();
            let sent = place.store.upload(&uri, cog_in(epsg).into(), &upload);
            sent.await.unwrap();
            for (state, most) in [("cold", place.most), ("warm", 0)] {
                place.proxy.spoil([]);
                let asked = uri.clone();
                let looked = tokio::task::spawn_blocking(move || {
                    imaging::inspect(&asked, "", &Bands::first(1))
                });
                let info = looked.await.unwrap().unwrap();
                assert_eq!(info.size.width, SIDE);
                let requests = place.proxy.requests();
                assert_eq!(requests.len(), most, "{uri} {state}: {requests:?}");
                let own = |request: &String| request.contains(name);
                assert!(requests.iter().all(own), "{uri} {state}: {requests:?}");
            }
        }
    }
}
