//! Conflicts, and a database that goes away: what callers see, and that it passes.

use crate::catalogue::layout;
use crate::harness::answers::refused;
use crate::harness::catalogue::{dataset, format, map, new_record, new_variable, rectangle};
use crate::harness::raster::{Raster, have_gdal};
use crate::harness::{Bounds, Server};
use database::testing::{Proxy, TestDatabase};
use database::{Database, PoolOptions};
use rpc::pb;
use rpc::pb::data_format::Dtype;
use std::time::{Duration, Instant};
use tonic::{Code, Status};

/// Makes each statement that writes to `table` fail with `code`, for the first `times` times. The
/// count is that of a sequence, which no rollback resets.
async fn fail(server: &Server, table: &str, code: &str, times: u32) {
    let sql = format!(
        "DROP FUNCTION IF EXISTS failing() CASCADE; DROP SEQUENCE IF EXISTS failures;
         CREATE SEQUENCE failures;
         CREATE FUNCTION failing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF nextval('failures') <= {times} THEN RAISE EXCEPTION 'made to fail' USING ERRCODE = '{code}'; END IF;
             RETURN NULL;
         END $$;
         CREATE TRIGGER failing BEFORE INSERT OR UPDATE OR DELETE ON geocube.{table}
             FOR EACH STATEMENT EXECUTE FUNCTION failing()"
    );
    server.database.run(&[&sql]).await;
}

/// How often the failing statement was run.
fn tries(server: &Server) -> Option<u32> {
    server
        .sql("SELECT last_value FROM failures")
        .map(|count| count.parse().unwrap())
}

/// A call that writes to a table.
async fn write(server: &Server, table: &str, number: i64) -> Result<(), Status> {
    let mut client = server.client();
    let bytes = format(Dtype::UInt8, 0., 0., 255.);
    let name = format!("n{number}");
    match table {
        "aoi" => server
            .create_aoi(rectangle(0., 0., 10. + number as f32, 1.))
            .await
            .map(drop),
        "records" => {
            let aoi = server.some_aoi().await;
            server
                .create_records(vec![new_record(&name, &aoi, 0, &[])])
                .await
                .map(drop)
        }
        "variable_definitions" => server
            .create_variable(new_variable(&name, bytes, 1))
            .await
            .map(drop),
        "palette" => {
            let colors = [0., 1.].map(|value| pb::ColorPoint {
                value,
                ..Default::default()
            });
            let palette = pb::Palette {
                name,
                colors: colors.to_vec(),
            };
            let request = pb::CreatePaletteRequest {
                palette: Some(palette),
                replace: false,
            };
            client.create_palette(request).await.map(drop)
        }
        "layouts" => {
            let layout = Some(layout(&name));
            client
                .create_layout(pb::CreateLayoutRequest { layout })
                .await
                .map(drop)
        }
        other => panic!("no call writes to {other}"),
    }
}

const TABLES: [&str; 5] = [
    "aoi",
    "records",
    "variable_definitions",
    "palette",
    "layouts",
];

#[tokio::test]
async fn a_call_that_loses_twice_against_others_succeeds() {
    let Some(server) = Server::start().await else {
        return;
    };
    server.some_aoi().await;
    for table in TABLES {
        for (number, code) in ["40001", "40P01"].into_iter().enumerate() {
            fail(&server, table, code, 2).await;
            write(&server, table, number as i64).await.unwrap();
        }
        let rows = server.sql(&format!("SELECT count(*) FROM geocube.{table}"));
        if let Some(rows) = rows {
            let one_before = usize::from(table == "aoi");
            assert_eq!(rows, (2 + one_before).to_string(), "{table}");
        }
    }
}

#[tokio::test]
async fn a_call_that_loses_three_times_is_unavailable_and_leaves_nothing() {
    let Some(server) = Server::start().await else {
        return;
    };
    server.some_aoi().await;
    for table in TABLES {
        fail(&server, table, "40001", 3).await;
        let answer = write(&server, table, 1).await;
        refused(
            answer,
            Code::Unavailable,
            "other transactions were in the way",
        );
        if let Some(tries) = tries(&server) {
            assert_eq!(tries, 3, "{table}");
        }
        write(&server, table, 1).await.unwrap();
    }
}

#[tokio::test]
async fn other_failures_are_not_tried_again() {
    let Some(server) = Server::start().await else {
        return;
    };
    for (code, expected) in [("P0001", Code::Internal), ("53100", Code::Unavailable)] {
        fail(&server, "aoi", code, 1).await;
        refused(write(&server, "aoi", 1).await, expected, "");
        if let Some(tries) = tries(&server) {
            assert_eq!(tries, 1, "{code}");
        }
    }
}

#[tokio::test]
async fn jobs_and_indexings_survive_conflicts() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let bytes = format(Dtype::UInt8, 0., 0., 255.);
    let (_, instance) = server.variable("v", bytes, 1).await;
    let record = server.record("r", 0).await;
    Raster::utm("Byte", 2, 2, vec![1.; 4]).write(&server.path("a.tif"));
    let uri = server.uri("a.tif");
    for table in ["containers", "datasets"] {
        fail(&server, table, "40P01", 2).await;
        let indexed = vec![dataset(&record, &instance, bytes, &[1])];
        server.index(&uri, indexed).await.unwrap();
        delete(&server, &record).await;
    }
    // each of the statements of a deletion
    for table in [
        "jobs",
        "job_logs",
        "locked_datasets",
        "datasets",
        "outbox",
        "containers",
    ] {
        let indexed = vec![dataset(&record, &instance, bytes, &[1])];
        server.index(&uri, indexed).await.unwrap();
        fail(&server, table, "40001", 2).await;
        delete(&server, &record).await;
    }
    fail(&server, "jobs", "40001", 2).await;
    let cleaned = server
        .client()
        .clean_jobs(pb::CleanJobsRequest::default())
        .await;
    assert_eq!(cleaned.unwrap().into_inner().count, 8);
    fail(&server, "records", "40001", 2).await;
    let request = pb::AddRecordsTagsRequest {
        ids: vec![record],
        tags: map(&[("k", "v")]),
    };
    server.client().add_records_tags(request).await.unwrap();
}

async fn delete(server: &Server, record: &str) {
    let request = pb::DeleteDatasetsRequest {
        record_ids: vec![record.to_owned()],
        ..Default::default()
    };
    let answer = server.client().delete_datasets(request).await.unwrap();
    assert_eq!(answer.into_inner().job.unwrap().state, "DONE");
}

#[tokio::test]
async fn a_session_that_is_ended_in_the_middle_is_replaced() {
    let Some(server) = Server::start().await else {
        return;
    };
    let sql = "CREATE SEQUENCE ended;
        CREATE FUNCTION ending() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('ended') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()), pg_sleep(1); END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER ending AFTER INSERT ON geocube.aoi FOR EACH STATEMENT EXECUTE FUNCTION ending()";
    server.database.run(&[sql]).await;
    let square = rectangle(0., 0., 1., 1.);
    let answer = server.create_aoi(square.clone()).await;
    refused(answer, Code::Unavailable, "is not available for now");
    server.create_aoi(square).await.unwrap();
}

/// A server whose way to the database can break.
pub async fn behind_proxy() -> Option<(Server, Proxy)> {
    let database = TestDatabase::create().await?;
    let proxy = Proxy::before(&database.url()).await;
    let options = PoolOptions {
        acquire_timeout: Duration::from_secs(1),
        ..PoolOptions::default()
    };
    let db = Database::connect(proxy.url(), &options).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let server = Server::over(database, db, folder, Bounds::default()).await;
    Some((server, proxy))
}

#[tokio::test]
async fn a_restart_of_the_database_is_survived() {
    let Some((server, mut proxy)) = behind_proxy().await else {
        return;
    };
    for round in 0..3 {
        let width = 1. + round as f32;
        let calls =
            (0..5).map(|number| server.create_aoi(rectangle(0., 0., width, 1. + number as f32)));
        for answer in futures::future::join_all(calls).await {
            answer.unwrap();
        }
        proxy.cut().await;
        let begin = Instant::now();
        let answer = server.create_aoi(rectangle(0., 0., width, 50.)).await;
        refused(answer, Code::Unavailable, "is not available for now");
        assert!(begin.elapsed() < Duration::from_secs(5));
        proxy.mend().await;
        // connections that were used just now are not asked for a sign of life
        tokio::time::sleep(Duration::from_millis(1100)).await;
        server
            .create_aoi(rectangle(0., 0., width, 50.))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_commit_whose_outcome_is_unknown_is_not_repeated() {
    let Some((server, proxy)) = behind_proxy().await else {
        return;
    };
    let bytes = format(Dtype::UInt8, 0., 0., 255.);
    let id = server
        .create_variable(new_variable("v", bytes, 1))
        .await
        .unwrap();
    fail(&server, "variable_instances", "P0001", 0).await;
    proxy.lose_next_commit();
    let answer = server.instantiate(&id, "master").await;
    refused(answer, Code::Unavailable, "the change may be in effect");
    if let Some(tries) = tries(&server) {
        assert_eq!(tries, 1);
    }
    // here it is
    let again = server.instantiate(&id, "master").await;
    refused(again, Code::AlreadyExists, "v:master");
}
