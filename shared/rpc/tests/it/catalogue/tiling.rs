use super::layouts::layout;
use crate::harness::Server;
use crate::harness::answers::{invalid, items, refused, refused_on};
use crate::harness::catalogue::{aoi, map, rectangle};
use rpc::pb;
use rpc::pb::tile_aoi_request::Identifier;
use tonic::{Code, Status};

pub fn grid(parameters: &[(&str, &str)]) -> pb::Layout {
    pb::Layout {
        grid_parameters: map(parameters),
        ..layout("inline layouts need no valid name")
    }
}

pub fn regular(cell: &str, resolution: &str) -> pb::Layout {
    grid(&[
        ("grid", "Regular"),
        ("crs", "32631"),
        ("cell_size", cell),
        ("resolution", resolution),
    ])
}

/// Lon 5.8 to 6.6, lat 44.5 to 45.1.
pub fn alps() -> pb::Aoi {
    aoi(&[&[&[
        (5.8, 45.1),
        (5.8, 44.5),
        (6.6, 44.5),
        (6.6, 45.1),
        (5.8, 45.1),
    ]]])
}

async fn tile(
    server: &Server,
    aoi: Option<pb::Aoi>,
    identifier: Option<Identifier>,
) -> Result<Vec<Vec<pb::Tile>>, Status> {
    let batches = items(
        server
            .client()
            .tile_aoi(pb::TileAoiRequest { aoi, identifier })
            .await,
    )
    .await?;
    Ok(batches.into_iter().map(|batch| batch.tiles).collect())
}

pub async fn tile_over(
    server: &Server,
    aoi: pb::Aoi,
    layout: pb::Layout,
) -> Result<Vec<Vec<pb::Tile>>, Status> {
    tile(server, Some(aoi), Some(Identifier::Layout(layout))).await
}

pub async fn tile_inline(
    server: &Server,
    layout: pb::Layout,
) -> Result<Vec<Vec<pb::Tile>>, Status> {
    tile_over(server, alps(), layout).await
}

#[tokio::test]
async fn a_regular_grid_covers_an_area_row_by_row() {
    let Some(server) = Server::start().await else {
        return;
    };
    let batches = tile_inline(&server, regular("1024", "30")).await.unwrap();
    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [9]);
    let first = &batches[0][0];
    assert_eq!(
        first.transform,
        Some(pb::GeoTransform {
            a: 706_560.,
            b: 30.,
            c: 0.,
            d: 5_007_360.,
            e: 0.,
            f: -30.
        })
    );
    assert_eq!(
        first.size_px,
        Some(pb::Size {
            width: 1024,
            height: 1024
        })
    );
    assert!(
        first.crs.starts_with("PROJCS[") && first.crs.contains("\"32631\""),
        "{}",
        first.crs
    );
    let corners: Vec<_> = batches[0]
        .iter()
        .map(|tile| tile.transform.unwrap())
        .map(|at| (at.a, at.d))
        .collect();
    let expected: Vec<_> = (0..9)
        .map(|n| {
            (
                706_560. + 30_720. * f64::from(n % 3),
                5_007_360. - 30_720. * f64::from(n / 3),
            )
        })
        .collect();
    assert_eq!(corners, expected);

    let stored = pb::CreateLayoutRequest {
        layout: Some(pb::Layout {
            name: "l".to_owned(),
            ..regular("1024", "30")
        }),
    };
    server.client().create_layout(stored).await.unwrap();
    let named = tile(
        &server,
        Some(alps()),
        Some(Identifier::LayoutName("l".to_owned())),
    )
    .await
    .unwrap();
    assert_eq!(named, batches);
}

#[tokio::test]
async fn tiles_come_in_batches_of_a_thousand() {
    let Some(server) = Server::start().await else {
        return;
    };
    let batches = tile_inline(&server, regular("150", "10")).await.unwrap();
    assert_eq!(
        batches.iter().map(Vec::len).collect::<Vec<_>>(),
        [1000, 971]
    );
}

#[tokio::test]
async fn a_single_cell_bounds_the_area() {
    let Some(server) = Server::start().await else {
        return;
    };
    let layout = grid(&[
        ("grid", "singlecell"),
        ("crs", "EPSG:32631"),
        ("resolution", "10"),
    ]);
    let batches = tile_inline(&server, layout).await.unwrap();
    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [1]);
    let (at, size) = (
        batches[0][0].transform.unwrap(),
        batches[0][0].size_px.unwrap(),
    );
    assert!(
        (at.a - 720_298.450_598_901_1).abs() < 1e-6
            && (at.d - 5_000_366.224_507_282_5).abs() < 1e-6,
        "{at:?}"
    );
    assert_eq!(
        (at.b, at.f, size.width, size.height),
        (10., -10., 6590, 6914)
    );
}

#[tokio::test]
async fn malformed_grids_and_areas_are_refused() {
    let Some(server) = Server::start().await else {
        return;
    };
    let named = |name: &str| Some(Identifier::LayoutName(name.to_owned()));
    let unknown = tile(&server, Some(alps()), named("zz")).await;
    refused_on(
        unknown,
        Code::NotFound,
        "Layout with name: zz",
        "Layout",
        "zz",
    );
    refused(
        tile(&server, Some(alps()), None).await,
        Code::NotFound,
        "Layout",
    );
    invalid(
        tile(&server, None, named("zz")).await,
        "AOI must not be empty",
    );
    invalid(
        tile(&server, Some(rectangle(0., 0., 181., 1.)), named("zz")).await,
        "180",
    );
    let with = |pairs: &[(&str, &str)]| {
        let mut layout = regular("1024", "30");
        layout.grid_parameters.extend(map(pairs));
        layout
    };
    for (fragment, malformed) in [
        ("grid", grid(&[])),
        ("crs", with(&[("crs", "epsg")])),
        ("crs", with(&[("crs", "epsg:1")])),
        ("crs", with(&[("crs", "/etc/passwd")])),
        ("cell_size", with(&[("cell_size", "0")])),
        ("cell_size", with(&[("cell_size", "1e3")])),
        (
            "cell_x_size",
            grid(&[("grid", "regular"), ("crs", "32631"), ("resolution", "10")]),
        ),
        ("resolution", with(&[("resolution", "-1")])),
        (
            "resolution",
            grid(&[("grid", "singlecell"), ("crs", "32631")]),
        ),
        (
            "block",
            pb::Layout {
                block_x_size: 0,
                ..regular("1024", "30")
            },
        ),
        (
            "InterlacingPattern",
            pb::Layout {
                interlacing_pattern: String::new(),
                ..regular("1024", "30")
            },
        ),
    ] {
        invalid(tile_inline(&server, malformed).await, fragment);
    }
    // more cells than the service answers, refused before they are made
    for (cell, resolution) in [("1", "0.001"), ("1", "1e-300"), ("16", "1")] {
        let status = tile_inline(&server, regular(cell, resolution))
            .await
            .unwrap_err();
        let bounded = matches!(
            status.code(),
            Code::ResourceExhausted | Code::InvalidArgument
        );
        assert!(bounded, "{cell} {resolution}: {status:?}");
    }
}
