//! Areas that cross or overlap themselves, asked for and stored.

use crate::{
    database,
    fixtures::{dataset_at, day, one_instance, one_record, square, store, uri},
};
use database::{
    PgConnection, Piecewise, aoi, container, container_layout, layout,
    record::{Listing, Query},
};
use domain::{
    AoiGeometry, InstanceId, Layout, MultiPolygon, Point, Polygon, RecordFilters, RecordSelection,
    Ring,
};

fn rings(rings: &[&[(f64, f64)]]) -> MultiPolygon {
    let ring = |points: &&[(f64, f64)]| {
        let points = points.iter().map(|(x, y)| Point::new(*x, *y)).collect();
        Polygon(vec![Ring(points)])
    };
    MultiPolygon(rings.iter().map(ring).collect())
}

/// Two squares that share a corner region: (0,0) to (2,2) and (1,1) to (3,3).
fn overlapping() -> MultiPolygon {
    MultiPolygon([square(0.0, 0.0, 2.0).0, square(1.0, 1.0, 2.0).0].concat())
}

/// Two triangles that meet at (1.5, 1.5), the western and the eastern quarter of a square of 3 degrees.
fn bow_tie() -> MultiPolygon {
    rings(&[&[(0.0, 0.0), (3.0, 3.0), (3.0, 0.0), (0.0, 3.0), (0.0, 0.0)]])
}

/// A square whose edge is run through twice, forth and back.
fn spike() -> MultiPolygon {
    rings(&[&[
        (0.0, 0.0),
        (0.0, 2.0),
        (2.0, 2.0),
        (2.0, 0.0),
        (4.0, 0.0),
        (0.0, 0.0),
    ]])
}

/// A record with a dataset, whose file follows the layout, for each of the footprints.
async fn stored(conn: &mut PgConnection, footprints: &[(&str, MultiPolygon)]) -> InstanceId {
    let (_, instance) = one_instance(conn, "v").await;
    let followed = Layout {
        name: "followed".to_owned(),
        grid_flags: Vec::new(),
        grid_parameters: crate::fixtures::map(&[("grid", "regular")]),
        block_x_size: 256,
        block_y_size: 256,
        max_records: 1,
        overviews_min_size: -1,
        interlacing_pattern: String::new(),
    };
    layout::create(conn, &followed).await.unwrap();
    for (number, (name, area)) in footprints.iter().enumerate() {
        let geometry = AoiGeometry::try_new(area.clone(), 100).unwrap();
        let footprint = aoi::create(conn, &geometry).await.unwrap();
        let record = one_record(conn, name, day(number as i64 + 1), footprint).await;
        let file = format!("/{name}");
        store(conn, &[dataset_at(&file, record, instance, 0.0, 0.0)]).await;
        container::set_layout(conn, &[uri(&file)], "followed")
            .await
            .unwrap();
    }
    instance
}

#[tokio::test]
async fn areas_that_cross_or_overlap_themselves_are_found_and_find() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let instance = stored(
        &mut conn,
        &[
            ("bow-tie", bow_tie()),
            ("far", square(50.0, 50.0, 1.0)),
            ("overlapping", overlapping()),
            ("spike", spike()),
            ("square", square(0.0, 0.0, 3.0)),
        ],
    )
    .await;
    let near = &["bow-tie", "overlapping", "spike", "square"][..];
    for (what, area, expected) in [
        ("overlapping parts", overlapping(), near),
        ("a bow tie", bow_tie(), near),
        ("a spike", spike(), near),
        // overlaps the overlap of the parts, and crosses the bow tie
        ("a valid area across all", square(1.25, 1.25, 0.5), near),
        (
            "a valid area within the overlap, beside the bow tie",
            square(1.4, 1.7, 0.1),
            &["overlapping", "spike", "square"],
        ),
        (
            "the corner of the second part",
            square(3.0, 3.0, 1.0),
            &["bow-tie", "overlapping", "square"],
        ),
        ("apart", square(5.0, 5.0, 1.0), &[]),
    ] {
        let query = Query {
            aoi: Some(area.clone()),
            ..Query::default()
        };
        let found = Listing::new(query).next(&mut conn).await.unwrap();
        let names: Vec<&str> = found.iter().map(|record| record.name.as_str()).collect();
        assert_eq!(names, expected, "{what}");
        let query = container_layout::Query {
            instance,
            records: RecordSelection::Filters(RecordFilters::default()),
            aoi: Some(area),
            active_only: false,
        };
        let followed = container_layout::Listing::new(query, 100)
            .next(&mut conn)
            .await
            .unwrap();
        let files: Vec<&str> = followed
            .iter()
            .flat_map(|layout| &layout.uris)
            .map(|uri| uri.as_str().trim_start_matches('/'))
            .collect();
        assert_eq!(files, expected, "files: {what}");
    }
}

#[tokio::test]
async fn an_area_is_found_at_its_edge_and_inside_but_not_in_its_holes() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let holed = MultiPolygon(vec![Polygon(
        [square(0.0, 0.0, 9.0), square(3.0, 3.0, 3.0)]
            .into_iter()
            .flat_map(|area| area.0.into_iter().flat_map(|polygon| polygon.0))
            .collect(),
    )]);
    stored(&mut conn, &[("holed", holed)]).await;
    for (area, found) in [
        (square(1.0, 1.0, 0.5), true),
        (square(4.0, 4.0, 1.0), false),
        (square(3.0, 4.0, 1.0), true),
        (square(9.0, 9.0, 1.0), true),
        (square(9.0001, 9.0, 1.0), false),
        (square(-10.0, -10.0, 30.0), true),
    ] {
        let query = Query {
            aoi: Some(area.clone()),
            ..Query::default()
        };
        let names = Listing::new(query).next(&mut conn).await.unwrap();
        assert_eq!(names.len() == 1, found, "{area:?}");
    }
}
