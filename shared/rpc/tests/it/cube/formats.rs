//! Images as `GeoTIFF` files.

use crate::harness::Server;
use crate::harness::catalogue::{dataset, format};
use crate::harness::cube::{groups, utm_request};
use crate::harness::raster::{Raster, gdal, have_gdal, read};
use rpc::pb::data_format::Dtype;
use rpc::pb::{self, FileFormat};

#[tokio::test]
async fn a_geotiff_has_the_pixels_the_place_and_the_tags() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let ints = format(Dtype::Int16, -1., 0., 1000.);
    let (_, instance) = server.variable("v", ints, 2).await;
    let first = server
        .tagged_record("first", 0, &[("satellite", "S2"), ("orbit", "8")])
        .await;
    let second = server
        .tagged_record("second", 1, &[("satellite", "S2"), ("orbit", "108")])
        .await;
    let below = vec![
        vec![1., 2., 3., 4., 5., 6.],
        vec![11., 12., 13., 14., 15., 16.],
    ];
    let above = vec![
        vec![-1., -1., 30., -1., -1., -1.],
        vec![-1., -1., 130., -1., -1., -1.],
    ];
    for (name, record, bands) in [("below.tif", &first, below), ("above.tif", &second, above)] {
        Raster {
            bands,
            ..Raster::utm("Int16", 3, 2, vec![0.; 6])
        }
        .write(&server.path(name));
        server
            .index(
                &server.uri(name),
                vec![dataset(record, &instance, ints, &[1, 2])],
            )
            .await
            .unwrap();
    }
    for level in [-3, 0, 6] {
        let request = pb::GetCubeRequest {
            format: FileFormat::GTiff.into(),
            compression_level: level,
            records_lister: groups(&[&[&first, &second]]),
            ..utm_request(&instance, 3, 2)
        };
        let image = server.cube(request).await.unwrap().images.remove(0);
        assert_eq!(
            (image.shape(), image.header.dtype()),
            ((2, 3, 2), Dtype::Int16)
        );
        let file = image.bytes();
        assert_eq!(file[..4], [b'I', b'I', 42, 0], "level {level}");
        let path = server.path(&format!("answer{level}.tif"));
        std::fs::write(&path, file).unwrap();
        let expected = [1., 2., 30., 4., 5., 6., 11., 12., 130., 14., 15., 16.];
        assert_eq!(read(&path, "Int16"), expected);

        let info: serde_json::Value =
            serde_json::from_str(&gdal("gdalinfo", &["-json"], &[&path])).unwrap();
        assert_eq!(
            info["geoTransform"],
            serde_json::json!([400_000., 10., 0., 5_000_000., 0., -10.])
        );
        assert_eq!(info["bands"][0]["noDataValue"], -1.);
        assert_eq!(info["bands"][1]["type"], "Int16");
        assert!(
            info["coordinateSystem"]["wkt"]
                .as_str()
                .unwrap()
                .contains("32631")
        );
        let tags = &info["metadata"][""];
        let tags = ["satellite", "orbit.0", "orbit.1", "orbit"].map(|tag| tags[tag].as_str());
        assert_eq!(tags, [Some("S2"), Some("8"), Some("108"), None]);

        let sent = image.header.grouped_records.as_ref().unwrap();
        let orbits: Vec<_> = sent
            .records
            .iter()
            .map(|record| record.tags["orbit"].as_str())
            .collect();
        assert_eq!(
            orbits,
            ["8", "108"],
            "the records of the header are not changed"
        );
    }
}

#[tokio::test]
async fn a_geotiff_larger_than_a_message_comes_in_parts() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let doubles = format(Dtype::Float64, f64::NAN, 0., 1.);
    let (_, instance) = server.variable("v", doubles, 1).await;
    let record = server.record("r", 0).await;
    let samples: Vec<f64> = (0..900 * 900)
        .map(|n| (f64::from(n) * 0.37).fract())
        .collect();
    Raster::utm("Float64", 900, 900, samples.clone()).write(&server.path("a.tif"));
    server
        .index(
            &server.uri("a.tif"),
            vec![dataset(&record, &instance, doubles, &[1])],
        )
        .await
        .unwrap();
    for (format, level) in [
        (FileFormat::GTiff, -3),
        (FileFormat::GTiff, 0),
        (FileFormat::Raw, 0),
        (FileFormat::Raw, 9),
    ] {
        let request = pb::GetCubeRequest {
            format: format.into(),
            compression_level: level,
            ..utm_request(&instance, 900, 900)
        };
        let image = server.cube(request).await.unwrap().images.remove(0);
        let parts = image.header.size.unsigned_abs().div_ceil(512 * 1024);
        assert_eq!(u64::from(image.header.nb_parts.unsigned_abs()), parts);
        if format == FileFormat::Raw {
            assert!(image.samples() == samples);
        } else {
            std::fs::write(server.path("answer.tif"), image.bytes()).unwrap();
            assert!(read(&server.path("answer.tif"), "Float64") == samples);
        }
    }
}
