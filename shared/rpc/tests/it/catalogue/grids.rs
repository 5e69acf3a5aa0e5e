//! Custom grids, and tiles cut along their cells.

use super::tiling::{alps, grid, regular, tile_inline, tile_over};
use crate::harness::Server;
use crate::harness::answers::{invalid, refused, refused_on};
use crate::harness::catalogue::{map, rectangle, ring};
use futures::stream;
use rpc::pb;
use tonic::{Code, Request, Status};

/// A cell of a rectangle, in UTM zone 31 north.
fn cell(id: &str, west: f32, south: f32, east: f32, north: f32) -> pb::Cell {
    let outline = rectangle(west, south, east, north).polygons[0].linearrings[0].clone();
    pb::Cell {
        id: id.to_owned(),
        crs: "epsg:32631".to_owned(),
        coordinates: Some(outline),
    }
}

/// One message of the stream that makes a grid.
fn piece(name: &str, cells: Vec<pb::Cell>) -> pb::CreateGridRequest {
    pb::CreateGridRequest {
        grid: Some(pb::Grid {
            name: name.to_owned(),
            description: format!("about {name}"),
            cells,
        }),
    }
}

async fn create(server: &Server, pieces: Vec<pb::CreateGridRequest>) -> Result<(), Status> {
    let pieces = Request::new(stream::iter(pieces));
    server.client().create_grid(pieces).await?;
    Ok(())
}

async fn list(server: &Server, name_like: &str) -> Vec<pb::Grid> {
    let name_like = name_like.to_owned();
    let answer = server
        .client()
        .list_grids(pb::ListGridsRequest { name_like })
        .await;
    answer.unwrap().into_inner().grids
}

async fn delete(server: &Server, name: &str) {
    let name = name.to_owned();
    let request = pb::DeleteGridRequest { name };
    server.client().delete_grid(request).await.unwrap();
}

#[tokio::test]
async fn a_grid_grows_by_the_messages_of_the_stream() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (west, east) = (cell("w/1", 0., 0., 1., 1.), cell("e:2", 1., 0., 2., 1.));
    let pieces = vec![
        piece("g1", vec![west.clone()]),
        piece("other", vec![east.clone()]),
    ];
    create(&server, pieces).await.unwrap();
    create(&server, vec![piece("without-cells", vec![])])
        .await
        .unwrap();
    let names = |grids: Vec<pb::Grid>| grids.into_iter().map(|grid| grid.name).collect::<Vec<_>>();
    assert_eq!(names(list(&server, "").await), ["g1", "without-cells"]);
    assert_eq!(names(list(&server, "G?(?i)").await), ["g1"]);
    assert!(
        list(&server, "other").await.is_empty(),
        "the first name counts"
    );
    let found = list(&server, "g1").await.remove(0);
    assert_eq!(
        (found.description.as_str(), found.cells),
        ("about g1", vec![])
    );
    if let Some(cells) = server.sql("SELECT id, grid, crs, srid FROM geocube.cells ORDER BY id") {
        assert_eq!(cells, "e:2|g1|epsg:32631|32631\nw/1|g1|epsg:32631|32631");
    }

    for unknown in ["zz", "*", ""] {
        delete(&server, unknown).await;
    }
    assert_eq!(list(&server, "").await.len(), 2);
    delete(&server, "g1").await;
    // its cells went with it
    create(&server, vec![piece("g1", vec![west, east])])
        .await
        .unwrap();
}

#[tokio::test]
async fn names_of_grids_and_of_their_cells_are_unique() {
    let Some(server) = Server::start().await else {
        return;
    };
    let a = || vec![cell("a", 0., 0., 1., 1.)];
    create(&server, vec![piece("g1", a())]).await.unwrap();
    let again = create(&server, vec![piece("g1", vec![])]).await;
    refused_on(
        again,
        Code::AlreadyExists,
        "Grid with name: g1",
        "Grid",
        "g1",
    );
    let two_pieces = create(&server, vec![piece("g2", a()), piece("g2", a())]).await;
    let text = "Cell with id for gridName: a, g2";
    refused_on(two_pieces, Code::AlreadyExists, text, "Cell", "a, g2");
    let one_piece = create(&server, vec![piece("g2", [a(), a()].concat())]).await;
    invalid(one_piece, "Duplicate cell-id:a");
    assert_eq!(list(&server, "").await.len(), 1, "all or nothing");
}

#[tokio::test]
async fn malformed_grids_are_refused() {
    let Some(server) = Server::start().await else {
        return;
    };
    let fine = || cell("a", 0., 0., 1., 1.);
    let outlined = |points: &[(f32, f32)]| pb::Cell {
        coordinates: Some(ring(points)),
        ..fine()
    };
    let crs = |crs: &str| pb::Cell {
        crs: crs.to_owned(),
        ..fine()
    };
    let valid = "geometry_valid_check";
    for (fragment, malformed) in [
        ("Grid.name", piece("g/3", vec![])),
        ("Grid.name", piece("", vec![])),
        ("Grid.name", piece("Regular", vec![])),
        ("Grid.name", piece("SINGLECELL", vec![])),
        ("Cell.id", piece("g", vec![cell("a b", 0., 0., 1., 1.)])),
        ("grid is missing", pb::CreateGridRequest { grid: None }),
        (
            "Cell.coordinates is missing",
            piece(
                "g",
                vec![pb::Cell {
                    coordinates: None,
                    ..fine()
                }],
            ),
        ),
        (valid, piece("g", vec![outlined(&[])])),
        (
            valid,
            piece(
                "g",
                vec![outlined(&[(0., 0.), (0., 1.), (1., 1.), (1., 0.)])],
            ),
        ),
        (
            valid,
            piece(
                "g",
                vec![outlined(&[
                    (0., 0.),
                    (1., 1.),
                    (1., 0.),
                    (0., 1.),
                    (0., 0.),
                ])],
            ),
        ),
        ("[-180, 180]", piece("g", vec![cell("a", 0., 0., 400., 1.)])),
        (
            "[-180, 180]",
            piece("g", vec![cell("a", 0., 0., f32::NAN, 1.)]),
        ),
        ("crs", piece("g", vec![crs("epsg")])),
        ("crs", piece("g", vec![crs("epsg:x")])),
        ("crs", piece("g", vec![crs("no system")])),
        ("crs", piece("g", vec![crs("")])),
    ] {
        let text = format!("{malformed:?}");
        let answer = create(&server, vec![malformed.clone()]).await;
        let status = refused(answer, Code::InvalidArgument, "");
        let message = status.message().to_lowercase();
        assert!(
            message.contains(&fragment.to_lowercase()),
            "{message} for {text}"
        );
        // in a later message too
        let later = create(&server, vec![piece("g", vec![]), malformed]).await;
        invalid(later, "");
    }
    invalid(create(&server, vec![]).await, "grid is missing");
    assert!(list(&server, "").await.is_empty());
}

/// A layout over a stored grid.
fn over(name: &str, parameters: &[(&str, &str)]) -> pb::Layout {
    let mut layout = grid(parameters);
    layout.grid_parameters.extend(map(&[("grid", name)]));
    layout
}

#[tokio::test]
async fn a_stored_cell_that_holds_the_area_is_cut_like_a_grid_of_its_own() {
    let Some(server) = Server::start().await else {
        return;
    };
    let cells = vec![
        cell("alps", 5., 44., 7., 46.),
        cell("sea", 1., 40., 2., 41.),
    ];
    create(&server, vec![piece("france", cells)]).await.unwrap();
    let whole = tile_inline(&server, regular("150", "10")).await.unwrap();
    let subgrid = [
        ("subgrid", "Regular"),
        ("cell_size", "150"),
        ("resolution", "10"),
    ];
    let cut = tile_inline(&server, over("france", &subgrid))
        .await
        .unwrap();
    assert_eq!(cut.iter().map(Vec::len).collect::<Vec<_>>(), [1000, 971]);
    assert_eq!(cut, whole);

    let single = grid(&[
        ("grid", "singlecell"),
        ("crs", "32631"),
        ("resolution", "10"),
    ]);
    let whole = tile_inline(&server, single).await.unwrap();
    for parameters in [
        &[("resolution", "10"), ("subgrid", "singlecell")][..],
        &[("resolution", "10")],
    ] {
        let cut = tile_inline(&server, over("france", parameters))
            .await
            .unwrap();
        assert_eq!(cut.iter().map(Vec::len).collect::<Vec<_>>(), [1]);
        let (found, expected) = (&cut[0][0], &whole[0][0]);
        assert_eq!(
            (found.size_px, &found.crs),
            (expected.size_px, &expected.crs)
        );
        let (at, there) = (found.transform.unwrap(), expected.transform.unwrap());
        assert!(
            (at.a - there.a).abs() < 1e-3 && (at.d - there.d).abs() < 1e-3,
            "{at:?}, expected {there:?}"
        );
    }
}

#[tokio::test]
async fn every_stored_cell_that_the_area_overlaps_is_cut_in_its_own_system() {
    let Some(server) = Server::start().await else {
        return;
    };
    // the meridian 6 is where the zones meet
    let laea = "+proj=laea +lat_0=45 +lon_0=6 +datum=WGS84 +units=m";
    let cells = vec![
        cell("west", 5., 44., 6., 46.),
        pb::Cell {
            crs: "32632".to_owned(),
            ..cell("east", 6., 44., 7., 46.)
        },
        pb::Cell {
            crs: laea.to_owned(),
            ..cell("above", 5., 45., 7., 46.)
        },
        cell("beside", 7., 44., 8., 46.),
    ];
    create(&server, vec![piece("zones", cells)]).await.unwrap();
    let layout = over("zones", &[("resolution", "100")]);
    let tiles = tile_inline(&server, layout.clone()).await.unwrap().concat();
    let systems: Vec<_> = tiles
        .iter()
        .map(|tile| match &tile.crs {
            crs if crs.contains("\"32631\"") => "32631",
            crs if crs.contains("\"32632\"") => "32632",
            crs if crs.contains("Lambert_Azimuthal_Equal_Area") => "laea",
            crs => crs,
        })
        .collect();
    assert_eq!(systems, ["laea", "32632", "32631"], "by id of the cells");
    // 0.2 and 0.6 degrees of longitude, about 78.8 km each, and 0.6 degrees of latitude
    let sizes: Vec<_> = tiles.iter().map(|tile| tile.size_px.unwrap()).collect();
    for (size, (width, height)) in sizes.iter().zip([(630, 111), (480, 670), (170, 670)]) {
        assert!(
            (size.width - width).abs() < 20 && (size.height - height).abs() < 20,
            "{sizes:?}"
        );
    }

    let outside = tile_over(&server, rectangle(-10., 0., -9., 1.), layout).await;
    let batches = outside.unwrap();
    assert_eq!(batches, [vec![]], "one empty batch");
    let border = rectangle(8., 44., 9., 46.);
    let touching = tile_over(&server, border, over("zones", &[("resolution", "100")])).await;
    assert_eq!(touching.unwrap(), [vec![]], "an edge is no area");
}

#[tokio::test]
async fn malformed_layouts_over_stored_grids_are_refused() {
    let Some(server) = Server::start().await else {
        return;
    };
    let resolution = [("resolution", "10")];
    let unknown = tile_inline(&server, over("zz", &resolution)).await;
    refused_on(unknown, Code::NotFound, "Grid with name: zz", "Grid", "zz");
    create(&server, vec![piece("g", vec![cell("a", 5., 44., 7., 46.)])])
        .await
        .unwrap();
    for (fragment, parameters) in [
        ("resolution", &[][..]),
        ("resolution", &[("resolution", "0")]),
        (
            "unknown parameter \"cellsize\"",
            &[("resolution", "10"), ("cellsize", "10")],
        ),
        ("subgrid", &[("subgrid", "g"), ("resolution", "10")]),
        (
            "cell_x_size",
            &[("subgrid", "regular"), ("resolution", "10")],
        ),
        (
            "cell_size",
            &[
                ("subgrid", "regular"),
                ("cell_size", "0"),
                ("resolution", "10"),
            ],
        ),
    ] {
        invalid(tile_inline(&server, over("g", parameters)).await, fragment);
    }
    for name in ["a/b", "é", "a b", "*", ""] {
        invalid(tile_inline(&server, over(name, &resolution)).await, "grid");
    }
    // stored and deleted grids are looked up by each call
    let layout = pb::Layout {
        name: "l".to_owned(),
        ..over("g", &resolution)
    };
    let stored = pb::CreateLayoutRequest {
        layout: Some(layout.clone()),
    };
    server.client().create_layout(stored).await.unwrap();
    delete(&server, "g").await;
    let gone = tile_over(&server, alps(), layout).await;
    refused(gone, Code::NotFound, "Grid with name: g");
}

#[tokio::test]
async fn a_stored_cell_across_the_dateline_is_cut_on_both_sides() {
    let Some(server) = Server::start().await else {
        return;
    };
    let across = |id: &str, crs: &str| pb::Cell {
        crs: crs.to_owned(),
        ..cell(id, 175., 10., -175., 20.)
    };
    for (grid, crs) in [("degrees", "4326"), ("mercator", "3857"), ("utm", "32601")] {
        create(&server, vec![piece(grid, vec![across("c", crs)])])
            .await
            .unwrap();
    }
    let both = || {
        let (east, west) = (
            rectangle(178., 12., 180., 14.),
            rectangle(-180., 12., -178., 14.),
        );
        pb::Aoi {
            polygons: [east.polygons, west.polygons].concat(),
        }
    };
    let degree = [
        ("subgrid", "regular"),
        ("cell_size", "100"),
        ("resolution", "0.01"),
    ];
    let tiles = tile_over(&server, both(), over("degrees", &degree)).await;
    let tiles = tiles.unwrap().concat();
    let mut west: Vec<f64> = tiles.iter().map(|tile| tile.transform.unwrap().a).collect();
    west.sort_by(f64::total_cmp);
    west.dedup();
    assert_eq!(west, [-180., -179., 178., 179.]);
    assert_eq!(tiles.len(), 8);

    // one cell on each side where the plane ends, one where it goes on
    for (grid, resolution, widths) in [
        ("degrees", "0.01", &[200, 200][..]),
        ("mercator", "1000", &[223, 223]),
        ("utm", "1000", &[437]),
    ] {
        let layout = over(grid, &[("resolution", resolution)]);
        let tiles = tile_over(&server, both(), layout).await.unwrap().concat();
        let found: Vec<i32> = tiles
            .iter()
            .map(|tile| tile.size_px.unwrap().width)
            .collect();
        assert_eq!(found.len(), widths.len(), "{grid}: {found:?}");
        for (found, expected) in found.iter().zip(widths) {
            assert!((found - expected).abs() <= 2, "{grid}: {found} {expected}");
        }
    }
}

#[tokio::test]
async fn areas_wider_than_half_the_globe_are_cut_by_the_cells_in_them() {
    let Some(server) = Server::start().await else {
        return;
    };
    let cells = vec![
        cell("a", 5., 44., 5.25, 44.25),
        cell("b", 3., 60., 3.25, 60.25),
    ];
    create(&server, vec![piece("g", cells)]).await.unwrap();
    for area in [
        rectangle(-180., -90., 180., 90.),
        rectangle(-170., 40., 170., 61.),
    ] {
        let tiles = tile_over(&server, area, over("g", &[("resolution", "100")])).await;
        assert_eq!(tiles.unwrap().concat().len(), 2);
    }
}
