use crate::{
    database,
    fixtures::{refusal, square},
};
use database::{
    grid,
    grid::{GridSummary, StoredCell},
};
use domain::{Error, Pattern, Point, Polygon, Ring};

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
        crs: format!("epsg:{srid}"),
        srid,
        outline,
    }
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
        grid::list(&mut conn, None).await.unwrap(),
        [summary("g1"), summary("g2")]
    );
    let only = grid::list(&mut conn, Pattern::parse("?2").as_ref())
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
    let parts = grid::cells_on(&mut conn, "g", &square(3.5, 45.2, 1.0))
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
        grid::cells_on(&mut conn, "g", &square(30.0, 10.0, 1.0))
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
            crs: format!("epsg:{srid}"),
            srid,
            outline: Polygon(vec![Ring(outline)]),
        }
    };
    let cells = [zone("west", 6., 32632), zone("east", 12., 32633)];
    grid::create(&mut conn, &summary("utm"), &cells)
        .await
        .unwrap();
    let area = square(11.95, 52.0, 0.1);
    let parts = grid::cells_on(&mut conn, "utm", &area).await.unwrap();
    assert_eq!(parts.len(), 2);
    let bounds = |index: usize| parts[index].area.bounds().unwrap();
    let (east, west) = (bounds(0).0.x, bounds(1).1.x);
    // a millionth of a degree is a tenth of a metre
    assert!(east - west < 1e-6, "from {west} to {east}");
}
