//! The downloader, fed with the headers of a cube: the same pixels, without a catalogue.

use crate::harness::catalogue::{dataset, format};
use crate::harness::cube::{groups, utm_request};
use crate::harness::raster::{Raster, have_gdal};
use crate::harness::{self, Server};
use domain::{Scheme, Uri};
use rpc::pb::data_format::Dtype;
use rpc::pb::geocube_downloader_client::GeocubeDownloaderClient;
use rpc::pb::get_cube_metadata_response::Response as Item;
use rpc::pb::{self, Resampling};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use storage::{MemoryStorage, Router, Storage, UploadOptions};

const WIDTH: i32 = 300;
const HEIGHT: i32 = 260;

/// A client of a downloader of its own.
async fn downloader(
    folder: &Path,
    storage: Arc<dyn Storage>,
) -> GeocubeDownloaderClient<tonic::transport::Channel> {
    GeocubeDownloaderClient::new(harness::downloader::downloader(folder, storage).await)
}

/// A service with three records: two bands of 32-bit numbers, holes among them, two files for the last one.
async fn serve() -> Option<(Server, pb::GetCubeRequest)> {
    let server = Server::start().await?;
    if !have_gdal() {
        return None;
    }
    let format = format(Dtype::Float32, -1., 0., 1000.);
    let (_, instance) = server.variable("v", format, 2).await;
    let mut records = Vec::new();
    for (number, files) in [1, 1, 2].into_iter().enumerate() {
        let record = server.record(&format!("r{number}"), number as i64).await;
        for file in 0..files {
            let name = format!("{number}_{file}.tif");
            let sample = |at: usize| match (at + number) % 11 {
                0..=3 => -1.,
                hole => (at * hole + 17 * file) as f64 % 997.,
            };
            let samples: Vec<f64> = (0..(WIDTH * HEIGHT) as usize).map(sample).collect();
            let reversed = samples.iter().rev().copied().collect();
            Raster {
                bands: vec![samples, reversed],
                nodata: Some(-1.),
                // moved, so that one file does not cover the other
                origin: (400_000.0 + 700. * file as f64, 5_000_000.0),
                ..Raster::utm(
                    "Float32",
                    WIDTH as usize,
                    HEIGHT as usize,
                    vec![0.; (WIDTH * HEIGHT) as usize],
                )
            }
            .write_with(
                &server.path(&name),
                &["-co", "TILED=YES", "-co", "COMPRESS=DEFLATE"],
            );
            let datasets = vec![dataset(&record, &instance, format, &[1, 2])];
            server.index(&server.uri(&name), datasets).await.unwrap();
        }
        records.push(record);
    }
    let request = pb::GetCubeRequest {
        records_lister: groups(&[&[&records[0]], &[&records[1], &records[2]], &[&records[2]]]),
        compression_level: -3,
        ..utm_request(&instance, WIDTH, HEIGHT)
    };
    Some((server, request))
}

/// What a client makes of the headers of a cube.
async fn metadata(server: &Server, request: &pb::GetCubeRequest) -> pb::GetCubeMetadataRequest {
    let headers = pb::GetCubeRequest {
        headers_only: true,
        ..request.clone()
    };
    let cube = server.cube(headers).await.unwrap();
    let images = || cube.images.iter().map(|image| &image.header);
    pb::GetCubeMetadataRequest {
        datasets_meta: images()
            .map(|header| header.dataset_meta.clone().unwrap())
            .collect(),
        grouped_records: images()
            .map(|header| header.grouped_records.clone().unwrap())
            .collect(),
        ref_dformat: cube.header.ref_dformat,
        resampling_alg: cube.header.resampling_alg,
        pix_to_crs: cube.header.geotransform,
        crs: cube.header.crs,
        size: request.size,
        format: request.format,
        predownload: false,
        protocol_v11x: false,
    }
}

/// The messages of a cube of the server, as the downloader would send them.
async fn expected(server: &Server, request: &pb::GetCubeRequest) -> Vec<Item> {
    let mut cube = server.cube(request.clone()).await.unwrap();
    let sources = cube.images.iter().map(|image| {
        let meta = image.header.dataset_meta.as_ref();
        meta.unwrap().internals_meta.len() as i64
    });
    // a source of two slices counts twice for the downloader, which does not know that it is one dataset
    cube.header.nb_datasets = sources.sum();
    let mut items = vec![Item::GlobalHeader(cube.header)];
    for image in cube.images {
        items.push(Item::Header(image.header));
        items.extend(image.chunks.into_iter().map(Item::Chunk));
    }
    items
}

async fn download(
    client: &mut GeocubeDownloaderClient<tonic::transport::Channel>,
    request: pb::GetCubeMetadataRequest,
) -> Vec<Item> {
    let mut stream = client.download_cube(request).await.unwrap().into_inner();
    let mut items = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        items.push(message.response.unwrap());
    }
    items
}

#[tokio::test]
async fn headers_give_the_same_messages_as_the_server_of_cubes() {
    let Some((server, base)) = serve().await else {
        return;
    };
    let mut client = downloader(server.folder.path(), Arc::new(Router::new())).await;
    // aligned, warped, and as files
    let warped = pb::GetCubeRequest {
        crs: "EPSG:4326".to_owned(),
        pix_to_crs: Some(pb::GeoTransform {
            a: 1.73,
            b: 0.0001,
            c: 0.0,
            d: 45.15,
            e: 0.0,
            f: -0.0001,
        }),
        resampling_alg: Resampling::Bilinear.into(),
        ..base.clone()
    };
    let files = pb::GetCubeRequest {
        format: pb::FileFormat::GTiff.into(),
        ..base.clone()
    };
    for request in [base, warped, files] {
        let expected = expected(&server, &request).await;
        let parts = expected.len();
        assert!(parts >= 7, "two parts each: {parts}");
        let found = download(&mut client, metadata(&server, &request).await).await;
        assert!(found == expected, "{request:?}");
        let pixels = expected.iter().any(|item| match item {
            Item::Header(header) => header.data.iter().any(|byte| *byte != header.data[0]),
            Item::GlobalHeader(_) | Item::Chunk(_) => false,
        });
        assert!(pixels);
    }
}

/// Why there is no image.
fn error(item: &Item) -> Option<&str> {
    match item {
        Item::Header(header) => Some(&header.error),
        Item::GlobalHeader(_) | Item::Chunk(_) => None,
    }
}

#[tokio::test]
async fn remote_files_are_read_from_copies_that_are_removed() {
    let Some((server, request)) = serve().await else {
        return;
    };
    let memory = Arc::new(MemoryStorage::new());
    let mut metadata = metadata(&server, &request).await;
    for source in metadata
        .datasets_meta
        .iter_mut()
        .flat_map(|meta| &mut meta.internals_meta)
    {
        let content = std::fs::read(&source.container_uri).unwrap();
        let name = Path::new(&source.container_uri).file_name().unwrap();
        let uri = format!("gs://bucket/{}", name.to_str().unwrap());
        let stored = Uri::parse(uri.clone()).unwrap();
        let options = UploadOptions::default();
        let upload = memory.upload(&stored, content.into(), &options);
        upload.await.unwrap();
        source.container_uri = uri;
    }
    metadata.predownload = true;
    let storage = Router::new().with(Scheme::Gs, memory);
    let folder = tempfile::tempdir().unwrap();
    let mut client = downloader(folder.path(), Arc::new(storage)).await;
    let mut found = download(&mut client, metadata.clone()).await;
    let mut images = 0;
    for item in &mut found {
        if let Item::Header(header) = item {
            assert_eq!(
                header.dataset_meta.as_ref(),
                metadata.datasets_meta.get(images),
                "the addresses that were given"
            );
            header.dataset_meta = None;
            images += 1;
        }
    }
    let mut expected = expected(&server, &request).await;
    for item in &mut expected {
        if let Item::Header(header) = item {
            header.dataset_meta = None;
        }
    }
    for (found, expected) in found.iter().zip(&expected) {
        assert!(found == expected, "{:?}", error(found));
    }
    assert_eq!(found.len(), expected.len());
    // the folder of the user, in it that of the process
    let only_folder = |path: PathBuf| {
        let entries = std::fs::read_dir(path).unwrap();
        let mut paths = entries.map(|entry| entry.unwrap().path());
        paths.find(|path| path.is_dir()).unwrap()
    };
    let copies = only_folder(only_folder(folder.path().join("copies")));
    let mut left = usize::MAX;
    for _ in 0..100 {
        // the last message may be here before the server is done
        let entries = std::fs::read_dir(&copies).unwrap();
        left = entries
            .filter(|entry| entry.as_ref().unwrap().path().is_dir())
            .count();
        if left == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(left, 0);
}
