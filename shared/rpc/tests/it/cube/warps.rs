//! Cubes on other grids than that of the files, beside what `gdalwarp` makes of them.

use crate::harness::Server;
use crate::harness::catalogue::{dataset, format};
use crate::harness::cube::utm_request;
use crate::harness::raster::{Raster, gdal, have_gdal, read};
use rpc::pb::data_format::Dtype;
use rpc::pb::{self, GeoTransform, Resampling, Size};

const NO_DATA: f64 = -9999.;

/// A hilly image of 200 by 200 pixels with a hole; answers the service and its instance.
async fn hills() -> Option<(Server, String)> {
    let server = Server::start().await?;
    if !have_gdal() {
        return None;
    }
    let float = format(Dtype::Float32, NO_DATA, 0., 1000.);
    let (_, instance) = server.variable("v", float, 1).await;
    let record = server.record("r", 0).await;
    let hill = |n: usize| {
        let (x, y) = ((n % 200) as f64, (n / 200) as f64);
        let hole = (80. ..100.).contains(&x) && (60. ..120.).contains(&y);
        if hole {
            NO_DATA
        } else {
            500. + 200. * (x / 9.).sin() + 100. * (y / 5.).cos()
        }
    };
    let raster = Raster {
        nodata: Some(NO_DATA),
        ..Raster::utm("Float32", 200, 200, (0..40_000).map(hill).collect())
    };
    raster.write(&server.path("a.tif"));
    server
        .index(
            &server.uri("a.tif"),
            vec![dataset(&record, &instance, float, &[1])],
        )
        .await
        .unwrap();
    Some((server, instance))
}

/// What `gdalwarp` makes of the file on the grid of a request.
fn gdalwarp(server: &Server, request: &pb::GetCubeRequest, kernel: &str) -> Vec<f64> {
    let (at, size) = (request.pix_to_crs.unwrap(), request.size.unwrap());
    let (east, south) = (
        at.a + at.b * f64::from(size.width),
        at.d + at.f * f64::from(size.height),
    );
    let corners = [at.a, south, east, at.d].map(|corner| format!("{corner:.12}"));
    let [west, south, east, north] = corners.each_ref().map(String::as_str);
    let (width, height) = (size.width.to_string(), size.height.to_string());
    let options = [
        "-q",
        "-overwrite",
        "-t_srs",
        &request.crs,
        "-te",
        west,
        south,
        east,
        north,
        "-ts",
        &width,
        &height,
        "-r",
        kernel,
        "-dstnodata",
        "-9999",
    ];
    gdal(
        "gdalwarp",
        &options,
        &[&server.path("a.tif"), &server.path("warped.tif")],
    );
    read(&server.path("warped.tif"), "Float32")
}

/// Pixels that differ: in being empty, or by more than a ten-thousandth.
fn differing(found: &[f64], expected: &[f64]) -> usize {
    let same = |(found, expected): (&f64, &f64)| {
        found == expected
            || *found != NO_DATA
                && *expected != NO_DATA
                && (found - expected).abs() <= 1e-4 * expected.abs()
    };
    assert_eq!(found.len(), expected.len());
    found
        .iter()
        .zip(expected)
        .filter(|pair| !same(*pair))
        .count()
}

#[tokio::test]
async fn every_kernel_gives_the_pixels_of_gdalwarp() {
    let Some((server, instance)) = hills().await else {
        return;
    };
    let degrees = pb::GetCubeRequest {
        crs: "EPSG:4326".to_owned(),
        pix_to_crs: Some(GeoTransform {
            a: 1.73,
            b: 0.0002,
            c: 0.,
            d: 45.145,
            e: 0.,
            f: -0.0002,
        }),
        size: Some(Size {
            width: 100,
            height: 70,
        }),
        ..utm_request(&instance, 0, 0)
    };
    let mercator = pb::GetCubeRequest {
        crs: "3857".to_owned(),
        pix_to_crs: Some(GeoTransform {
            a: 192_500.,
            b: 50.,
            c: 0.,
            d: 5_644_500.,
            e: 0.,
            f: -50.,
        }),
        size: Some(Size {
            width: 50,
            height: 60,
        }),
        ..utm_request(&instance, 0, 0)
    };
    for kernel in 1..=12 {
        let name = Resampling::try_from(kernel)
            .unwrap()
            .as_str_name()
            .to_lowercase();
        for request in [&degrees, &mercator] {
            let request = pb::GetCubeRequest {
                resampling_alg: kernel,
                ..request.clone()
            };
            let image = server.cube(request.clone()).await.unwrap().images.remove(0);
            let found = image.samples();
            let crs = if request.crs == "3857" {
                "EPSG:3857".to_owned()
            } else {
                request.crs.clone()
            };
            let expected = gdalwarp(
                &server,
                &pb::GetCubeRequest {
                    crs,
                    ..request.clone()
                },
                &name,
            );
            assert!(
                expected.iter().any(|value| *value != NO_DATA) && expected.contains(&NO_DATA),
                "{name}"
            );
            let differing = differing(&found, &expected);
            let allowed = if name == "near" {
                0
            } else {
                found.len() / 1000
            };
            assert!(
                differing <= allowed,
                "{name} in {}: {differing} of {} pixels differ",
                request.crs,
                found.len()
            );
        }
    }
}

#[tokio::test]
async fn reference_systems_are_understood_in_every_spelling() {
    let Some((server, instance)) = hills().await else {
        return;
    };
    let request = utm_request(&instance, 200, 200);
    let expected = server.cube(request.clone()).await.unwrap().images[0].samples();
    let wkt = gdal("gdalsrsinfo", &["-o", "wkt1", "EPSG:32631"], &[]);
    for crs in [
        "32631",
        "EPSG:32631",
        "epsg:32631",
        "+proj=utm +zone=31 +datum=WGS84 +units=m +no_defs",
        wkt.trim(),
    ] {
        let request = pb::GetCubeRequest {
            crs: crs.to_owned(),
            ..request.clone()
        };
        let cube = server.cube(request).await.unwrap();
        assert_eq!(cube.header.crs, crs, "echoed as it was given");
        assert!(cube.images[0].samples() == expected, "{crs}");
    }
}

#[tokio::test]
async fn a_grid_that_is_turned_is_honoured() {
    let Some((server, instance)) = hills().await else {
        return;
    };
    let straight = server
        .cube(utm_request(&instance, 200, 200))
        .await
        .unwrap()
        .images[0]
        .samples();
    // columns go south and rows go east
    let turned = GeoTransform {
        a: 400_000.,
        b: 0.,
        c: 10.,
        d: 5_000_000.,
        e: -10.,
        f: 0.,
    };
    let request = pb::GetCubeRequest {
        pix_to_crs: Some(turned),
        ..utm_request(&instance, 200, 200)
    };
    let found = server.cube(request).await.unwrap().images[0].samples();
    let transposed: Vec<f64> = (0..40_000)
        .map(|n| straight[(n % 200) * 200 + n / 200])
        .collect();
    assert!(
        found == transposed,
        "{} pixels differ",
        differing(&found, &transposed)
    );
}

#[tokio::test]
async fn files_across_the_dateline_are_found_from_both_sides() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let bytes = format(Dtype::UInt8, 0., 0., 255.);
    let (_, instance) = server.variable("v", bytes, 1).await;
    let record = server.record("r", 0).await;
    let samples = (0..400).map(|n| f64::from(n % 20 + 1)).collect();
    Raster {
        crs: "EPSG:4326",
        origin: (170., 10.),
        pixel: 1.,
        ..Raster::utm("Byte", 20, 20, samples)
    }
    .write(&server.path("a.tif"));
    server
        .index(
            &server.uri("a.tif"),
            vec![dataset(&record, &instance, bytes, &[1])],
        )
        .await
        .unwrap();
    for (west, slices) in [(171., 1), (181., 1), (150., 0), (-150., 0)] {
        let request = pb::GetCubeRequest {
            crs: "4326".to_owned(),
            pix_to_crs: Some(GeoTransform {
                a: west,
                b: 1.,
                c: 0.,
                d: 5.,
                e: 0.,
                f: -1.,
            }),
            ..utm_request(&instance, 4, 4)
        };
        let cube = server.cube(request).await.unwrap();
        assert_eq!(cube.header.count, slices, "{west}");
        if slices == 1 {
            let first = west - 170. + 1.;
            assert_eq!(
                cube.images[0].samples()[..4],
                [first, first + 1., first + 2., first + 3.],
                "{west}"
            );
        }
    }
}
