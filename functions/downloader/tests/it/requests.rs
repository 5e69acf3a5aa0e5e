//! What is built, and what is refused.

use crate::harness::{Downloader, SIDE, image, record, request, source};
use rpc::pb;
use rpc::pb::get_cube_metadata_response::Response as Item;
use tonic::Code;

#[tokio::test]
async fn slices_come_in_order_with_their_records_and_sources() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let allowed = format!("--allowedPaths={}", folder.path().display());
    let downloader = Downloader::start(&[&allowed, "--chunk-size=1000", "--workers=2"], &[]).await;
    image(folder.path().join("a.tif").as_path(), 7);
    image(folder.path().join("b.tif").as_path(), 9);
    let slices: [&[pb::InternalMeta]; 4] = [
        &[source(&path("a.tif"))],
        &[source(&path("a.tif")), source(&path("b.tif"))],
        &[],
        &[source(&path("absent.tif"))],
    ];
    let request = request(&slices);
    let items = downloader.cube(request.clone()).await.unwrap();
    let mut items = items.into_iter();
    let Some(Item::GlobalHeader(header)) = items.next() else {
        panic!("the first message is not the global header")
    };
    assert_eq!((header.count, header.nb_datasets), (4, 4));
    assert_eq!(header.ref_dformat, request.ref_dformat);
    assert_eq!(header.resampling_alg, request.resampling_alg);
    assert_eq!(header.geotransform, request.pix_to_crs);
    assert_eq!(header.crs, request.crs);
    let bytes = SIDE * SIDE;
    for (number, value) in [Some(7), Some(9), None, None].into_iter().enumerate() {
        let Some(Item::Header(header)) = items.next() else {
            panic!("expected the header of image {number}")
        };
        assert_eq!(
            header.grouped_records.as_ref(),
            request.grouped_records.get(number)
        );
        assert_eq!(
            header.dataset_meta.as_ref(),
            request.datasets_meta.get(number)
        );
        let Some(value) = value else {
            let expected = match number {
                2 => "rpc error: code = NotFound desc = Not enough valid pixels (skipped)",
                _ => "rpc error: code = InvalidArgument desc = ",
            };
            assert!(header.error.starts_with(expected), "{}", header.error);
            continue;
        };
        assert_eq!(header.error, "");
        assert_eq!((header.nb_parts, header.size), (5, i64::from(bytes)));
        assert!(!header.compression);
        let mut samples = header.data.to_vec();
        assert_eq!(samples.len(), 1000);
        for part in 1..5 {
            let Some(Item::Chunk(chunk)) = items.next() else {
                panic!("expected part {part}")
            };
            assert_eq!(chunk.part, part);
            samples.extend_from_slice(&chunk.data);
        }
        assert!(samples == vec![value; bytes as usize], "image {number}");
    }
    assert!(items.next().is_none());
}

/// A new bucket of the emulator of Google with an image; says so when there is no emulator.
async fn bucket_with(name: &str, image: Vec<u8>) -> Option<(String, String)> {
    let host = std::env::var("GEOCUBE_TEST_GCS").ok();
    let Some(host) = host.filter(|text| !text.is_empty()) else {
        eprintln!("skipped: needs GEOCUBE_TEST_GCS, as scripts/test sets it");
        return None;
    };
    // fails only when another test was faster, which is as good
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (client, bucket) = (
        reqwest::Client::new(),
        format!("downloader-{}", std::process::id()),
    );
    let made = client.post(format!("http://{host}/storage/v1/b"));
    let made = made.header("content-type", "application/json");
    let made = made
        .body(format!("{{\"name\": \"{bucket}\"}}"))
        .send()
        .await;
    made.unwrap().error_for_status().unwrap();
    let place =
        format!("http://{host}/upload/storage/v1/b/{bucket}/o?uploadType=media&name={name}");
    let sent = client.post(place).body(image).send().await;
    sent.unwrap().error_for_status().unwrap();
    Some((host, bucket))
}

#[tokio::test]
async fn reads_of_objects_are_logged_when_a_flag_asks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    image(&path, 7);
    let image = std::fs::read(&path).unwrap();
    let bytes = image.len();
    let Some((host, bucket)) = bucket_with("a.tif", image).await else {
        return;
    };
    let flags = ["--with-gcs", "--gdalStorageDebug"];
    let environment = [("STORAGE_EMULATOR_HOST", host.as_str())];
    let downloader = Downloader::start(&flags, &environment).await;
    let uri = format!("gs://{bucket}/a.tif");
    // the second time nothing is read
    for _ in 0..2 {
        let items = downloader.cube(request(&[&[source(&uri)]])).await.unwrap();
        let Some(Item::Header(header)) = items.get(1) else {
            panic!("expected an image")
        };
        assert_eq!(header.error, "");
    }
    let lines = told(&downloader, &uri).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    for part in ["a cube", "requests", &bytes.to_string()] {
        assert!(lines[0].contains(part), "{part}: {}", lines[0]);
    }
    // the blocks in memory of each cube
    let lines = told(&downloader, "blocks of remote files").await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    for line in lines {
        assert!(line.contains("hits") && line.contains("evicted"), "{line}");
    }
}

/// The lines that the downloader logs of a file, once there are any.
async fn told(downloader: &Downloader, uri: &str) -> Vec<String> {
    let told = || {
        let later = downloader.later.lock().unwrap();
        let lines = later.lines().filter(|line| line.contains(uri));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    for _ in 0..100 {
        if !told().is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    told()
}

#[tokio::test]
async fn reads_of_local_files_are_logged_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    image(&path, 7);
    let allowed = format!("--allowedPaths={}", folder.path().display());
    let downloader = Downloader::start(&[allowed.as_str(), "--gdalStorageDebug"], &[]).await;
    let uri = path.to_str().unwrap();
    let items = downloader.cube(request(&[&[source(uri)]])).await.unwrap();
    let Some(Item::Header(header)) = items.get(1) else {
        panic!("expected an image")
    };
    assert_eq!(header.error, "");
    let lines = told(&downloader, uri).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("a cube"), "{}", lines[0]);
}

#[tokio::test]
async fn no_record_gives_a_header_that_echoes_the_request() {
    let folder = tempfile::tempdir().unwrap();
    let downloader = Downloader::of_folder(folder.path()).await;
    let empty = pb::GetCubeMetadataRequest {
        crs: "nowhere".to_owned(),
        ..Default::default()
    };
    let items = downloader.cube(empty).await.unwrap();
    let expected = pb::GetCubeResponseHeader {
        crs: "nowhere".to_owned(),
        ..Default::default()
    };
    assert_eq!(items, [Item::GlobalHeader(expected)]);
}

type Change = fn(&mut pb::GetCubeMetadataRequest);

/// What a hostile or mistaken caller changes, the status, and a part of the text.
const REFUSALS: [(Change, Code, &str); 25] = [
    (
        |request| request.datasets_meta[0].internals_meta[0].container_uri = "/etc/passwd".into(),
        Code::InvalidArgument,
        "allowedPaths",
    ),
    (
        |request| uri(request, "/vsicurl/http://host/a.tif"),
        Code::InvalidArgument,
        "/vsicurl/",
    ),
    (
        |request| uri(request, "/vsimem/a.tif"),
        Code::InvalidArgument,
        "/vsimem/",
    ),
    (
        |request| uri(request, "http://host/a.tif"),
        Code::InvalidArgument,
        "http",
    ),
    (
        |request| uri(request, "/folder/../../etc/passwd"),
        Code::InvalidArgument,
        "..",
    ),
    (
        |request| uri(request, "a.tif"),
        Code::InvalidArgument,
        "a.tif",
    ),
    (|request| uri(request, ""), Code::InvalidArgument, "uri"),
    (
        |request| first(request).container_subdir = "/vsicurl/".into(),
        Code::InvalidArgument,
        "container_subdir",
    ),
    (
        |request| first(request).bands = vec![],
        Code::InvalidArgument,
        "band",
    ),
    (
        |request| first(request).bands = vec![0],
        Code::InvalidArgument,
        "band",
    ),
    (
        |request| first(request).bands = vec![1, 2],
        Code::InvalidArgument,
        "Bands number is not constant",
    ),
    (
        |request| first(request).dformat = None,
        Code::InvalidArgument,
        "InternalMeta.dformat is missing",
    ),
    (
        |request| first(request).exponent = 0.0,
        Code::InvalidArgument,
        "InternalMeta",
    ),
    (
        |request| first(request).range_max = f64::NAN,
        Code::InvalidArgument,
        "InternalMeta",
    ),
    (
        |request| request.datasets_meta.truncate(1),
        Code::InvalidArgument,
        "datasets_meta",
    ),
    (
        |request| request.ref_dformat = None,
        Code::InvalidArgument,
        "ref_dformat is missing",
    ),
    (
        |request| request.ref_dformat.as_mut().unwrap().dtype = 99,
        Code::InvalidArgument,
        "ref_dformat.dtype",
    ),
    (
        |request| request.resampling_alg = 0,
        Code::InvalidArgument,
        "Resampling",
    ),
    (
        |request| request.pix_to_crs = None,
        Code::InvalidArgument,
        "not invertible",
    ),
    (
        |request| request.crs = "EPSG:0".into(),
        Code::InvalidArgument,
        "Invalid crs",
    ),
    (
        |request| request.size = None,
        Code::InvalidArgument,
        "Invalid shape: 0x0",
    ),
    (
        |request| {
            request.size = Some(pb::Size {
                width: i32::MAX,
                height: i32::MAX,
            });
        },
        Code::ResourceExhausted,
        "maxPixels",
    ),
    (
        |request| request.format = 9,
        Code::InvalidArgument,
        "format",
    ),
    (
        |request| request.grouped_records[0].records[0].id = "x".into(),
        Code::InvalidArgument,
        "uuid",
    ),
    (
        |request| request.grouped_records[0].records = vec![record("r"); 101],
        Code::ResourceExhausted,
        "maxRecords",
    ),
];

fn first(request: &mut pb::GetCubeMetadataRequest) -> &mut pb::InternalMeta {
    &mut request.datasets_meta[0].internals_meta[0]
}

fn uri(request: &mut pb::GetCubeMetadataRequest, uri: &str) {
    uri.clone_into(&mut first(request).container_uri);
}

#[tokio::test]
async fn hostile_metadata_is_refused_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let allowed = format!("--allowedPaths={}", folder.path().display());
    let downloader = Downloader::start(&[&allowed, "--maxRecords=100"], &[]).await;
    let path = folder.path().join("a.tif");
    image(&path, 7);
    let sources = [source(path.to_str().unwrap())];
    let good = request(&[&sources, &sources]);
    assert_eq!(downloader.cube(good.clone()).await.unwrap().len(), 3);
    for (number, (change, code, text)) in REFUSALS.into_iter().enumerate() {
        let mut request = good.clone();
        change(&mut request);
        let refused = downloader.cube(request).await.unwrap_err();
        assert!(
            refused.code() == code && refused.message().contains(text),
            "case {number}, {text}: {refused:?}"
        );
    }
    let link = folder.path().join("link.tif");
    std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
    let led_out = request(&[&[source(link.to_str().unwrap())]]);
    let refused = downloader.cube(led_out).await.unwrap_err();
    assert!(refused.message().contains("allowedPaths"), "{refused:?}");
}

#[tokio::test]
async fn requests_beyond_a_bound_are_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let allowed = format!("--allowedPaths={}", folder.path().display());
    let path = folder.path().join("a.tif");
    image(&path, 7);
    let sources = [source(path.to_str().unwrap())];
    for (flag, named) in [
        ("--maxSlices=1", "maxSlices"),
        ("--maxRecords=1", "maxRecords"),
        ("--maxPixels=4095", "maxPixels"),
        ("--memoryBudget=1KiB", "memoryBudget"),
        ("--maxMessageSize=100B", "larger than max"),
    ] {
        let downloader = Downloader::start(&[&allowed, flag], &[]).await;
        let refused = downloader.cube(request(&[&sources, &sources])).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
        assert!(refused.message().contains(named), "{refused:?}");
    }
}
