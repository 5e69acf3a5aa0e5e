//! Cubes over a pole, and wider than half the globe, beside what `gdalwarp` makes of the same files.

use crate::harness::Server;
use crate::harness::catalogue::{dataset, format};
use crate::harness::cube::{north_up, utm_request};
use crate::harness::raster::{Raster, gdal, have_gdal, read};
use rpc::pb::data_format::Dtype;
use rpc::pb::{self, Size};
use tonic::Code;

const NO_DATA: f64 = -9999.0;

/// A square in the polar stereographic system of a pole, 2 000 km from it to each side.
fn cap(crs: &'static str) -> Raster {
    let sample = |n: usize| {
        let (x, y) = ((n % 80) as f64, (n / 80) as f64);
        100.0 + 40.0 * (x / 7.0).sin() * (y / 5.0).cos() + x + y
    };
    Raster {
        crs,
        origin: (-2_000_000.0, 2_000_000.0),
        pixel: 50_000.0,
        nodata: Some(NO_DATA),
        ..Raster::utm("Float32", 80, 80, (0..6_400).map(sample).collect())
    }
}

/// The whole globe in degrees.
fn globe() -> Raster {
    let sample = |n: usize| 1.0 + (n % 360) as f64 + 400.0 * (n / 360) as f64;
    Raster {
        crs: "EPSG:4326",
        origin: (-180.0, 90.0),
        pixel: 1.0,
        nodata: Some(NO_DATA),
        ..Raster::utm("Float32", 360, 180, (0..64_800).map(sample).collect())
    }
}

/// A service with one record of a file, and its instance.
async fn service(raster: &Raster) -> Option<(Server, String)> {
    let server = Server::start().await?;
    if !have_gdal() {
        return None;
    }
    let float = format(Dtype::Float32, NO_DATA, 0.0, 100_000.0);
    let (_, instance) = server.variable("v", float, 1).await;
    let record = server.record("r", 0).await;
    raster.write(&server.path("a.tif"));
    let dataset = dataset(&record, &instance, float, &[1]);
    let indexed = server.index(&server.uri("a.tif"), vec![dataset]).await;
    indexed.unwrap();
    Some((server, instance))
}

/// Asks for the nearest pixels on a grid. Answers how many have data, all of them being those of `gdalwarp`.
async fn judged(
    (server, instance): &(Server, String),
    crs: &str,
    (west, north, pixel): (f64, f64, f64),
    (width, height): (i32, i32),
) -> usize {
    let request = pb::GetCubeRequest {
        crs: crs.to_owned(),
        pix_to_crs: Some(north_up(west, north, pixel)),
        size: Some(Size { width, height }),
        ..utm_request(instance, width, height)
    };
    let cube = server.cube(request).await.unwrap();
    let what = format!("{crs} {west} {north} {pixel} {width}x{height}");
    assert_eq!(cube.header.count, 1, "{what}: the record is found");
    let found = cube.images[0].samples();
    let (east, south) = (
        west + pixel * f64::from(width),
        north - pixel * f64::from(height),
    );
    let corners = [west, south, east, north].map(|corner| corner.to_string());
    let [west, south, east, north] = corners.each_ref().map(String::as_str);
    let shape = [width, height].map(|side| side.to_string());
    let place = ["-t_srs", crs, "-te", west, south, east, north];
    let shape = ["-ts", &shape[0], &shape[1], "-r", "near"];
    let more = ["-q", "-overwrite", "-dstnodata", "-9999"];
    gdal(
        "gdalwarp",
        &[&place[..], &shape, &more].concat(),
        &[&server.path("a.tif"), &server.path("warped.tif")],
    );
    let expected = read(&server.path("warped.tif"), "Float32");
    assert_eq!(found.len(), expected.len(), "{what}");
    let pairs = found.iter().zip(&expected);
    let apart = pairs.filter(|(found, expected)| found != expected).count();
    assert_eq!(apart, 0, "{what}: {apart} of {} differ", found.len());
    found.iter().filter(|value| **value != NO_DATA).count()
}

#[tokio::test]
async fn cubes_over_a_pole_hold_the_pixels_of_gdalwarp() {
    // (system of the file, systems around the same pole, latitude of a band of degrees around it)
    for (file, around, north) in [
        ("EPSG:3413", ["EPSG:3995", "EPSG:32661"], 88.0),
        ("EPSG:3031", ["EPSG:3976", "EPSG:32761"], -76.0),
    ] {
        let Some(service) = service(&cap(file)).await else {
            return;
        };
        // the grid of the file, the pole in its middle
        let native = (-1_000_000.0, 1_000_000.0, 50_000.0);
        assert_eq!(judged(&service, file, native, (40, 40)).await, 1_600);
        for system in around {
            // the pole is at 0, 0 or at 2 000 000, 2 000 000
            let centre = if system.starts_with("EPSG:32") {
                2_000_000.0
            } else {
                0.0
            };
            let grid = (centre - 900_000.0, centre + 900_000.0, 30_000.0);
            let filled = judged(&service, system, grid, (60, 60)).await;
            assert_eq!(filled, 3_600, "{system}");
        }
        // all the meridians
        let filled = judged(&service, "EPSG:4326", (-180.0, north, 1.0), (360, 12)).await;
        assert!(filled > 4_000, "{file}: {filled}");
    }
}

/// Half the width of the web mercator, metres.
const EDGE: f64 = 20_037_508.342_789_244;

/// An ellipse of 18 040 by 9 020 km to each side.
const MOLLWEIDE: &str = "+proj=moll +lon_0=0 +datum=WGS84 +units=m +no_defs";

#[tokio::test]
async fn cubes_wider_than_half_the_globe_hold_the_pixels_of_gdalwarp() {
    let Some(service) = service(&globe()).await else {
        return;
    };
    for (crs, corner, size, filled) in [
        ("EPSG:4326", (-180.0, 90.0, 2.0), (180, 90), 180 * 90),
        ("EPSG:4326", (-150.0, 60.0, 1.5), (200, 80), 200 * 80),
        (
            "EPSG:3857",
            (-EDGE, EDGE, EDGE / 100.0),
            (200, 200),
            200 * 200,
        ),
        (
            "EPSG:6933",
            (-15_000_000.0, 7_000_000.0, 100_000.0),
            (300, 140),
            300 * 140,
        ),
        // 288 degrees at its upper and lower edge
        (
            MOLLWEIDE,
            (-12_000_000.0, 5_000_000.0, 100_000.0),
            (240, 100),
            240 * 100,
        ),
    ] {
        let found = judged(&service, crs, corner, size).await;
        assert!(found >= filled, "{crs}: {found} of {filled} filled");
    }
}

#[tokio::test]
async fn cubes_whose_corners_are_off_the_globe_are_refused() {
    let Some(service) = service(&globe()).await else {
        return;
    };
    let (server, instance) = &service;
    let request = pb::GetCubeRequest {
        crs: MOLLWEIDE.to_owned(),
        pix_to_crs: Some(north_up(-17_000_000.0, 8_500_000.0, 100_000.0)),
        ..utm_request(instance, 340, 170)
    };
    let refused = server.cube(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    let told = refused.message();
    assert!(told.starts_with("pix_to_crs and size: "), "{told}");
}
