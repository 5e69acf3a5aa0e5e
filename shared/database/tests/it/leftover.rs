use crate::{
    database,
    fixtures::{
        dataset_at, day, geometry, one_aoi, one_instance, one_record, refusal, square, uri,
    },
};
use database::{Error, aoi, container, dataset, in_transaction, job, leftover, record};
use domain::job::{ExecutionLevel, Job, JobState};
use domain::{InstanceId, Leftover, StorageClass};
use std::time::Duration;

#[tokio::test]
async fn what_a_transaction_under_way_refers_to_is_passed_over() {
    let test = database!();
    let mut ingestion = test.db.begin().await.unwrap();
    let mut tidying = test.db.begin().await.unwrap();
    let mut conn = test.db.read().await.unwrap();
    let used = one_aoi(&mut conn).await;
    let free = geometry(5.0, 5.0, 1.0);
    aoi::create(&mut conn, &free).await.unwrap();
    one_record(&mut ingestion, "r", day(1), used).await;
    // at once, although the other transaction is not over
    let deleted = leftover::delete(&mut tidying, Leftover::Aoi, Duration::ZERO);
    let deleted = tokio::time::timeout(Duration::from_secs(5), deleted).await;
    assert_eq!(deleted.unwrap().unwrap(), 1);
    tidying.commit().await.unwrap();
    ingestion.commit().await.unwrap();
    assert_eq!(
        aoi::get(&mut conn, used).await.unwrap(),
        square(0.0, 0.0, 1.0)
    );
}

#[tokio::test]
async fn a_reference_to_what_is_being_removed_waits_and_learns_that_it_is_gone() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let aoi = one_aoi(&mut conn).await;
    let (_, instance) = one_instance(&mut conn, "v").await;
    let record = one_record(&mut conn, "r", day(1), aoi).await;
    let mut tidying = test.db.begin().await.unwrap();
    for (kind, count) in [
        (Leftover::Record, 1),
        (Leftover::Aoi, 1),
        (Leftover::Instance, 1),
    ] {
        let deleted = leftover::delete(&mut tidying, kind, Duration::ZERO).await;
        assert_eq!(deleted.unwrap(), count);
    }
    let db = test.db.clone();
    let indexing = tokio::spawn(async move {
        in_transaction::<_, Error, _>(&db, |tx| {
            Box::pin(async move {
                let file = uri("/a.tif");
                container::lock_or_create(tx, &file, false, StorageClass::Standard).await?;
                let new = dataset_at("/a.tif", record, instance, 0.0, 0.0);
                dataset::insert(tx, &[new]).await
            })
        })
        .await
    });
    let new = crate::fixtures::new_record("late", day(1), &[], aoi);
    let db = test.db.clone();
    let creation = tokio::spawn(async move {
        let mut conn = db.read().await?;
        record::create(&mut conn, &[new]).await
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!indexing.is_finished() && !creation.is_finished());
    tidying.commit().await.unwrap();
    let text = refusal(indexing.await.unwrap()).to_string();
    assert!(text.starts_with("Dataset with "), "{text}");
    let text = refusal(creation.await.unwrap()).to_string();
    assert_eq!(text, format!("AOI with id: {aoi}"));
}

#[tokio::test]
async fn a_file_that_is_tidied_away_meanwhile_is_known_again() {
    let test = database!();
    let file = uri("/a.tif");
    let mut conn = test.db.read().await.unwrap();
    container::lock_or_create(&mut conn, &file, false, StorageClass::Standard)
        .await
        .unwrap();
    let mut tidying = test.db.begin().await.unwrap();
    let deleted = leftover::delete(&mut tidying, Leftover::Container, Duration::ZERO).await;
    assert_eq!(deleted.unwrap(), 1);
    let db = test.db.clone();
    let indexing = tokio::spawn(async move {
        let mut tx = db.begin().await?;
        let file = uri("/a.tif");
        let found = container::lock_or_create(&mut tx, &file, false, StorageClass::Standard).await;
        tx.commit().await?;
        found
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!indexing.is_finished());
    tidying.commit().await.unwrap();
    assert_eq!(indexing.await.unwrap().unwrap().uri, file);
    assert_eq!(
        container::get(&mut conn, &[file], u32::MAX)
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn the_record_that_a_job_under_way_merges_into_stays() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let aoi = one_aoi(&mut conn).await;
    let target = one_record(&mut conn, "target", day(1), aoi).await;
    let mut job = Job::consolidation(
        "j".to_owned(),
        "layout".to_owned(),
        InstanceId::new(),
        Some(target),
        ExecutionLevel::Asynchronous,
        day(1),
    )
    .unwrap();
    for (state, count) in [(JobState::Created, 0), (JobState::Failed, 1)] {
        job = Job {
            id: domain::JobId::new(),
            name: state.to_string(),
            state,
            ..job
        };
        let mut tx = test.db.begin().await.unwrap();
        job::insert(&mut tx, &job).await.unwrap();
        let deleted = leftover::delete(&mut tx, Leftover::Record, Duration::ZERO).await;
        assert_eq!(deleted.unwrap(), count, "{state}");
        tx.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn more_leftovers_than_are_looked_at_together_are_all_removed() {
    let test = database!();
    let mut tx = test.db.begin().await.unwrap();
    let used = one_aoi(&mut tx).await;
    one_record(&mut tx, "r", day(1), used).await;
    for sql in [
        "INSERT INTO geocube.aoi (id, hash, geom)
         SELECT gen_random_uuid(), n::text, geom FROM generate_series(1, 20500) n, (SELECT geom FROM geocube.aoi LIMIT 1) a",
        "INSERT INTO geocube.containers (uri, managed)
         SELECT '/' || n || '.tif', n = 7 FROM generate_series(1, 10000) n",
    ] {
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
    }
    for (kind, count) in [(Leftover::Aoi, 20_500), (Leftover::Container, 9999)] {
        for count in [count, 0] {
            let deleted = leftover::delete(&mut tx, kind, Duration::ZERO).await;
            assert_eq!(deleted.unwrap(), count, "{kind:?}");
        }
    }
}
