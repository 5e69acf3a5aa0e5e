//! What the samples of wider types and of several bands look like.

use super::{CORNER, NAN, PIXEL, request, tile};
use crate::harness::Server;
use crate::harness::catalogue::{dataset, format, new_variable};
use crate::harness::raster::{Raster, have_gdal};
use png::ColorType;
use rpc::pb;
use rpc::pb::data_format::Dtype;

/// A file on the grid of the tile with one value per band in the west half, and in the east half another one.
fn halves(gdal_type: &'static str, west: &[f64], east: &[f64]) -> Raster {
    let band = |(west, east): (&f64, &f64)| {
        (0..65_536)
            .map(|n| if n % 256 < 128 { *west } else { *east })
            .collect()
    };
    Raster {
        bands: west.iter().zip(east).map(band).collect(),
        crs: "EPSG:3857",
        origin: CORNER,
        pixel: PIXEL,
        ..Raster::utm(gdal_type, 256, 256, vec![0.; 65_536])
    }
}

#[tokio::test]
async fn samples_of_every_type_are_scaled_to_bytes() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    // (type, samples without data, range of the variable, samples of the halves, greys)
    for (dtype, gdal_type, no_data, (min, max), (west, east), expected) in [
        (Dtype::UInt8, "Byte", 255., (0., 254.), (0., 200.), [0, 200]),
        (
            Dtype::UInt16,
            "UInt16",
            0.,
            (0., 10_000.),
            (5_000., 65_535.),
            [127, 254],
        ),
        (
            Dtype::Int16,
            "Int16",
            -9999.,
            (-1_000., 1_000.),
            (-500., 0.),
            [64, 127],
        ),
        (
            Dtype::Int8,
            "Int8",
            -128.,
            (-100., 100.),
            (-100., 50.),
            [0, 191],
        ),
        (
            Dtype::UInt32,
            "UInt32",
            0.,
            (0., 4e9),
            (1e9, 4e9),
            [64, 254],
        ),
        (
            Dtype::Int32,
            "Int32",
            0.,
            (-2e9, 2e9),
            (-2e9, 1e9),
            [0, 191],
        ),
        (
            Dtype::Float64,
            "Float64",
            NAN,
            (0., 1.),
            (0.5, 2.),
            [127, 254],
        ),
    ] {
        let format = format(dtype, no_data, min, max);
        let (_, instance) = server.variable(gdal_type, format, 1).await;
        let record = server.record(gdal_type, 0).await;
        halves(gdal_type, &[west], &[east]).write(&server.path(gdal_type));
        let datasets = vec![dataset(&record, &instance, format, &[1])];
        server
            .index(&server.uri(gdal_type), datasets)
            .await
            .unwrap();
        let found = tile(&server, request(&instance)).await.unwrap();
        assert_eq!(found.color, ColorType::Grayscale, "{gdal_type}");
        let greys = found.halves().map(|rgba| (rgba[0], rgba[3]));
        assert_eq!(greys, expected.map(|grey| (grey, 255)), "{gdal_type}");
    }
}

#[tokio::test]
async fn a_band_of_opacity_beside_the_data_hides_pixels() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let bytes = format(Dtype::UInt8, NAN, 0., 254.);
    let (_, instance) = server.variable("rgb", bytes, 3).await;
    let opacity: &[&str] = &["-colorinterp", "red,green,blue,alpha"];
    for (day, name, east) in [
        (0, "low", [40., 50., 60., 255.]),
        (1, "high", [1., 2., 3., 0.]),
    ] {
        let record = server.record(name, day).await;
        halves("Byte", &[10. + day as f64, 20., 30., 255.], &east)
            .write_with(&server.path(name), opacity);
        let datasets = vec![dataset(&record, &instance, bytes, &[1, 2, 3])];
        server.index(&server.uri(name), datasets).await.unwrap();
    }
    let found = tile(&server, request(&instance)).await.unwrap();
    assert_eq!(found.color, ColorType::Rgb);
    assert_eq!(found.halves(), [[11, 20, 30, 255], [40, 50, 60, 255]]);
}

#[tokio::test]
async fn palettes_with_translucent_points_are_straight() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let point = |value, r, a| pb::ColorPoint {
        value,
        r,
        g: 40,
        b: 0,
        a,
    };
    let palette = Some(pb::Palette {
        name: "veil".to_owned(),
        colors: vec![point(0., 200, 0), point(1., 200, 254)],
    });
    let request_palette = pb::CreatePaletteRequest {
        palette,
        replace: false,
    };
    server
        .client()
        .create_palette(request_palette)
        .await
        .unwrap();
    let bytes = format(Dtype::UInt8, 255., 0., 254.);
    let variable = pb::Variable {
        palette: "veil".to_owned(),
        ..new_variable("v", bytes, 1)
    };
    let id = server.create_variable(variable).await.unwrap();
    let instance = server.instantiate(&id, "master").await.unwrap();
    let record = server.record("r", 0).await;
    halves("Byte", &[127.], &[254.]).write(&server.path("a"));
    let datasets = vec![dataset(&record, &instance, bytes, &[1])];
    server.index(&server.uri("a"), datasets).await.unwrap();
    let found = tile(&server, request(&instance)).await.unwrap();
    assert_eq!(found.color, ColorType::Indexed);
    assert_eq!(found.halves(), [[200, 40, 0, 127], [200, 40, 0, 254]]);
}
