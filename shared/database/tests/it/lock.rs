use crate::{
    database,
    fixtures::{dataset_at, day, one_aoi, one_instance, one_record, refusal, square, store},
    job::stored,
};
use database::{PgConnection, dataset, dataset::NewDataset, lock, lock::LockFlag};
use domain::{
    DatasetId, DatasetStatus, Entity, Error, InstanceId, MultiPolygon, RecordFilters,
    RecordSelection,
};

async fn scene(conn: &mut PgConnection) -> (InstanceId, Vec<NewDataset>) {
    let aoi = one_aoi(conn).await;
    let (_, instance) = one_instance(conn, "v").await;
    let mut datasets = Vec::new();
    for number in 1..=3 {
        let record = one_record(conn, &format!("r{number}"), day(4 - number), aoi).await;
        datasets.push(dataset_at(
            &format!("/{number}.tif"),
            record,
            instance,
            number as f64,
            0.0,
        ));
    }
    store(conn, &datasets).await;
    (instance, datasets)
}

fn ids(datasets: &[NewDataset]) -> Vec<DatasetId> {
    datasets.iter().map(|new| new.dataset.id).collect()
}

#[tokio::test]
async fn a_dataset_is_held_by_one_job_at_most() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let (instance, datasets) = scene(&mut conn).await;
    let (first, second) = (
        stored(&mut conn, "first").await.id,
        stored(&mut conn, "second").await.id,
    );
    let all = RecordSelection::Filters(RecordFilters::default());
    let selected = dataset::select_ids(&mut conn, instance, &all)
        .await
        .unwrap();
    assert_eq!(selected, ids(&datasets));
    let twice = [selected[0], selected[1], selected[0]];
    lock::lock(&mut conn, first, &twice, LockFlag::Initial)
        .await
        .unwrap();
    let error = refusal(lock::lock(&mut conn, second, &selected[1..], LockFlag::Initial).await);
    assert_eq!(
        error.to_string(),
        format!("Dataset is already locked: {}", selected[1])
    );
    assert!(matches!(
        error,
        Error::AlreadyExists {
            entity: Entity::LockedDataset,
            ..
        }
    ));
    assert_eq!(dataset::count_of_job(&mut conn, second).await.unwrap(), 0);
    let unknown = DatasetId::new();
    let error = refusal(lock::lock(&mut conn, second, &[unknown], LockFlag::Initial).await);
    assert_eq!(error.to_string(), format!("Dataset with id: {unknown}"));
    // to another flag, within the job
    assert_eq!(
        lock::release(&mut conn, first, Some(LockFlag::Initial))
            .await
            .unwrap(),
        2
    );
    lock::lock(&mut conn, first, &selected[..1], LockFlag::ToDelete)
        .await
        .unwrap();
    assert_eq!(
        lock::of_job(&mut conn, first, LockFlag::ToDelete)
            .await
            .unwrap(),
        selected[..1]
    );
    // to another job
    assert_eq!(
        lock::hand_over(&mut conn, first, second, LockFlag::ToDelete)
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        dataset::ids_of_job(&mut conn, second, DatasetStatus::Active)
            .await
            .unwrap(),
        selected[..1]
    );
    assert_eq!(lock::release(&mut conn, second, None).await.unwrap(), 1);
    assert_eq!(lock::release(&mut conn, second, None).await.unwrap(), 0);
}

#[tokio::test]
async fn datasets_of_a_job_on_a_cell_share_more_than_an_edge_with_it() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let (_, datasets) = scene(&mut conn).await;
    let job = stored(&mut conn, "j").await.id;
    lock::lock(&mut conn, job, &ids(&datasets[..2]), LockFlag::Initial)
        .await
        .unwrap();
    // the cell covers the first one, touches the second, and the third is not held
    let cell = square(1.0, 0.0, 1.0);
    let found = dataset::on_cell(&mut conn, job, &cell, &cell, 4326)
        .await
        .unwrap();
    assert_eq!(
        found.iter().map(|timed| &timed.dataset).collect::<Vec<_>>(),
        [&datasets[0].dataset]
    );
    assert_eq!(found[0].time, day(3));
    // without a common reference system, touching is enough; the order is that of the records
    let found = dataset::on_cell(&mut conn, job, &cell, &cell, 32631)
        .await
        .unwrap();
    let found: Vec<_> = found.into_iter().map(|timed| timed.dataset.id).collect();
    assert_eq!(found, [datasets[1].dataset.id, datasets[0].dataset.id]);
    let files: Vec<_> = datasets
        .iter()
        .map(|new| new.dataset.source.uri.clone())
        .collect();
    let timed = dataset::timed_of_containers(&mut conn, &files)
        .await
        .unwrap();
    assert_eq!(
        timed.iter().map(|timed| timed.time).collect::<Vec<_>>(),
        [day(1), day(2), day(3)]
    );
}

#[tokio::test]
async fn the_area_of_a_job_is_the_union_of_its_datasets() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let (_, datasets) = scene(&mut conn).await;
    let job = stored(&mut conn, "j").await.id;
    assert_eq!(
        dataset::union_of_job(&mut conn, job).await.unwrap(),
        MultiPolygon::default()
    );
    lock::lock(&mut conn, job, &ids(&datasets), LockFlag::Initial)
        .await
        .unwrap();
    let union = dataset::union_of_job(&mut conn, job).await.unwrap();
    assert_eq!(union.0.len(), 1);
    let (min, max) = union.bounds().unwrap();
    assert_eq!((min.x, min.y, max.x, max.y), (1.0, 0.0, 4.0, 1.0));
}
