use crate::{
    database,
    fixtures::{
        at_most, dataset_at, day, map, new_record, one_aoi, one_instance, refusal, square, store,
    },
};
use database::{
    PgConnection, dataset,
    dataset::{NewDataset, RecordDatasets},
    record,
};
use domain::{
    DatasetId, DatasetStatus, Error, InstanceId, MultiPolygon, Pattern, RecordFilters, RecordId,
    RecordSelection, TagFilters, TimeRange,
};

struct Scene {
    instance: InstanceId,
    /// r1 (day 1, tag a=1), r2 (day 2, tag a=2), r3 (day 3, no tag)
    records: Vec<RecordId>,
    datasets: Vec<NewDataset>,
}

/// Three records with two datasets each, at (0, 0) and (10, 10), the later ones created first.
async fn scene(conn: &mut PgConnection) -> Scene {
    let aoi = one_aoi(conn).await;
    let (_, instance) = one_instance(conn, "v").await;
    let given = [
        new_record("r1", day(1), &[("a", "1")], aoi),
        new_record("r2", day(2), &[("a", "2")], aoi),
        new_record("r3", day(3), &[], aoi),
    ];
    let records = record::create(conn, &given).await.unwrap();
    let mut datasets = Vec::new();
    for record in records.iter().rev() {
        for side in [0.0, 10.0] {
            datasets.push(dataset_at(
                &format!("/{side}.tif"),
                *record,
                instance,
                side,
                side,
            ));
        }
    }
    store(conn, &datasets).await;
    Scene {
        instance,
        records,
        datasets,
    }
}

fn all() -> RecordSelection {
    RecordSelection::Filters(RecordFilters::default())
}

fn filters(tag: Option<&str>, from: Option<i64>) -> RecordSelection {
    let tags = tag.map(|value| map(&[("a", value)])).unwrap_or_default();
    RecordSelection::Filters(RecordFilters {
        tags: TagFilters::parse(tags).unwrap(),
        time: TimeRange {
            from: from.map(day),
            to: None,
        },
    })
}

fn ids(found: &[RecordDatasets]) -> Vec<Vec<DatasetId>> {
    found
        .iter()
        .map(|group| group.datasets.iter().map(|dataset| dataset.id).collect())
        .collect()
}

async fn cube(
    conn: &mut PgConnection,
    scene: &Scene,
    records: &RecordSelection,
    area: &MultiPolygon,
) -> Vec<Vec<DatasetId>> {
    ids(
        &dataset::find_for_cube(conn, &[scene.instance], records, area, at_most(100))
            .await
            .unwrap(),
    )
}

#[tokio::test]
async fn a_dataset_comes_back_with_its_record() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let scene = scene(&mut conn).await;
    let area = square(0.5, 0.5, 0.1);
    let found = dataset::find_for_cube(&mut conn, &[scene.instance], &all(), &area, at_most(100))
        .await
        .unwrap();
    assert_eq!(found.len(), 3);
    let [r3, _, _, _, r1, _] = &scene.datasets[..] else {
        panic!()
    };
    assert_eq!(
        (found[0].record.name.as_str(), found[0].record.time),
        ("r1", day(1))
    );
    assert_eq!(found[0].record.tags.as_map(), &map(&[("a", "1")]));
    assert_eq!(
        (found[0].datasets[0].id, &found[0].datasets[0].source),
        (r1.dataset.id, &r1.dataset.source)
    );
    assert!(found[0].datasets[0].overviews);
    assert_eq!(found[2].datasets[0].id, r3.dataset.id);
}

#[tokio::test]
async fn selection_place_and_instance_go_together() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let scene = scene(&mut conn).await;
    let id = |index: usize| scene.datasets[index].dataset.id;
    let [r1, r2, r3] = scene.records[..] else {
        panic!()
    };
    let (near, far, nowhere) = (
        square(0.2, 0.2, 0.1),
        square(10.2, 10.2, 0.1),
        square(40.0, 40.0, 1.0),
    );
    for (selection, area, expected) in [
        (all(), &near, vec![vec![id(4)], vec![id(2)], vec![id(0)]]),
        (
            all(),
            &square(0.5, 0.5, 10.0),
            vec![vec![id(4), id(5)], vec![id(2), id(3)], vec![id(0), id(1)]],
        ),
        (all(), &nowhere, vec![]),
        (all(), &MultiPolygon::default(), vec![]),
        (filters(Some("2"), None), &far, vec![vec![id(3)]]),
        (filters(None, Some(2)), &far, vec![vec![id(3)], vec![id(1)]]),
        (filters(Some("1"), Some(2)), &far, vec![]),
        (
            RecordSelection::Ids(vec![r3, r1]),
            &near,
            vec![vec![id(4)], vec![id(0)]],
        ),
        (RecordSelection::Ids(vec![r2]), &nowhere, vec![]),
        (RecordSelection::Ids(vec![]), &near, vec![]),
    ] {
        assert_eq!(
            cube(&mut conn, &scene, &selection, area).await,
            expected,
            "{selection:?}"
        );
    }
    let none = dataset::find_for_cube(&mut conn, &[InstanceId::new()], &all(), &near, at_most(100))
        .await
        .unwrap();
    assert_eq!(none, []);
}

#[tokio::test]
async fn hidden_datasets_are_not_found() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let scene = scene(&mut conn).await;
    let mut hidden = dataset_at("/0.tif", scene.records[0], scene.instance, 0.0, 0.0);
    for status in [DatasetStatus::Inactive, DatasetStatus::ToDelete] {
        hidden.dataset.id = DatasetId::new();
        hidden.dataset.status = status;
        dataset::insert(&mut conn, std::slice::from_ref(&hidden))
            .await
            .unwrap();
    }
    let expected: Vec<_> = [4, 2, 0]
        .map(|index: usize| vec![scene.datasets[index].dataset.id])
        .into();
    assert_eq!(
        cube(&mut conn, &scene, &all(), &square(0.2, 0.2, 0.1)).await,
        expected
    );
}

#[tokio::test]
async fn within_a_record_the_order_is_that_of_creation() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let scene = scene(&mut conn).await;
    let more: Vec<_> = (0..20)
        .map(|index| {
            dataset_at(
                &format!("/more{index}.tif"),
                scene.records[0],
                scene.instance,
                0.0,
                0.0,
            )
        })
        .collect();
    store(&mut conn, &more).await;
    let mut expected = vec![scene.datasets[4].dataset.id];
    expected.extend(more.iter().map(|new| new.dataset.id));
    let selection = RecordSelection::Ids(vec![scene.records[0]]);
    assert_eq!(
        cube(&mut conn, &scene, &selection, &square(0.2, 0.2, 0.1)).await,
        [expected.clone()]
    );
    expected.insert(1, scene.datasets[5].dataset.id);
    let listed = dataset::list(&mut conn, scene.instance, &selection, at_most(100))
        .await
        .unwrap();
    assert_eq!(ids(&listed), [expected]);
}

#[tokio::test]
async fn searches_are_bounded() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let scene = scene(&mut conn).await;
    assert_eq!(
        dataset::list(&mut conn, scene.instance, &all(), at_most(6))
            .await
            .unwrap()
            .len(),
        3
    );
    let error = refusal(dataset::list(&mut conn, scene.instance, &all(), at_most(5)).await);
    assert!(
        matches!(&error, Error::LimitExceeded(text) if text.contains("more than 5 datasets (some flag)")),
        "{error:?}"
    );
    let few_bytes = |bytes| dataset::Bound {
        bytes,
        ..at_most(6)
    };
    let listed = dataset::list(&mut conn, scene.instance, &all(), few_bytes(10_000)).await;
    assert_eq!(listed.unwrap().len(), 3);
    let error = refusal(dataset::list(&mut conn, scene.instance, &all(), few_bytes(500)).await);
    assert!(
        matches!(&error, Error::LimitExceeded(text) if text.contains("more than 500 bytes of datasets")),
        "{error:?}"
    );
    let files: Vec<_> = scene
        .datasets
        .iter()
        .map(|new| new.dataset.source.uri.clone())
        .collect();
    let stored = dataset::of_containers(&mut conn, &files, 100, 10_000).await;
    assert_eq!(stored.unwrap().len(), scene.datasets.len());
    let error = refusal(dataset::of_containers(&mut conn, &files, 100, 500).await);
    assert!(
        matches!(&error, Error::LimitExceeded(text) if text.contains("more than 500 bytes of datasets")),
        "{error:?}"
    );
}

#[tokio::test]
async fn areas_across_the_antimeridian_are_found_on_both_sides() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let scene = scene(&mut conn).await;
    let (east, west) = (square(179.0, 0.0, 1.0), square(-180.0, 0.0, 1.0));
    let mut new = dataset_at(
        "/antimeridian.tif",
        scene.records[0],
        scene.instance,
        0.0,
        0.0,
    );
    new.geog = MultiPolygon([east.0.clone(), west.0.clone()].concat());
    new.geom = new.geog.clone();
    store(&mut conn, std::slice::from_ref(&new)).await;
    for area in [east, west] {
        assert_eq!(
            cube(&mut conn, &scene, &all(), &area).await,
            [[new.dataset.id]]
        );
    }
}

#[tokio::test]
async fn deletions_select_by_record_instance_and_file() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let scene = scene(&mut conn).await;
    let id = |index: usize| scene.datasets[index].dataset.id;
    let (record, instance) = (scene.records[0], scene.instance);
    let patterns = |texts: &[&str]| -> Vec<Pattern> {
        texts
            .iter()
            .filter_map(|text| Pattern::parse(text))
            .collect()
    };
    for (records, instances, texts, expected) in [
        (&[][..], &[][..], &[][..], vec![]),
        (&[record], &[], &[], vec![id(4), id(5)]),
        (&[], &[instance], &["/10.tif"], vec![id(1), id(3), id(5)]),
        (
            &[record],
            &[instance],
            &["/1*", "/0.TIF(?i)"],
            vec![id(4), id(5)],
        ),
        (&[record], &[], &["/0.t?f"], vec![id(4)]),
        (&[], &[InstanceId::new()], &[], vec![]),
        (&[], &[], &["/?.t"], vec![]),
    ] {
        let found = dataset::select_for_deletion(&mut conn, records, instances, &patterns(texts))
            .await
            .unwrap();
        assert_eq!(found, expected, "{texts:?}");
    }
}
