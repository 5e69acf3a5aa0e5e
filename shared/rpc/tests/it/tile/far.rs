//! Tiles of the smallest zooms, which show the globe, beside what `gdalwarp` makes of the same files.

use super::{decoded, request};
use crate::harness::Server;
use crate::harness::catalogue::{dataset, format};
use crate::harness::raster::{Raster, gdal, have_gdal, read};
use rpc::pb;
use rpc::pb::data_format::Dtype;
use std::path::Path;

/// Half the side of the world in metres of web mercator.
const EDGE: f64 = 20_037_508.342_789_244;
const HOLE: f64 = 255.0;

/// The globe in degrees with holes, and a country in metres that lies over it.
fn rasters() -> [(&'static str, Raster); 2] {
    let globe = |n: usize| {
        let (x, y) = (n % 360, n / 360);
        if (x / 11 + y / 7).is_multiple_of(5) {
            return HOLE;
        }
        ((x * 3 + y * 5) % 255) as f64
    };
    let country = |n: usize| (200 + n % 50) as f64;
    let hole = Some(HOLE);
    let globe = Raster {
        crs: "EPSG:4326",
        origin: (-180.0, 90.0),
        pixel: 1.0,
        nodata: hole,
        ..Raster::utm("Byte", 360, 180, (0..64_800).map(globe).collect())
    };
    let country = Raster {
        pixel: 10_000.0,
        nodata: hole,
        ..Raster::utm("Byte", 60, 80, (0..4_800).map(country).collect())
    };
    [("globe.tif", globe), ("country.tif", country)]
}

/// The same square by `gdalwarp`, the later file on top.
fn expected(server: &Server, (z, x, y): (u32, u32, u32)) -> Vec<f64> {
    let side = 2.0 * EDGE / f64::from(1 << z);
    let (west, north) = (-EDGE + f64::from(x) * side, EDGE - f64::from(y) * side);
    let corners = [west, north - side, west + side, north].map(|corner| format!("{corner:.9}"));
    let [west, south, east, north] = corners.each_ref().map(String::as_str);
    let place = ["-t_srs", "EPSG:3857", "-te", west, south, east, north];
    let more = ["-ts", "256", "256", "-r", "near", "-q", "-overwrite"];
    let hole = ["-dstnodata", "255"];
    let files = ["globe.tif", "country.tif", "expected.tif"].map(|name| server.path(name));
    let files: Vec<&Path> = files.iter().map(AsRef::as_ref).collect();
    gdal("gdalwarp", &[&place[..], &more, &hole].concat(), &files);
    read(files[2], "Byte")
}

#[tokio::test]
async fn tiles_that_show_the_globe_hold_the_pixels_of_gdalwarp() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let bytes = format(Dtype::UInt8, HOLE, 0.0, 254.0);
    let (_, instance) = server.variable("v", bytes, 1).await;
    for (day, (name, raster)) in (0..).zip(rasters()) {
        let record = server.record(&format!("r{day}"), day).await;
        raster.write(&server.path(name));
        let dataset = dataset(&record, &instance, bytes, &[1]);
        server
            .index(&server.uri(name), vec![dataset])
            .await
            .unwrap();
    }
    let mut tiles = vec![(0, 0, 0)];
    tiles.extend((0..4).map(|n| (1, n % 2, n / 2)));
    tiles.extend((0..16).map(|n| (2, n % 4, n / 4)));
    tiles.extend([(3, 0, 0), (3, 4, 2), (3, 3, 2), (3, 7, 3), (3, 2, 7)]);
    for (z, x, y) in tiles {
        let asked = pb::GetTileRequest {
            x: x as i32,
            y: y as i32,
            z: z as i32,
            ..request(&instance)
        };
        let answer = server.client().get_xyz_tile(asked).await.unwrap();
        let found = decoded(&answer.into_inner().image.unwrap().data).rgba;
        let expected = expected(&server, (z, x, y));
        let grey = |[grey, _, _, opacity]: &[u8; 4]| match opacity {
            0 => HOLE,
            _ => f64::from(*grey),
        };
        let pairs = found.iter().map(grey).zip(&expected);
        let apart: Vec<_> = pairs
            .enumerate()
            .filter(|(_, (found, expected))| found != *expected)
            .collect();
        assert!(
            apart.is_empty(),
            "{z}/{x}/{y}: {} differ, first {:?}",
            apart.len(),
            &apart[..apart.len().min(3)]
        );
        assert!(expected.iter().any(|value| *value != HOLE), "{z}/{x}/{y}");
    }
}
