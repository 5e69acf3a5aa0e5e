//! Pushed messages.

use crate::harness::{COUNTED, Server, envelope};
use axum::body::Body;
use http::Request;
use messaging::Consumer;
use rpc::http::{Access, PushVerifier};
use rpc::pb;
use rpc::testing::{KeyServer, SigningKey, judged};
use runtime::config::Tokens;

/// An event of a job that does not exist.
const EVENT: &str = r#"{"v":1,"type":"job_event","job_id":"0f8fad5b-d9cb-469f-a165-70867728950e","status":"JobCreated","error":"","seq":1}"#;

#[tokio::test]
async fn m1_and_m2_an_event_moves_its_job_once() {
    let Some(server) = Server::open().await else {
        return;
    };
    let id = "0f8fad5b-d9cb-469f-a165-70867728950e";
    // a deletion that pauses at each of its larger steps
    let job = format!(
        "INSERT INTO geocube.jobs (id, name, creation_ts, last_update_ts, payload, state, type, active_tasks,
             failed_tasks, execution_level, waiting)
         VALUES ('{id}', 'job', now(), now(), '{{}}', 'NEW', 'DELETION', 0, 0, 3, false)"
    );
    server.store(&job).await;
    for delivery in ["first", "second"] {
        let answer = server.post("/push", envelope(EVENT, "")).await;
        assert_eq!(answer.status, 204, "{delivery}: {answer:?}");
        assert_eq!(
            server.job(id).await,
            ("CREATED".to_owned(), true),
            "{delivery}"
        );
    }
}

/// One record with one image, whose file nobody looks at; the id of its instance.
const IMAGE: &str = "
    INSERT INTO geocube.aoi (id, hash, geom) VALUES (md5('a')::uuid, 'a', ST_Multi(ST_MakeEnvelope(0, 0, 1, 1, 4326)));
    INSERT INTO geocube.records (id, name, datetime, tags, aoi_id)
        VALUES (md5('r')::uuid, 'r', '2020-01-01', '', md5('a')::uuid);
    INSERT INTO geocube.containers (uri, managed, storage_class) VALUES ('/a.tif', false, 'STANDARD');
    INSERT INTO geocube.datasets (id, record_id, instance_id, container_uri, geog, geom, shape, subdir, bands, status,
        dtype, no_data, min_value, max_value, real_min_value, real_max_value, exponent, overviews)
        SELECT md5('d')::uuid, md5('r')::uuid, v.id, '/a.tif', a.geom::geography, a.geom, a.geom, '', '{1}', 'ACTIVE',
            'UINT8', 0, 0, 1, 0, 1, 1, false
        FROM geocube.variable_instances v, geocube.aoi a";

#[tokio::test]
async fn a_job_that_is_cancelled_at_its_first_pause_pauses_again_and_fails() {
    let Some(server) = Server::open().await else {
        return;
    };
    let mut client = server.client();
    let variable = pb::Variable {
        name: "v".to_owned(),
        bands: vec![String::new()],
        dformat: Some(pb::DataFormat {
            dtype: pb::data_format::Dtype::UInt8.into(),
            no_data: 0.,
            min_value: 0.,
            max_value: 1.,
        }),
        resampling_alg: pb::Resampling::Near.into(),
        ..Default::default()
    };
    let request = pb::CreateVariableRequest {
        variable: Some(variable),
    };
    let created = client.create_variable(request).await.unwrap();
    let request = pb::InstantiateVariableRequest {
        variable_id: created.into_inner().id,
        instance_name: "i".to_owned(),
        ..Default::default()
    };
    let created = client.instantiate_variable(request).await.unwrap();
    let instance = created.into_inner().instance.unwrap().id;
    server.store(IMAGE).await;
    let request = pb::DeleteDatasetsRequest {
        job_name: "job".to_owned(),
        instance_ids: vec![instance.clone()],
        execution_level: pb::ExecutionLevel::StepByStepAll.into(),
        ..Default::default()
    };
    let job = client.delete_datasets(request).await.unwrap().into_inner();
    let id = job.job.unwrap().id;
    for (step, expected) in [
        ("delete", ("CREATED", true)),
        ("cancel", ("ABORTED", true)),
        ("continue", ("FAILED", false)),
    ] {
        let id = id.clone();
        match step {
            "cancel" => {
                let request = pb::CancelJobRequest {
                    id: id.clone(),
                    force_any_state: false,
                };
                client.cancel_job(request).await.map(drop).unwrap();
            }
            "continue" => {
                let request = pb::ContinueJobRequest { id: id.clone() };
                client.continue_job(request).await.map(drop).unwrap();
            }
            _ => {}
        }
        server.push_events().await;
        let request = pb::GetJobRequest {
            id,
            ..Default::default()
        };
        let job = client.get_job(request).await.unwrap().into_inner();
        let job = job.job.unwrap();
        assert_eq!((job.state.as_str(), job.waiting), expected, "{step}");
    }
    let request = pb::ListDatasetsRequest {
        instance_id: instance,
        records_lister: None,
    };
    let listed = client.list_datasets(request).await.unwrap().into_inner();
    assert_eq!(listed.records.len(), 1, "{listed:?}");
}

#[tokio::test]
async fn m3_only_post_is_served() {
    let Some(server) = Server::open().await else {
        return;
    };
    for path in ["/push", "/push/dead-letter", "/pushes"] {
        for method in ["GET", "PUT", "HEAD", "DELETE", "OPTIONS"] {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .body(Body::empty())
                .unwrap();
            let answer = server.send(request).await;
            assert_eq!(
                (answer.status.as_u16(), answer.text()),
                (405, ""),
                "{method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn m4_what_is_no_event_is_refused_or_put_aside() {
    let Some(server) = Server::open().await else {
        return;
    };
    for (body, status) in [
        ("not json".to_owned(), 400),
        (String::new(), 400),
        (r#"{"message":{"data":"%%%"}}"#.to_owned(), 400),
        (envelope("no event", COUNTED), 400),
        (envelope("{}", COUNTED), 400),
        (envelope("[".repeat(100_000).as_str(), COUNTED), 400),
    ] {
        let answer = server.post("/push", body.clone()).await;
        assert_eq!(answer.status, status, "{body:.100}");
        assert!(!answer.text().is_empty(), "{body:.100}");
    }
    assert_eq!(server.queue.backlog("events-failed").await.unwrap(), 0);
    assert_eq!(
        server.post("/push", envelope("no event", "")).await.status,
        204
    );
    assert_eq!(server.queue.backlog("events-failed").await.unwrap(), 1);
}

#[tokio::test]
async fn m8_an_order_is_poison_here() {
    let Some(server) = Server::open().await else {
        return;
    };
    let order = rpc::testing::order(domain::JobId::new(), domain::TaskId::new());
    let order = String::from_utf8(order.to_json()).unwrap();
    let counted = envelope(&order, COUNTED);
    assert_eq!(server.post("/push", counted).await.status, 400);
    assert_eq!(server.queue.backlog("events-failed").await.unwrap(), 0);
    let answer = server.post("/push", envelope(&order, "")).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (204, ""));
    assert_eq!(server.queue.backlog("events-failed").await.unwrap(), 1);
}

#[tokio::test]
async fn an_event_of_a_job_that_is_gone_is_done_with() {
    let Some(server) = Server::open().await else {
        return;
    };
    assert_eq!(server.post("/push", envelope(EVENT, "")).await.status, 204);
}

#[tokio::test]
async fn m5_an_event_waits_for_the_database() {
    let Some(server) = Server::open().await else {
        return;
    };
    server.lose_database().await;
    let answer = server.post("/push", envelope(EVENT, "")).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
    assert_eq!(server.post("/tasks/sweep", "").await.status, 503);
}

#[tokio::test]
async fn messages_given_up_and_sweeps_are_taken() {
    let Some(server) = Server::open().await else {
        return;
    };
    assert_eq!(
        server
            .post("/push/dead-letter", envelope("no sense", ""))
            .await
            .status,
        204
    );
    assert_eq!(
        server.post("/push/dead-letter", "not json").await.status,
        400
    );
    assert_eq!(server.post("/tasks/sweep", "").await.status, 204);
    assert_eq!(server.get("/tasks/sweep").await.status, 405);
}

#[tokio::test]
async fn m7_pushes_need_the_token_of_an_accepted_account() {
    let key = SigningKey::new("first");
    let keys = KeyServer::start(&[&key]).await;
    let verifier = PushVerifier::new(&keys.expected()).unwrap();
    let access = Access::new(&Tokens::default()).with_pushers(Some(verifier));
    let Some(server) = Server::with_access(&access).await else {
        return;
    };
    for (token, status) in judged(&key) {
        let token = format!("Bearer {token}");
        for path in ["/push", "/push/dead-letter", "/tasks/sweep"] {
            let request = Request::post(path).header("authorization", &token);
            let request = request.body(Body::from(envelope(EVENT, ""))).unwrap();
            let answer = server.send(request).await;
            assert_eq!(answer.status, status, "{path} {token}: {answer:?}");
        }
    }
    assert_eq!(server.post("/push", envelope(EVENT, "")).await.status, 401);
}
