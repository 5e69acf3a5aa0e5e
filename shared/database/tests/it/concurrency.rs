use crate::{
    database,
    fixtures::{dataset_at, day, geometry, one_aoi, one_instance, one_record, uri},
};
use database::dataset::NewFile;
use database::{Error, aoi, container, dataset, in_rolled_back, in_transaction, record};
use domain::{Container, RecordId, StorageClass};
use futures::future::join_all;
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};
use tokio::sync::Barrier;

#[tokio::test]
async fn of_twelve_equal_footprints_one_is_stored_and_named_to_the_others() {
    let test = database!();
    let create = |_| {
        let db = test.db.clone();
        async move {
            in_transaction(&db, |tx| {
                Box::pin(async move { aoi::create(tx, &geometry(3.0, 4.0, 1.0)).await })
            })
            .await
        }
    };
    let results = join_all((0..12).map(create)).await;
    let stored: Vec<_> = results
        .iter()
        .filter_map(|result| result.as_ref().ok())
        .collect();
    assert_eq!(stored.len(), 1);
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        assert_eq!(error.to_string(), format!("AOI with id: {}", stored[0]));
    }
}

#[tokio::test]
async fn those_who_index_the_same_file_see_each_other() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let aoi = one_aoi(&mut conn).await;
    let (_, instance) = one_instance(&mut conn, "v").await;
    let record = one_record(&mut conn, "r", day(1), aoi).await;
    drop(conn);
    let index = |_| {
        let db = test.db.clone();
        async move {
            in_transaction::<_, Error, _>(&db, |tx| {
                Box::pin(async move {
                    let file = uri("/a.tif");
                    let container =
                        container::lock_or_create(tx, &file, false, StorageClass::Standard).await?;
                    if container.datasets.is_empty() {
                        dataset::insert(tx, &[dataset_at("/a.tif", record, instance, 0.0, 0.0)])
                            .await?;
                    }
                    Ok(container.datasets.len())
                })
            })
            .await
            .unwrap()
        }
    };
    let mut seen = join_all((0..12).map(index)).await;
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    let mut conn = test.db.read().await.unwrap();
    assert_eq!(
        container::get(&mut conn, &[uri("/a.tif")], u32::MAX)
            .await
            .unwrap()[0]
            .datasets
            .len(),
        1
    );
}

#[tokio::test]
async fn of_twelve_new_containers_of_the_same_file_one_is_stored() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let aoi = one_aoi(&mut conn).await;
    let (_, instance) = one_instance(&mut conn, "v").await;
    let record = one_record(&mut conn, "r", day(1), aoi).await;
    drop(conn);
    let container = Container {
        uri: uri("/a.tif"),
        managed: true,
        storage_class: StorageClass::Archive,
        datasets: Vec::new(),
    };
    let store = |_| {
        let (db, container) = (test.db.clone(), container.clone());
        async move {
            let mut conn = db.write().await.unwrap();
            let datasets = [
                dataset_at("/a.tif", record, instance, 0.0, 0.0),
                dataset_at("/a.tif", record, instance, 5.0, 0.0),
            ];
            let file = NewFile {
                container,
                given: uri("file:///a.tif"),
                datasets: datasets.to_vec(),
            };
            let stored = dataset::insert_with_container(&mut conn, file).await;
            stored.unwrap().then_some(datasets)
        }
    };
    let stored: Vec<_> = join_all((0..12).map(store))
        .await
        .into_iter()
        .flatten()
        .collect();
    let [stored] = &stored[..] else {
        panic!("{} of them were stored", stored.len())
    };
    let mut conn = test.db.read().await.unwrap();
    let found = container::get(&mut conn, &[uri("/a.tif")], u32::MAX)
        .await
        .unwrap();
    let expected = Container {
        datasets: stored.iter().map(|new| new.dataset.clone()).collect(),
        ..container.clone()
    };
    assert_eq!(found, [expected]);
    // nothing of a refused one stays
    let other = Container {
        uri: uri("/b.tif"),
        ..container
    };
    let stranger = dataset_at("/b.tif", RecordId::new(), instance, 0.0, 0.0);
    let mut conn = test.db.write().await.unwrap();
    let given = other.uri.clone();
    let file = NewFile {
        container: other,
        given,
        datasets: vec![stranger],
    };
    let refused = dataset::insert_with_container(&mut conn, file).await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .starts_with("Dataset with record_id: ")
    );
    assert!(
        container::get(&mut conn, &[uri("/b.tif")], u32::MAX)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn of_files_stored_together_the_new_ones_get_their_datasets() {
    let test = database!();
    let mut conn = test.db.write().await.unwrap();
    let aoi = one_aoi(&mut conn).await;
    let (_, instance) = one_instance(&mut conn, "v").await;
    let record = one_record(&mut conn, "r", day(1), aoi).await;
    let file = |text: &str, datasets: usize| NewFile {
        container: Container {
            uri: uri(text),
            managed: text == "/c.tif",
            storage_class: StorageClass::Standard,
            datasets: Vec::new(),
        },
        given: uri(text),
        datasets: (0..datasets)
            .map(|at| dataset_at(text, record, instance, at as f64, 0.0))
            .collect(),
    };
    let files = [file("/c.tif", 2), file("/a.tif", 0), file("/b.tif", 1)];
    let known = file("file:///b.tif", 0);
    dataset::insert_with_container(&mut conn, known)
        .await
        .unwrap();
    let stored = dataset::insert_with_containers(&mut conn, files.to_vec()).await;
    assert_eq!(stored.unwrap(), [true, true, false]);
    let uris = ["/c.tif", "/a.tif", "/b.tif"].map(uri);
    let found = container::get(&mut conn, &uris, u32::MAX).await.unwrap();
    let expected: Vec<_> = files[0]
        .datasets
        .iter()
        .map(|new| new.dataset.clone())
        .collect();
    assert_eq!(found[0].datasets, expected);
    assert_eq!(
        found.iter().map(|one| one.managed).collect::<Vec<_>>(),
        [true, false, false]
    );
    assert_eq!((found[1].datasets.len(), found[2].datasets.len()), (0, 0));
    // what one is refused for is the end of all
    let mut stranger = file("/e.tif", 1);
    stranger.datasets[0].dataset.record_id = RecordId::new();
    let refused = [file("/d.tif", 1), stranger].to_vec();
    let refused = dataset::insert_with_containers(&mut conn, refused).await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .starts_with("Dataset with record_id: ")
    );
    assert!(
        container::get(&mut conn, &[uri("/d.tif")], u32::MAX)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_file_that_is_stored_under_another_spelling_is_not_a_new_container() {
    let test = database!();
    let mut conn = test.db.write().await.unwrap();
    let container = |text: &str| Container {
        uri: uri(text),
        managed: false,
        storage_class: StorageClass::Standard,
        datasets: Vec::new(),
    };
    for (stored, given) in [
        ("/f//a.tif", "/f//a.tif"),
        ("file:///f/b.tif", "/f/b.tif"),
        ("file:///f/c.tif", "file:///f/c.tif"),
        ("/f/d.tif", "file:///f/d.tif"),
    ] {
        let canonical = uri(given).canonical();
        let (stored, new) = (container(stored), container(canonical.as_str()));
        for (expected, container) in [(true, &stored), (false, &new)] {
            let file = NewFile {
                container: container.clone(),
                given: if expected {
                    stored.uri.clone()
                } else {
                    uri(given)
                },
                datasets: Vec::new(),
            };
            let created = dataset::insert_with_container(&mut conn, file.clone()).await;
            assert_eq!(created.unwrap(), expected, "{file:?}");
        }
    }
}

#[tokio::test]
async fn overlapping_edits_of_tags_do_not_block_each_other() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let aoi = one_aoi(&mut conn).await;
    let mut ids = Vec::new();
    for number in 0..50 {
        ids.push(one_record(&mut conn, &format!("r{number}"), day(1), aoi).await);
    }
    drop(conn);
    let edit = |number: usize| {
        let (db, mut ids) = (test.db.clone(), ids.clone());
        if number % 2 == 1 {
            ids.reverse();
        }
        async move {
            let tags = crate::fixtures::tags(&[(&number.to_string(), "x")]);
            record::add_tags(&mut db.read().await.unwrap(), &ids, &tags)
                .await
                .unwrap()
        }
    };
    assert_eq!(join_all((0..8).map(edit)).await, [50; 8]);
    let mut conn = test.db.read().await.unwrap();
    let records = record::get(&mut conn, &ids).await.unwrap();
    assert!(records.iter().all(|record| record.tags.as_map().len() == 8));
}

#[tokio::test]
async fn a_transaction_that_loses_is_run_again() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let aoi = one_aoi(&mut conn).await;
    let ids = [
        one_record(&mut conn, "a", day(1), aoi).await,
        one_record(&mut conn, "b", day(1), aoi).await,
    ];
    drop(conn);
    let (runs, barrier) = (AtomicU32::new(0), Arc::new(Barrier::new(2)));
    // each takes one row, then asks for the row of the other
    let edit = async |first: usize| {
        let mut met = false;
        in_transaction::<_, Error, _>(&test.db, |tx| {
            runs.fetch_add(1, Ordering::Relaxed);
            let wait = (!std::mem::replace(&mut met, true)).then(|| barrier.clone());
            Box::pin(async move {
                let tags = crate::fixtures::tags(&[(&first.to_string(), "x")]);
                record::add_tags(tx, &ids[first..=first], &tags).await?;
                if let Some(barrier) = wait {
                    barrier.wait().await;
                }
                record::add_tags(tx, &ids[1 - first..=1 - first], &tags).await
            })
        })
        .await
    };
    let (one, other) = futures::join!(edit(0), edit(1));
    assert_eq!((one.unwrap(), other.unwrap()), (1, 1));
    assert_eq!(runs.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn what_is_rolled_back_is_tried_again_too_and_changes_nothing() {
    let test = database!();
    let mut runs = 0;
    let count = in_rolled_back(&test.db, |tx| {
        runs += 1;
        let fails = runs == 1;
        Box::pin(async move {
            aoi::create(tx, &geometry(0.0, 0.0, 1.0)).await?;
            if fails {
                return Err(Error::LostRace("a row"));
            }
            Ok(7)
        })
    });
    assert_eq!(count.await.unwrap(), 7);
    assert_eq!(runs, 2);
    let mut conn = test.db.read().await.unwrap();
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM geocube.aoi")
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    assert_eq!(stored, 0);
}
