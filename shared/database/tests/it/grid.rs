use crate::{
    database,
    fixtures::{refusal, square},
};
use database::{
    PgConnection, grid,
    grid::{CellPart, GridSummary, StoredCell},
};
use domain::{Error, MultiPolygon, Pattern, Point, Polygon, Ring};

fn summary(name: &str) -> GridSummary {
    GridSummary {
        name: name.to_owned(),
        description: "d".to_owned(),
    }
}

fn cell(id: &str, x: f64, srid: i32) -> StoredCell {
    let outline = square(x, 45.0, 1.0).0.remove(0);
    StoredCell {
        id: id.to_owned(),
        crs: format!("epsg:{srid}").into(),
        srid,
        outline,
    }
}

/// The parts of an area on all cells.
async fn cells_on(
    conn: &mut PgConnection,
    name: &str,
    area: &MultiPolygon,
) -> database::Result<Vec<CellPart>> {
    let (mut parts, mut after) = (Vec::new(), None);
    loop {
        let (found, next) = grid::cells_on(conn, name, area, after.as_deref()).await?;
        parts.extend(found);
        after = next;
        if after.is_none() {
            return Ok(parts);
        }
    }
}

#[tokio::test]
async fn many_cells_are_cut_piece_by_piece() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let cells: Vec<_> = (0..2500)
        .map(|number| StoredCell {
            outline: square(3.0 + f64::from(number) * 0.01, 45.0, 0.01)
                .0
                .remove(0),
            ..cell(&format!("{number:04}"), 0.0, 0)
        })
        .collect();
    grid::create(&mut conn, &summary("g"), &cells)
        .await
        .unwrap();
    // all but the first hundred
    let area = square(4.0, 45.0, 25.0);
    let (first, next) = grid::cells_on(&mut conn, "g", &area, None).await.unwrap();
    assert!(first.len() <= 1000 && next.is_some(), "{}", first.len());
    let ids = cells_on(&mut conn, "g", &area).await.unwrap();
    let ids: Vec<_> = ids.into_iter().map(|part| part.id).collect();
    let expected: Vec<_> = (100..2500).map(|number| format!("{number:04}")).collect();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn grids_are_created_listed_and_deleted() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    grid::create(&mut conn, &summary("g2"), &[cell("a", 3.0, 32631)])
        .await
        .unwrap();
    grid::create(&mut conn, &summary("g1"), &[cell("a", 3.0, 0)])
        .await
        .unwrap();
    assert_eq!(
        grid::list(&mut conn, None, 100).await.unwrap(),
        [summary("g1"), summary("g2")]
    );
    let only = grid::list(&mut conn, Pattern::parse("?2").as_ref(), 100)
        .await
        .unwrap();
    assert_eq!(only, [summary("g2")]);
    let error = refusal(grid::create(&mut conn, &summary("g1"), &[]).await);
    assert_eq!(error.to_string(), "Grid with name: g1");
    for name in ["g1", "unknown"] {
        grid::delete(&mut conn, name).await.unwrap();
        assert!(!grid::exists(&mut conn, name).await.unwrap());
    }
    assert!(grid::exists(&mut conn, "g2").await.unwrap());
}

#[tokio::test]
async fn cells_given_twice_or_crossing_themselves_are_refused() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let twice = [cell("a", 3.0, 0), cell("a", 4.0, 0)];
    let error = refusal(grid::create(&mut conn, &summary("g"), &twice).await);
    assert_eq!(error.to_string(), "Cell with id for gridName: a, g");
    let points = [(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)];
    let bow_tie = Polygon(vec![Ring(points.map(|(x, y)| Point::new(x, y)).to_vec())]);
    let crossing = StoredCell {
        outline: bow_tie,
        ..cell("b", 3.0, 0)
    };
    let error = refusal(grid::create(&mut conn, &summary("h"), &[crossing]).await);
    assert!(
        matches!(&error, Error::Invalid(text) if text.contains("geometry_valid_check")),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_area_is_cut_by_the_cells_that_it_overlaps() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let cells = [
        cell("utm", 3.0, 32631),
        cell("plain", 4.0, 0),
        cell("beside", 5.0, 32631),
    ];
    grid::create(&mut conn, &summary("g"), &cells)
        .await
        .unwrap();
    let parts = cells_on(&mut conn, "g", &square(3.5, 45.2, 1.0))
        .await
        .unwrap();
    assert_eq!(
        parts
            .iter()
            .map(|part| part.id.as_str())
            .collect::<Vec<_>>(),
        ["plain", "utm"]
    );
    for (part, west, east) in [(&parts[0], 4.0, 4.5), (&parts[1], 3.5, 4.0)] {
        let (min, max) = part.area.bounds().unwrap();
        for (found, expected) in [(min.x, west), (max.x, east), (min.y, 45.2), (max.y, 46.0)] {
            assert!(
                (found - expected).abs() < 0.01,
                "{}: {found} {expected}",
                part.id
            );
        }
    }
    assert_eq!(
        cells_on(&mut conn, "g", &square(30.0, 10.0, 1.0))
            .await
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn neighbours_in_different_planes_leave_no_gap() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let zone = |id: &str, west: f64, srid: i32| {
        let corners = [(0., 48.), (0., 56.), (6., 56.), (6., 48.), (0., 48.)];
        let outline = corners.map(|(x, y)| Point::new(west + x, y)).to_vec();
        StoredCell {
            id: id.to_owned(),
            crs: format!("epsg:{srid}").into(),
            srid,
            outline: Polygon(vec![Ring(outline)]),
        }
    };
    let cells = [zone("west", 6., 32632), zone("east", 12., 32633)];
    grid::create(&mut conn, &summary("utm"), &cells)
        .await
        .unwrap();
    let area = square(11.95, 52.0, 0.1);
    let parts = cells_on(&mut conn, "utm", &area).await.unwrap();
    assert_eq!(parts.len(), 2);
    let bounds = |index: usize| parts[index].area.bounds().unwrap();
    let (east, west) = (bounds(0).0.x, bounds(1).1.x);
    // a millionth of a degree is a tenth of a metre
    assert!(east - west < 1e-6, "from {west} to {east}");
}

fn rectangle(west: f64, south: f64, east: f64, north: f64) -> MultiPolygon {
    Ring::rectangle(Point::new(west, south), Point::new(east, north)).into()
}

fn outlined(id: &str, srid: i32, outline: MultiPolygon) -> StoredCell {
    StoredCell {
        outline: outline.0.into_iter().next().unwrap(),
        ..cell(id, 0.0, srid)
    }
}

/// Surface in square degrees: edges are straight in longitude and latitude.
fn surface(area: &MultiPolygon) -> f64 {
    let ring = |ring: &Ring| {
        let doubled = ring
            .0
            .windows(2)
            .map(|edge| edge[0].x * edge[1].y - edge[1].x * edge[0].y);
        doubled.sum::<f64>().abs() / 2.0
    };
    let polygons = area.0.iter();
    polygons
        .map(|polygon| {
            let holes = polygon.0[1..].iter().map(ring);
            ring(&polygon.0[0]) - holes.sum::<f64>()
        })
        .sum()
}

#[tokio::test]
async fn an_area_wider_than_half_the_globe_overlaps_every_cell_in_it() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let places = [
        (-170., -60.),
        (-90., 50.),
        (0., 0.),
        (0., 70.),
        (100., -75.),
        (170., 65.),
    ];
    let cells: Vec<StoredCell> = places
        .iter()
        .enumerate()
        .map(|(number, (x, y))| outlined(&number.to_string(), 32631, square(*x, *y, 1.0)))
        .collect();
    grid::create(&mut conn, &summary("g"), &cells)
        .await
        .unwrap();
    for (area, found) in [
        (
            rectangle(-180., -90., 180., 90.),
            &["0", "1", "2", "3", "4", "5"][..],
        ),
        (
            rectangle(-179., -80., 179., 80.),
            &["0", "1", "2", "3", "4", "5"],
        ),
        (rectangle(-90., 0., 90., 80.), &["1", "2", "3"]),
        (rectangle(-175., 40., 175., 66.5), &["1", "5"]),
        (rectangle(-100., 60., 90., 75.), &["3"]),
    ] {
        let parts = cells_on(&mut conn, "g", &area).await.unwrap();
        let ids: Vec<&str> = parts.iter().map(|part| part.id.as_str()).collect();
        assert_eq!(ids, found, "{area:?}");
        for part in parts {
            let surface = surface(&part.area);
            assert!((surface - 1.0).abs() < 0.01, "{}: {surface}", part.id);
        }
    }
}

#[tokio::test]
async fn a_cell_across_the_dateline_is_cut_on_both_sides_in_any_system() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let corners = [
        (175., 10.),
        (175., 20.),
        (-175., 20.),
        (-175., 10.),
        (175., 10.),
    ];
    let outline = || {
        let ring = Ring(corners.map(|(x, y)| Point::new(x, y)).to_vec());
        MultiPolygon(vec![Polygon(vec![ring])])
    };
    let systems = [
        ("degrees", 4326),
        ("mercator", 3857),
        ("unknown", 0),
        ("utm", 32601),
    ];
    let cells = systems.map(|(id, srid)| outlined(id, srid, outline()));
    grid::create(&mut conn, &summary("g"), &cells)
        .await
        .unwrap();
    let (east, west) = (
        rectangle(178., 12., 180., 18.),
        rectangle(-180., 12., -177., 18.),
    );
    let both = MultiPolygon([east.0.clone(), west.0.clone()].concat());
    for (area, expected) in [
        (&both, 30.0),
        (&east, 12.0),
        (&west, 18.0),
        (&rectangle(-180., 12., 180., 18.), 60.0),
        (&rectangle(-10., 12., 176., 18.), 6.0),
    ] {
        let parts = cells_on(&mut conn, "g", area).await.unwrap();
        assert_eq!(parts.len(), 4, "{area:?}");
        for part in parts {
            let found = surface(&part.area);
            assert!(
                (found - expected).abs() < 1e-6,
                "{}: {found} of {expected}",
                part.id
            );
            assert!(part.crosses_dateline);
            let mut points = part.area.points();
            assert!(points.all(|point| (174.999..=180.0).contains(&point.x.abs())));
        }
    }
    for elsewhere in [
        rectangle(-174., 12., 174., 18.),
        rectangle(178., 30., 180., 31.),
    ] {
        assert_eq!(cells_on(&mut conn, "g", &elsewhere).await.unwrap(), []);
    }
}

#[tokio::test]
async fn cells_that_end_at_the_dateline_stay_on_their_side() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let cells = [
        outlined("east", 4326, rectangle(170., 0., 180., 10.)),
        outlined("west", 4326, rectangle(-180., 0., -170., 10.)),
    ];
    grid::create(&mut conn, &summary("g"), &cells)
        .await
        .unwrap();
    for (area, id, expected) in [
        (rectangle(175., 2., 180., 4.), "east", 10.0),
        (rectangle(-180., 2., -172., 4.), "west", 16.0),
    ] {
        let parts = cells_on(&mut conn, "g", &area).await.unwrap();
        assert_eq!(parts.len(), 1, "{parts:?}");
        assert_eq!(parts[0].id, id);
        let found = surface(&parts[0].area);
        assert!((found - expected).abs() < 1e-6, "{id}: {found}");
    }
}

#[tokio::test]
async fn a_cell_around_a_pole_is_found_wherever_the_area_lies_in_it() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let corners = [
        (-135., 70.),
        (-45., 72.),
        (45., 72.),
        (135., 70.),
        (-135., 70.),
    ];
    let ring = Ring(corners.map(|(x, y)| Point::new(x, y)).to_vec());
    let outline = MultiPolygon(vec![Polygon(vec![ring])]);
    grid::create(&mut conn, &summary("g"), &[outlined("pole", 3413, outline)])
        .await
        .unwrap();
    let area = rectangle(10., 85., 30., 89.);
    let parts = cells_on(&mut conn, "g", &area).await.unwrap();
    assert_eq!(parts.len(), 1);
    assert!((surface(&parts[0].area) - 80.0).abs() < 0.1);
    let outside = rectangle(10., 60., 30., 65.);
    assert_eq!(cells_on(&mut conn, "g", &outside).await.unwrap(), []);
}
