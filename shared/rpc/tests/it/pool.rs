//! Few connections and many clients.

use crate::harness::Server;
use crate::harness::answers::{items, refused};
use crate::harness::catalogue::{dataset, format, map, new_variable, rectangle};
use crate::harness::cube::{records, utm_request};
use crate::harness::raster::{Raster, have_gdal};
use database::PoolOptions;
use futures::future::join_all;
use rpc::pb;
use rpc::pb::data_format::Dtype;
use rpc::pb::geocube_client::GeocubeClient;
use std::time::{Duration, Instant};
use tonic::transport::Channel;
use tonic::{Code, Streaming};

const RECORDS: usize = 6000;

fn pool(connections: u32) -> PoolOptions {
    PoolOptions {
        max_connections: connections,
        acquire_timeout: Duration::from_secs(3),
        ..PoolOptions::default()
    }
}

/// A call that takes a second connection while it holds the only one of its kind never ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_call_needs_two_connections() {
    let Some(server) = Server::with_pool(&pool(database::LEAST_CONNECTIONS)).await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let bytes = format(Dtype::UInt8, 0., 0., 255.);
    let (variable, instance) = server.variable("v", bytes, 1).await;
    server.palette("p").await;
    let record = server.tagged_record("r", 0, &[("k", "v")]).await;
    Raster::utm("Byte", 2, 2, vec![1.; 4]).write(&server.path("a.tif"));
    let uri = server.uri("a.tif");
    server
        .index(&uri, vec![dataset(&record, &instance, bytes, &[1])])
        .await
        .unwrap();
    server.containers(&[&uri]).await.unwrap();
    let request = pb::GetCubeRequest {
        records_lister: records(&[&record]),
        ..utm_request(&instance, 2, 2)
    };
    server.cube(request).await.unwrap();
    let mut client = server.client();
    let ids = vec![record.clone()];
    items(
        client
            .get_records(pb::GetRecordsRequest { ids: ids.clone() })
            .await,
    )
    .await
    .unwrap();
    items(client.list_records(pb::ListRecordsRequest::default()).await)
        .await
        .unwrap();
    items(
        client
            .list_variables(pb::ListVariablesRequest::default())
            .await,
    )
    .await
    .unwrap();
    let tags = map(&[("a", "b")]);
    client
        .add_records_tags(pb::AddRecordsTagsRequest { ids, tags })
        .await
        .unwrap();
    let consolidation_params = Some(pb::ConsolidationParams {
        dformat: Some(bytes),
        exponent: 1.,
        resampling_alg: pb::Resampling::Near.into(),
        ..Default::default()
    });
    let config = pb::ConfigConsolidationRequest {
        variable_id: variable.clone(),
        consolidation_params,
    };
    client.config_consolidation(config).await.unwrap();
    client
        .list_layouts(pb::ListLayoutsRequest::default())
        .await
        .unwrap();
    client
        .list_grids(pb::ListGridsRequest::default())
        .await
        .unwrap();
    let list = pb::ListDatasetsRequest {
        instance_id: instance.clone(),
        records_lister: None,
    };
    client.list_datasets(list).await.unwrap();
    let delete = pb::DeleteDatasetsRequest {
        instance_ids: vec![instance],
        ..Default::default()
    };
    let job = client
        .delete_datasets(delete)
        .await
        .unwrap()
        .into_inner()
        .job;
    assert_eq!(job.unwrap().state, "DONE");
    client
        .list_jobs(pb::ListJobsRequest::default())
        .await
        .unwrap();
    let cleaned = client.clean_jobs(pb::CleanJobsRequest::default()).await;
    assert_eq!(cleaned.unwrap().into_inner().count, 1);
    client
        .delete_variable(pb::DeleteVariableRequest { id: variable })
        .await
        .unwrap();
}

/// Fills the catalogue so that every list is longer than what is sent ahead of its reader.
async fn fill(server: &Server) {
    let aoi = server.some_aoi().await;
    let rows = format!(
        "INSERT INTO geocube.records SELECT gen_random_uuid(), 'record_' || n, '2020-01-01',
             hstore('k', repeat('v', 100)), '{aoi}' FROM generate_series(1, {RECORDS}) n;
         INSERT INTO geocube.variable_definitions SELECT gen_random_uuid(), 'v' || lpad(n::text, 5, '0'), '',
             repeat('d', 100), '{{b}}', 'UINT8', 0, 0, 255, NULL, 'NEAR' FROM generate_series(1, {RECORDS}) n"
    );
    server.database.run(&[&rows]).await;
}

/// A list that is begun and not read on.
async fn begun(mut client: GeocubeClient<Channel>) -> Streaming<pb::ListRecordsResponseItem> {
    let answer = client.list_records(pb::ListRecordsRequest::default()).await;
    let mut list = answer.unwrap().into_inner();
    list.message().await.unwrap().unwrap();
    list
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_that_stall_take_nothing_from_the_others() {
    let Some(server) = Server::with_pool(&pool(2)).await else {
        return;
    };
    fill(&server).await;
    let mut records = Vec::new();
    for _ in 0..20 {
        records.push(begun(server.narrow_client().await).await);
    }
    let mut variables = Vec::new();
    for _ in 0..20 {
        let mut client = server.narrow_client().await;
        let request = pb::ListVariablesRequest::default();
        let mut list = client.list_variables(request).await.unwrap().into_inner();
        list.message().await.unwrap().unwrap();
        variables.push(list);
    }
    let begin = Instant::now();
    let call = |number: usize| server.create_aoi(rectangle(0., 0., 2. + number as f32, 1.));
    for answer in join_all((0..20).map(call)).await {
        answer.unwrap();
    }
    assert!(
        begin.elapsed() < Duration::from_secs(2),
        "{:?}",
        begin.elapsed()
    );

    // rows stored meanwhile do not disturb who reads on
    server
        .create_variable(new_variable("a", format(Dtype::UInt8, 0., 0., 255.), 1))
        .await
        .unwrap();
    for mut list in records {
        let mut count = 1;
        while list.message().await.unwrap().is_some() {
            count += 1;
        }
        assert_eq!(count, RECORDS);
    }
    for mut list in variables {
        let mut names = Vec::new();
        while let Some(item) = list.message().await.unwrap() {
            names.push(item.variable.unwrap().name);
        }
        assert_eq!(names.len(), RECORDS - 1);
        assert!(names.is_sorted());
    }
}

#[tokio::test]
async fn lists_of_ids_are_answered_piece_by_piece() {
    let Some(server) = Server::with_pool(&pool(2)).await else {
        return;
    };
    fill(&server).await;
    let all = server
        .client()
        .list_records(pb::ListRecordsRequest::default())
        .await;
    let all = items(all).await.unwrap();
    let mut ids: Vec<String> = all
        .into_iter()
        .map(|item| item.record.unwrap().id)
        .rev()
        .collect();
    let twice = [&ids[..], &ids[..10]].concat();
    let request = pb::GetRecordsRequest { ids: twice };
    let read = items(server.client().get_records(request).await)
        .await
        .unwrap();
    let read: Vec<String> = read
        .into_iter()
        .map(|item| item.record.unwrap().id)
        .collect();
    assert_eq!(read, ids);

    // the last one is missing: nothing is answered before that
    let unknown = crate::harness::catalogue::UNKNOWN.to_owned();
    ids.push(unknown.clone());
    let answer = server
        .client()
        .get_records(pb::GetRecordsRequest { ids })
        .await;
    let text = format!("Record with id: {unknown}");
    assert_eq!(refused(answer, Code::NotFound, "").message(), text);
}

#[tokio::test]
async fn a_pool_in_full_use_is_told_after_a_while() {
    let options = PoolOptions {
        acquire_timeout: Duration::from_millis(300),
        // half of them for what stores
        ..pool(4)
    };
    let Some(server) = Server::with_pool(&options).await else {
        return;
    };
    let (one, _other) = (
        server.db.begin().await.unwrap(),
        server.db.begin().await.unwrap(),
    );
    let begin = Instant::now();
    let status = refused(
        server.create_aoi(rectangle(0., 0., 1., 1.)).await,
        Code::Unavailable,
        "a connection of the database pool (none of 2 within 0.3 s, flag dbMaxConnections) is not available for now",
    );
    assert!(begin.elapsed() < Duration::from_secs(2), "{status:?}");
    drop(one);
    server.create_aoi(rectangle(0., 0., 1., 1.)).await.unwrap();
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_stopped_and_its_bound_named() {
    let options = PoolOptions {
        statement_timeout: Duration::from_secs(1),
        ..pool(2)
    };
    let Some(server) = Server::with_pool(&options).await else {
        return;
    };
    let slow = |seconds: f64| {
        format!(
            "CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_sleep({seconds}); RETURN NULL; END $$;
             CREATE OR REPLACE TRIGGER slow BEFORE INSERT ON geocube.aoi
             FOR EACH STATEMENT EXECUTE FUNCTION slow()"
        )
    };
    server.database.run(&[&slow(0.5)]).await;
    let in_time = server.create_aoi(rectangle(0., 0., 2., 1.)).await;
    in_time.unwrap();
    server.database.run(&[&slow(20.0)]).await;
    let begin = Instant::now();
    let answer = server.create_aoi(rectangle(0., 0., 1., 1.)).await;
    refused(answer, Code::Unavailable, "flag statementTimeout");
    assert!(
        begin.elapsed() < Duration::from_secs(5),
        "stopped once, not tried again"
    );
}
