use crate::{
    database,
    fixtures::{dataset_at, day, one_aoi, one_instance, one_record, refusal, store, uri},
};
use database::{container, dataset, lock, lock::LockFlag};
use domain::{DatasetStatus, RecordId, StorageClass};

#[tokio::test]
async fn containers_are_found_by_their_exact_uris_in_the_order_asked_for() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let aoi = one_aoi(&mut conn).await;
    let record = one_record(&mut conn, "r", day(1), aoi).await;
    let (_, instance) = one_instance(&mut conn, "v").await;
    let given = ["/a?x.tif", "/a_x.tif", "/a?x.tif"]
        .map(|file| dataset_at(file, record, instance, 0.0, 0.0));
    store(&mut conn, &given).await;
    let (wild, plain) = (uri("/a?x.tif"), uri("/a_x.tif"));
    let found = container::get(
        &mut conn,
        &[plain.clone(), wild.clone(), plain.clone()],
        u32::MAX,
    )
    .await
    .unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].uri, plain);
    assert_eq!(found[0].datasets, [given[1].dataset.clone()]);
    assert_eq!(
        found[1].datasets,
        [given[0].dataset.clone(), given[2].dataset.clone()]
    );
    let error = refusal(container::get(&mut conn, &[plain, uri("/b.tif")], u32::MAX).await);
    assert_eq!(error.to_string(), "Container with uri: /b.tif");
    assert_eq!(container::get(&mut conn, &[], u32::MAX).await.unwrap(), []);
}

#[tokio::test]
async fn a_container_keeps_what_it_was_created_with() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let file = uri("gs://b/a.tif");
    let created = container::lock_or_create(&mut conn, &file, true, StorageClass::Archive)
        .await
        .unwrap();
    let again = container::lock_or_create(&mut conn, &file, false, StorageClass::Standard)
        .await
        .unwrap();
    assert_eq!(created, again);
    assert!(again.managed && again.storage_class == StorageClass::Archive);
}

#[tokio::test]
async fn a_dataset_of_an_unknown_record_is_refused() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let (_, instance) = one_instance(&mut conn, "v").await;
    let unknown = RecordId::new();
    let new = dataset_at("/a.tif", unknown, instance, 0.0, 0.0);
    container::lock_or_create(&mut conn, &uri("/a.tif"), false, StorageClass::Standard)
        .await
        .unwrap();
    let error = refusal(dataset::insert(&mut conn, &[new]).await);
    assert_eq!(
        error.to_string(),
        format!("Dataset with record_id: {unknown}")
    );
}

#[tokio::test]
async fn containers_go_with_their_last_dataset() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let aoi = one_aoi(&mut conn).await;
    let record = one_record(&mut conn, "r", day(1), aoi).await;
    let (_, instance) = one_instance(&mut conn, "v").await;
    let job = crate::job::stored(&mut conn, "j").await.id;
    for (file, managed) in [
        ("/managed.tif", true),
        ("/foreign.tif", false),
        ("/shared.tif", true),
    ] {
        container::lock_or_create(&mut conn, &uri(file), managed, StorageClass::Standard)
            .await
            .unwrap();
    }
    let given = ["/managed.tif", "/foreign.tif", "/shared.tif", "/shared.tif"]
        .map(|file| dataset_at(file, record, instance, 0.0, 0.0));
    store(&mut conn, &given).await;
    let ids = [0, 1, 2].map(|index: usize| given[index].dataset.id);
    lock::lock(&mut conn, job, &ids, LockFlag::ToDelete)
        .await
        .unwrap();
    let (active, doomed) = (DatasetStatus::Active, DatasetStatus::ToDelete);
    assert_eq!(
        dataset::set_status(&mut conn, job, active, doomed)
            .await
            .unwrap(),
        3
    );
    let uris = dataset::delete_of_job(&mut conn, job, doomed)
        .await
        .unwrap();
    assert_eq!(uris.len(), 3);
    assert_eq!(dataset::count_of_job(&mut conn, job).await.unwrap(), 0);
    assert_eq!(
        container::delete_empty(&mut conn, &uris).await.unwrap(),
        [uri("/managed.tif")]
    );
    let left = container::get(&mut conn, &[uri("/shared.tif")], u32::MAX)
        .await
        .unwrap();
    assert_eq!(left[0].datasets, [given[3].dataset.clone()]);
    for gone in ["/managed.tif", "/foreign.tif"] {
        assert!(
            container::get(&mut conn, &[uri(gone)], u32::MAX)
                .await
                .is_err(),
            "{gone}"
        );
    }
}

#[tokio::test]
async fn files_are_known_by_each_of_their_names() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    for file in [
        "/ing/a.tif",
        "file:///ing/b.tif",
        "/ing//c.tif",
        "gs://b/d.tif",
    ] {
        container::lock_or_create(&mut conn, &uri(file), false, StorageClass::Standard)
            .await
            .unwrap();
    }
    let known = [
        "/ing/a.tif",
        "/ing/./a.tif",
        "file:///ing//a.tif",
        "/ing/b.tif",
        "/ing//c.tif",
        "gs://b/d.tif",
    ]
    .map(uri);
    let unknown = ["/ing/d.tif", "/ing", "gs://b/e.tif", "s3://b/d.tif"].map(uri);
    let asked = [&known[..], &unknown[..]].concat();
    let found = container::known(&mut conn, &asked).await.unwrap();
    assert_eq!(found, known.into_iter().collect());
    assert!(container::known(&mut conn, &[]).await.unwrap().is_empty());
}
