//! Many cubes at the same time over one consolidated file.

use crate::harness::Server;
use crate::harness::catalogue::{dataset, format};
use crate::harness::cube::{Cube, groups, north_up, utm_request};
use domain::{Bands, DType, DataFormat, DataMapping, DatasetSource, RecordId, Uri};
use imaging::{ConsolidateSpec, Crs, Limits, RecordSources, Target};
use rpc::pb::{self, Resampling, Size, data_format::Dtype};
use std::collections::BTreeMap;
use std::path::Path;

const RECORDS: usize = 4;
const SIDE: u32 = 256;

/// Four records of 256 by 256 pixels in one file, made of plain files.
fn consolidate(server: &Server, out: &Path) {
    let format = DataFormat::try_new(DType::UInt16, 0.0, 0.0, 65_535.0).unwrap();
    let mapping = DataMapping::identity(format);
    let target = Target {
        crs: Crs::parse("32631").unwrap(),
        transform: domain::GeoTransform::north_up(400_000.0, 5_000_000.0, 10.0),
        size: domain::Size {
            width: SIDE,
            height: SIDE,
        },
    };
    let record = |index: usize| {
        let name = format!("plain{index}.tif");
        let sample = |n: usize| {
            let (x, y) = (n % SIDE as usize, n / SIDE as usize);
            (1 + 7_000 * index + 13 * x + 5 * y) as f64
        };
        let samples = (0..(SIDE * SIDE) as usize).map(sample).collect();
        crate::harness::raster::Raster::utm("UInt16", SIDE as usize, SIDE as usize, samples)
            .write(&server.path(&name));
        RecordSources {
            id: RecordId::new(),
            sources: vec![DatasetSource {
                uri: Uri::parse(server.uri(&name)).unwrap(),
                subdir: String::new(),
                bands: Bands::first(1),
                mapping,
            }],
        }
    };
    let options = [("COMPRESS", "ZSTD"), ("PREDICTOR", "2")];
    let spec = ConsolidateSpec {
        records: (0..RECORDS).map(record).collect(),
        target,
        mapping,
        bands: 1,
        block_size: (64, 64),
        overviews_min_size: 64,
        interlacing_pattern: "Z=0>T>R>B;R>Z=1:>T>B".to_owned(),
        resampling: domain::Resampling::Near,
        overview_resampling: domain::Resampling::Near,
        creation_params: options
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
        zstd_level: 1,
        limits: Limits::default(),
    };
    imaging::consolidate(&spec, server.folder.path(), out, 1, &|| false).unwrap();
}

/// Grids that are copied, taken from an overview, shifted, and in other systems.
fn requests(instance: &str, ids: &[String]) -> Vec<pb::GetCubeRequest> {
    let ids: Vec<&String> = ids.iter().collect();
    let each: Vec<&[&String]> = ids.chunks(1).collect();
    let at = |crs: &str, transform, kernel: Resampling| pb::GetCubeRequest {
        records_lister: groups(&each),
        crs: crs.to_owned(),
        pix_to_crs: Some(transform),
        size: Some(Size {
            width: 32,
            height: 32,
        }),
        resampling_alg: kernel.into(),
        ..utm_request(instance, 0, 0)
    };
    vec![
        at(
            "32631",
            north_up(400_500., 4_999_300., 10.),
            Resampling::Near,
        ),
        at(
            "32631",
            north_up(400_400., 4_999_600., 20.),
            Resampling::Near,
        ),
        at(
            "32631",
            north_up(400_503., 4_999_301., 10.),
            Resampling::Bilinear,
        ),
        at(
            "3857",
            north_up(193_000., 5_643_500., 20.),
            Resampling::Near,
        ),
        at("4326", north_up(1.735, 45.145, 0.0002), Resampling::Cubic),
    ]
}

/// The images of a cube, none of which failed.
fn images(cube: &Cube) -> Vec<Vec<u8>> {
    cube.images.iter().map(|image| image.bytes()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_parallel_cubes_over_one_file_are_all_the_same() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !crate::harness::raster::have_gdal() {
        return;
    }
    let words = format(Dtype::UInt16, 0., 0., 65_535.);
    consolidate(&server, &server.path("first.tif"));
    let mut total = 0;
    // Each time the file is one that nobody has read yet.
    for (clients, cubes) in [(4, 60), (8, 40), (16, 28)] {
        let name = format!("{clients}.tif");
        std::fs::copy(server.path("first.tif"), server.path(&name)).unwrap();
        let (_, instance) = server
            .variable(&format!("clients{clients}"), words, 1)
            .await;
        let (mut ids, mut datasets) = (Vec::new(), Vec::new());
        for index in 0..RECORDS {
            let id = server
                .record(&format!("{clients}-{index}"), index as i64)
                .await;
            datasets.push(pb::Dataset {
                container_subdir: format!("GTIFF_DIR:{}", index + 1),
                ..dataset(&id, &instance, words, &[1])
            });
            ids.push(id);
        }
        server.index(&server.uri(&name), datasets).await.unwrap();
        let requests = requests(&instance, &ids);
        let work = (0..clients).map(|client| {
            let requests = requests.clone();
            let connected = server.narrow_client();
            async move {
                let connected = connected.await;
                let mut found = Vec::new();
                for turn in 0..cubes {
                    let kind = (turn + client) % requests.len();
                    let cube = Cube::read(connected.clone(), requests[kind].clone()).await;
                    found.push((kind, images(&cube.unwrap())));
                }
                found
            }
        });
        let found: Vec<_> = futures::future::join_all(work)
            .await
            .into_iter()
            .flatten()
            .collect();
        total += found.len();
        let mut expected = Vec::new();
        for request in &requests {
            expected.push(images(&server.cube(request.clone()).await.unwrap()));
        }
        for (kind, images) in &found {
            assert_eq!(images.len(), RECORDS, "{clients} clients, request {kind}");
            assert!(
                *images == expected[*kind],
                "{clients} clients, request {kind}"
            );
        }
        // column 50 and row 70 of the first record
        let first = u16::from_le_bytes([expected[0][0][0], expected[0][0][1]]);
        assert_eq!(first, 1 + 13 * 50 + 5 * 70);
    }
    assert!(total >= 1000, "{total} cubes");
}
