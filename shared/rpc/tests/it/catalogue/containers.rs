use crate::harness::Server;
use crate::harness::answers::{invalid, refused_on};
use crate::harness::catalogue::{UNKNOWN, YEAR_2020, at, dataset, format, map};
use crate::harness::raster::{Raster, have_gdal};
use rpc::pb;
use rpc::pb::data_format::Dtype;
use rpc::pb::list_datasets_request::RecordsLister;
use tonic::{Code, Status};

const BYTES: pb::DataFormat = pb::DataFormat {
    dtype: Dtype::UInt8 as i32,
    no_data: 0.,
    min_value: 0.,
    max_value: 255.,
};

#[tokio::test]
async fn containers_are_read_by_their_exact_uris() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let (_, instance) = server.variable("v", BYTES, 1).await;
    let record = server.record("r", 0).await;
    let (plain, odd) = (server.uri("a_x.tif"), server.uri("a?x.tif"));
    Raster::utm("Byte", 2, 2, vec![1.; 4]).write(&server.path("a_x.tif"));
    std::fs::copy(server.path("a_x.tif"), server.path("a?x.tif")).unwrap();
    for uri in [&plain, &odd] {
        server
            .index(uri, vec![dataset(&record, &instance, BYTES, &[1])])
            .await
            .unwrap();
    }
    let found = server.containers(&[&odd, &plain, &odd]).await.unwrap();
    let uris: Vec<_> = found
        .iter()
        .map(|container| container.uri.as_str())
        .collect();
    assert_eq!(uris, [&odd, &plain]);
    assert!(
        found
            .iter()
            .all(|container| container.datasets == [dataset(&record, &instance, BYTES, &[1])])
    );
    assert!(server.containers(&[]).await.unwrap().is_empty());
    for unknown in ["/absent.tif", "relative", "*"] {
        let answer = server.containers(&[&plain, unknown]).await;
        refused_on(
            answer,
            Code::NotFound,
            &format!("Container with uri: {unknown}"),
            "Container",
            unknown,
        );
    }
}

#[tokio::test]
async fn a_file_is_one_container_in_whichever_spelling_it_is_given() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let (_, instance) = server.variable("v", BYTES, 1).await;
    let record = server.record("r", 0).await;
    let image = || vec![dataset(&record, &instance, BYTES, &[1])];
    for name in ["new.tif", "adopted.tif"] {
        Raster::utm("Byte", 2, 2, vec![1.; 4]).write(&server.path(name));
    }
    let (plain, adopted) = (server.uri("new.tif"), server.uri("adopted.tif"));
    let schemed = format!("file://{plain}");
    for spelling in [&schemed, &plain, &format!("FILE://{plain}"), &schemed] {
        server.index(spelling, image()).await.unwrap();
    }
    let found = server.containers(&[&schemed, &plain]).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].uri, found[0].datasets.len()), (&plain, 1));

    // a row of a former release keeps its name, and takes what is indexed by any other one
    let stored = format!("file://{adopted}");
    let row = format!("INSERT INTO geocube.containers (uri, managed) VALUES ('{stored}', false)");
    server.database.run(&[&row]).await;
    server.index(&adopted, image()).await.unwrap();
    let found = server.containers(&[&adopted, &plain]).await.unwrap();
    let uris: Vec<&str> = found.iter().map(|found| found.uri.as_str()).collect();
    assert_eq!(uris, [stored.as_str(), &plain]);
    assert_eq!(found[0].datasets.len(), 1);
}

#[tokio::test]
async fn a_file_may_be_registered_before_it_exists() {
    let Some(server) = Server::start().await else {
        return;
    };
    let uri = server.uri("later.tif");
    server.index(&uri, vec![]).await.unwrap();
    let found = server.containers(&[&uri]).await.unwrap();
    assert!(found[0].datasets.is_empty() && !found[0].managed);
    // outside the ingestion storage a file is never the service's own
    let container = pb::Container {
        uri: uri.clone(),
        managed: true,
        datasets: vec![],
    };
    server
        .client()
        .index_datasets(pb::IndexDatasetsRequest {
            container: Some(container),
        })
        .await
        .unwrap();
    assert!(!server.containers(&[&uri]).await.unwrap()[0].managed);
}

async fn list(
    server: &Server,
    id: &str,
    lister: Option<RecordsLister>,
) -> Result<Vec<(String, usize)>, Status> {
    let request = pb::ListDatasetsRequest {
        instance_id: id.to_owned(),
        records_lister: lister,
    };
    let found = server.client().list_datasets(request).await?.into_inner();
    assert_eq!(found.records.len(), found.dataset_metas.len());
    let sizes = found
        .dataset_metas
        .iter()
        .map(|meta| meta.internals_meta.len());
    Ok(found
        .records
        .into_iter()
        .map(|record| record.name)
        .zip(sizes)
        .collect())
}

#[tokio::test]
async fn datasets_are_listed_by_record_in_time_order() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let (variable, instance) = server.variable("v", BYTES, 1).await;
    let other = server.instantiate(&variable, "other").await.unwrap();
    let late = server.record("late", 9).await;
    let early = server.tagged_record("early", 1, &[("k", "v")]).await;
    server.record("without", 0).await;
    for (name, record) in [("a.tif", &late), ("b.tif", &early), ("c.tif", &late)] {
        Raster::utm("Byte", 2, 2, vec![1.; 4]).write(&server.path(name));
        server
            .index(
                &server.uri(name),
                vec![dataset(record, &instance, BYTES, &[1])],
            )
            .await
            .unwrap();
    }
    let ids = |ids: &[&String]| {
        Some(RecordsLister::Records(pb::RecordIdList {
            ids: ids.iter().map(|id| (*id).clone()).collect(),
        }))
    };
    let filters = |filters| Some(RecordsLister::Filters(filters));
    let all = [("early".to_owned(), 1), ("late".to_owned(), 2)];
    let tagged = pb::RecordFilters {
        tags: map(&[("k", "*")]),
        ..Default::default()
    };
    let since = pb::RecordFilters {
        from_time: at(YEAR_2020 + 2 * 86_400, 0),
        ..Default::default()
    };
    for (lister, expected) in [
        (None, &all[..]),
        (ids(&[]), &all[..]),
        (filters(pb::RecordFilters::default()), &all[..]),
        (ids(&[&late]), &all[1..]),
        (filters(tagged), &all[..1]),
        (filters(since), &all[1..]),
        (ids(&[&UNKNOWN.to_owned()]), &[]),
    ] {
        assert_eq!(
            list(&server, &instance, lister.clone()).await.unwrap(),
            expected,
            "{lister:?}"
        );
    }
    for empty in [other.as_str(), UNKNOWN] {
        assert!(list(&server, empty, None).await.unwrap().is_empty());
    }
    for malformed in ["x", ""] {
        invalid(
            list(&server, malformed, None).await,
            "Invalid Instance.uuid",
        );
    }
    invalid(
        list(&server, &instance, ids(&[&"x".to_owned()])).await,
        "Invalid Record.uuid",
    );

    let request = pb::ListDatasetsRequest {
        instance_id: instance,
        records_lister: None,
    };
    let found = server
        .client()
        .list_datasets(request)
        .await
        .unwrap()
        .into_inner();
    let uris: Vec<_> = found.dataset_metas[1]
        .internals_meta
        .iter()
        .map(|meta| meta.container_uri.clone())
        .collect();
    assert_eq!(
        uris,
        [server.uri("a.tif"), server.uri("c.tif")],
        "in the order of creation"
    );
    let meta = &found.dataset_metas[0].internals_meta[0];
    assert_eq!(
        (
            meta.bands.as_slice(),
            meta.dformat,
            meta.range_max,
            meta.exponent
        ),
        (&[1][..], Some(BYTES), 255., 1.)
    );
    assert_eq!(format(Dtype::UInt8, 0., 0., 255.), BYTES);
}

#[tokio::test]
async fn the_first_call_says_whether_the_service_owns_a_file() {
    let Some(server) = Server::start().await else {
        return;
    };
    let uri = server.uri("ours/a.tif");
    for (uri, first) in [(&uri, false), (&server.uri("ours/b.tif"), true)] {
        for managed in [first, !first, first] {
            let container = pb::Container {
                uri: uri.clone(),
                managed,
                datasets: vec![],
            };
            let request = pb::IndexDatasetsRequest {
                container: Some(container),
            };
            server.client().index_datasets(request).await.unwrap();
            assert_eq!(server.containers(&[uri]).await.unwrap()[0].managed, first);
        }
    }
}
