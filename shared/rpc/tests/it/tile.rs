//! Web-mercator tiles by gRPC.

mod colours;
mod far;
mod http;
mod refusals;

use crate::harness::Server;
use crate::harness::answers::invalid;
use crate::harness::catalogue::{YEAR_2020, at, dataset, format, map, new_variable};
use crate::harness::raster::{Raster, have_gdal};
use png::ColorType;
use rpc::pb;
use rpc::pb::data_format::Dtype;
use rpc::pb::get_tile_request::RecordsLister;
use std::io::Cursor;
use tonic::Status;

/// Metres of a pixel at zoom 10, and the corner of the tile (515, 374).
const PIXEL: f64 = 152.8740565703525;
const CORNER: (f64, f64) = (117_407.27544603124, 5_400_734.670517413);
const NAN: f64 = f64::NAN;

fn request(instance: &str) -> pb::GetTileRequest {
    let records_lister = Some(RecordsLister::Filters(pb::RecordFilters::default()));
    pb::GetTileRequest {
        instance_id: instance.to_owned(),
        x: 515,
        y: 374,
        z: 10,
        records_lister,
        ..Default::default()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the value of a field")]
fn group(ids: &[&String]) -> Option<RecordsLister> {
    Some(RecordsLister::Records(pb::GroupedRecordIds {
        ids: ids.iter().map(|id| (*id).clone()).collect(),
    }))
}

/// A file on the grid of the tile whose west half holds one value per band and whose east half the other.
fn halves(west: &[f64], east: &[f64]) -> Raster {
    let band = |(west, east): (&f64, &f64)| {
        (0..65_536)
            .map(|n| if n % 256 < 128 { *west } else { *east })
            .collect()
    };
    let bands: Vec<Vec<f64>> = west.iter().zip(east).map(band).collect();
    let samples = vec![0.; 65_536];
    Raster {
        bands,
        crs: "EPSG:3857",
        origin: CORNER,
        pixel: PIXEL,
        ..Raster::utm("Float32", 256, 256, samples)
    }
}

struct Tile {
    color: ColorType,
    rgba: Vec<[u8; 4]>,
}

impl Tile {
    /// Colours at the middle of the west and of the east half.
    fn halves(&self) -> [[u8; 4]; 2] {
        let row = 128 * 256;
        assert!(
            self.rgba
                .chunks(256)
                .all(|line| line == &self.rgba[row..row + 256]),
            "all rows are the same"
        );
        [self.rgba[row + 64], self.rgba[row + 192]]
    }
}

async fn tile(server: &Server, request: pb::GetTileRequest) -> Result<Tile, Status> {
    let data = server
        .client()
        .get_xyz_tile(request)
        .await?
        .into_inner()
        .image
        .unwrap()
        .data;
    Ok(decoded(&data))
}

fn decoded(data: &[u8]) -> Tile {
    let color = png::Decoder::new(Cursor::new(data))
        .read_info()
        .unwrap()
        .info()
        .color_type;
    let mut decoder = png::Decoder::new(Cursor::new(data));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((frame.width, frame.height), (256, 256));
    let rgba = match frame.color_type {
        ColorType::GrayscaleAlpha => pixels.chunks(2).map(|p| [p[0], p[0], p[0], p[1]]).collect(),
        ColorType::Rgba => pixels.chunks(4).map(|p| [p[0], p[1], p[2], p[3]]).collect(),
        other => panic!("{other:?}"),
    };
    Tile { color, rgba }
}

async fn index(
    server: &Server,
    name: &str,
    day: i64,
    instance: &str,
    bands: usize,
    raster: &Raster,
) -> String {
    let record = server.tagged_record(name, day, &[("name", name)]).await;
    raster.write(&server.path(name));
    let numbers: Vec<i64> = (1..=bands as i64).collect();
    let format = format(Dtype::Float32, NAN, -1., 1.);
    server
        .index(
            &server.uri(name),
            vec![dataset(&record, instance, format, &numbers)],
        )
        .await
        .unwrap();
    record
}

#[tokio::test]
async fn values_become_grey_and_holes_transparent() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let grey = |byte: u8| [byte, byte, byte, 255];
    // (values of the halves, min, max, colours; nothing where transparent)
    for (number, (west, east, min, max, expected)) in [
        (-1., 0., 0., 0., [Some(grey(0)), Some(grey(127))]),
        (1., NAN, 0., 0., [Some(grey(254)), None]),
        (1.002, 1.005, 0., 0., [Some(grey(254)), Some(grey(254))]),
        (-5., 5., 0., 0., [Some(grey(0)), Some(grey(254))]),
        (0.25, 0.5, 0., 0.5, [Some(grey(127)), Some(grey(254))]),
        (0., 1., 1., 0., [Some(grey(127)), Some(grey(254))]),
        (0., 1., f32::NAN, 5., [Some(grey(127)), Some(grey(254))]),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("v{number}");
        let (_, instance) = server
            .variable(&name, format(Dtype::Float32, NAN, -1., 1.), 1)
            .await;
        index(&server, &name, 0, &instance, 1, &halves(&[west], &[east])).await;
        let tile = tile(
            &server,
            pb::GetTileRequest {
                min,
                max,
                ..request(&instance)
            },
        )
        .await
        .unwrap();
        assert_eq!(tile.color, ColorType::Grayscale);
        let found = tile.halves().map(|rgba| (rgba[3] > 0).then_some(rgba));
        assert_eq!(found, expected, "{west} {east} in {min}..{max}");
    }
}

#[tokio::test]
async fn palettes_colour_the_values() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let point = |value, [r, g, b]: [u32; 3]| pb::ColorPoint {
        value,
        r,
        g,
        b,
        a: 255,
    };
    let colors = vec![
        point(0., [0, 0, 255]),
        point(0.25, [0, 255, 0]),
        point(1., [255, 0, 0]),
    ];
    let palette = Some(pb::Palette {
        name: "ramp".to_owned(),
        colors,
    });
    server
        .client()
        .create_palette(pb::CreatePaletteRequest {
            palette,
            replace: false,
        })
        .await
        .unwrap();
    let float = format(Dtype::Float32, NAN, -1., 1.);
    let variable = pb::Variable {
        palette: "ramp".to_owned(),
        ..new_variable("v", float, 1)
    };
    let id = server.create_variable(variable).await.unwrap();
    let instance = server.instantiate(&id, "master").await.unwrap();
    index(&server, "v", 0, &instance, 1, &halves(&[-1.], &[NAN])).await;
    let found = tile(&server, request(&instance)).await.unwrap();
    assert_eq!(
        (found.color, found.halves()),
        (ColorType::Indexed, [[0, 0, 255, 255], [0, 0, 0, 0]])
    );
    // entries 253 and 63 of the ramp: (value + 1) / 2 * 254
    for (value, expected) in [
        (253. / 127. - 1., [253, 1, 0, 255]),
        (63. / 127. - 1., [0, 252, 2, 255]),
    ] {
        let name = format!("v{}", expected[0]);
        index(
            &server,
            &name,
            i64::from(expected[0]) + 1,
            &instance,
            1,
            &halves(&[value], &[value]),
        )
        .await;
        let only = Some(RecordsLister::Filters(pb::RecordFilters {
            tags: map(&[("name", &name)]),
            ..Default::default()
        }));
        let found = tile(
            &server,
            pb::GetTileRequest {
                records_lister: only,
                ..request(&instance)
            },
        )
        .await
        .unwrap();
        assert_eq!(found.halves(), [expected; 2], "{value}");
    }
}

#[tokio::test]
async fn two_three_and_four_bands_make_colours() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    for (bands, color, expected) in [
        (2, ColorType::GrayscaleAlpha, [0, 0, 0, 127]),
        (3, ColorType::Rgb, [0, 127, 254, 255]),
        (4, ColorType::Rgba, [0, 127, 254, 255]),
    ] {
        let name = format!("v{bands}");
        let (_, instance) = server
            .variable(&name, format(Dtype::Float32, NAN, -1., 1.), bands)
            .await;
        let west = &[-1., 0., 1., 1.][..bands];
        index(
            &server,
            &name,
            0,
            &instance,
            bands,
            &halves(west, &vec![NAN; bands]),
        )
        .await;
        let found = tile(&server, request(&instance)).await.unwrap();
        let [west, east] = found.halves();
        assert_eq!(
            (found.color, west, east[3]),
            (color, expected, 0),
            "{bands} bands"
        );
    }
    let (_, instance) = server
        .variable("v5", format(Dtype::Float32, NAN, -1., 1.), 5)
        .await;
    index(&server, "v5", 0, &instance, 5, &halves(&[0.; 5], &[0.; 5])).await;
    invalid(
        tile(&server, request(&instance))
            .await
            .map(|tile| tile.color),
        "band",
    );
}

#[tokio::test]
async fn the_most_recent_record_is_on_top() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let (_, instance) = server
        .variable("v", format(Dtype::Float32, NAN, -1., 1.), 1)
        .await;
    let late = index(&server, "late", 9, &instance, 1, &halves(&[1.], &[NAN])).await;
    let early = index(&server, "early", 1, &instance, 1, &halves(&[-1.], &[-1.])).await;
    let before = pb::RecordFilters {
        to_time: at(YEAR_2020 + 5 * 86_400, 0),
        ..Default::default()
    };
    for (what, lister, expected) in [
        (
            "all",
            Some(RecordsLister::Filters(pb::RecordFilters::default())),
            [254, 0],
        ),
        ("by time", Some(RecordsLister::Filters(before)), [0, 0]),
        ("by id", group(&[&early]), [0, 0]),
        ("by ids, in any order", group(&[&late, &early]), [254, 0]),
    ] {
        let found = tile(
            &server,
            pb::GetTileRequest {
                records_lister: lister,
                ..request(&instance)
            },
        )
        .await
        .unwrap();
        assert_eq!(found.halves().map(|rgba| rgba[0]), expected, "{what}");
    }
}
