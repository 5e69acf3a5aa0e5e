use super::generate::{hostile, methods, plausible};
use super::raw::call;
use super::{GROWTH, Target};
use crate::harness::Server;
use crate::harness::answers::{invalid, refused};
use crate::harness::catalogue::{UNKNOWN, format};
use crate::harness::memory::{most_memory, process_of_its_own};
use prost_reflect::prost::Message;
use rpc::pb;
use rpc::pb::data_format::Dtype;
use rpc::pb::get_variable_request::Identifier;
use tonic::Code;

#[tokio::test]
async fn every_method_answers_an_empty_message() {
    let Some(target) = Target::empty().await else {
        return;
    };
    for (path, _) in methods() {
        target
            .call_hostile(&path, vec![vec![]], "an empty message")
            .await;
        target.assert_alive().await;
    }
}

#[tokio::test]
async fn every_method_answers_an_empty_or_broken_stream() {
    let Some(target) = Target::empty().await else {
        return;
    };
    for (path, method) in methods() {
        if method.is_client_streaming() {
            target.call_hostile(&path, vec![], "an empty stream").await;
            assert_ne!(target.call(&path, vec![]).await, Code::Ok, "{path}");
        }
        // not a message at all
        let code = target.call(&path, vec![vec![0xff; 64]]).await;
        assert_eq!(code, Code::InvalidArgument, "{path}");
    }
    target.assert_alive().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_field_of_every_method_may_hold_anything() {
    let Some(target) = Target::empty().await else {
        return;
    };
    sweep(&target).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_field_may_hold_anything_beside_things_that_exist() {
    let Some(target) = Target::stored().await else {
        return;
    };
    let (client, known) = (target.server.client(), &target.known);
    // a consolidation, a job and a cube of files are reached, behind the first checks
    let consolidate = pb::ConsolidateRequest {
        job_name: "known".to_owned(),
        instance_id: known.instance.clone(),
        layout_name: known.layout.clone(),
        execution_level: 1,
        ..Default::default()
    };
    let id = client.clone().consolidate(consolidate).await.unwrap();
    let cancel = pb::CancelJobRequest {
        id: id.into_inner().job_id,
        force_any_state: true,
    };
    client.clone().cancel_job(cancel).await.unwrap();
    let get = pb::GetJobRequest {
        id: known.job.clone(),
        ..Default::default()
    };
    client.clone().get_job(get).await.unwrap();
    let download = "/geocube.GeocubeDownloader/DownloadCube";
    for (path, method) in methods() {
        if path == download {
            let plain = plausible(&method.input(), known).encode_to_vec();
            call(&target.downloader, &path, vec![plain]).await.unwrap();
        }
    }
    sweep(&target).await;
    let one = pb::GetVariableRequest {
        identifier: Some(Identifier::InstanceId(known.instance.clone())),
    };
    client.clone().get_variable(one).await.unwrap();
}

/// Sends every variation to every method.
async fn sweep(target: &Target) {
    let (mut calls, before) = (0, most_memory());
    for (path, method) in methods() {
        let known = target.known.for_call(&target.server, &path, true).await;
        let plain = plausible(&method.input(), &known).encode_to_vec();
        target
            .call_hostile(&path, vec![plain.clone()], "a plausible message")
            .await;
        for (what, mut message) in hostile(&method.input(), &target.known) {
            // with an image or without
            let with_image = calls % 2 == 0;
            let known = target.known.for_call(&target.server, &path, with_image);
            known.await.rename(&mut message, &target.known);
            let bytes = message.encode_to_vec();
            let messages = if method.is_client_streaming() {
                vec![plain.clone(), bytes]
            } else {
                vec![bytes]
            };
            target.call_hostile(&path, messages, &what).await;
            calls += 1;
        }
        target.assert_alive().await;
    }
    assert!(calls > 1000, "{calls} calls");
    let grown = most_memory() - before;
    eprintln!("{calls} calls, {grown} MB more");
    assert!(!process_of_its_own() || grown < GROWTH, "{grown} MB");
}

/// Single calls that name their mistake; the other methods have theirs beside their tests.
#[tokio::test]
async fn mistakes_in_calls_on_jobs_are_named() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (_, instance) = server
        .variable("v", format(Dtype::UInt8, 0., 0., 255.), 1)
        .await;
    let mut client = server.client();
    let deletion = |level| pb::DeleteDatasetsRequest {
        instance_ids: vec![instance.clone()],
        execution_level: level,
        ..Default::default()
    };
    for level in [9, -1, i32::MAX] {
        invalid(
            client.delete_datasets(deletion(level)).await,
            "execution_level",
        );
        let request = pb::ConsolidateRequest {
            instance_id: instance.clone(),
            execution_level: level,
            ..Default::default()
        };
        invalid(client.consolidate(request).await, "execution_level");
    }
    let long = "x".repeat(513);
    let length = "job_name: 513 bytes, expected at most 512";
    let named = pb::DeleteDatasetsRequest {
        job_name: long.clone(),
        ..deletion(0)
    };
    invalid(client.delete_datasets(named).await, length);
    let named = pb::ConsolidateRequest {
        job_name: long,
        instance_id: instance.clone(),
        ..Default::default()
    };
    invalid(client.consolidate(named).await, length);
    invalid(
        client
            .delete_datasets(pb::DeleteDatasetsRequest::default())
            .await,
        "",
    );
    let nothing = refused(
        client.delete_datasets(deletion(0)).await,
        Code::NotFound,
        "",
    );
    assert_eq!(
        nothing.message(),
        "No dataset found for these records, instances and/or pattern"
    );
    let unknown = pb::ConsolidateRequest {
        job_name: "j".to_owned(),
        instance_id: UNKNOWN.to_owned(),
        layout_name: "none".to_owned(),
        execution_level: 1,
        ..Default::default()
    };
    let status = client.consolidate(unknown).await.unwrap_err();
    assert!(
        matches!(status.code(), Code::NotFound | Code::FailedPrecondition),
        "{status:?}"
    );

    let id = |id: &str| id.to_owned();
    invalid(
        client
            .get_job(pb::GetJobRequest {
                id: id("x"),
                ..Default::default()
            })
            .await,
        "Invalid Job.uuid",
    );
    let text = format!("Job with id: {UNKNOWN}");
    refused(
        client
            .get_job(pb::GetJobRequest {
                id: id(UNKNOWN),
                ..Default::default()
            })
            .await,
        Code::NotFound,
        &text,
    );
    let cancel = pb::CancelJobRequest {
        id: id(UNKNOWN),
        force_any_state: true,
    };
    refused(client.cancel_job(cancel).await, Code::NotFound, &text);
    let retry = pb::RetryJobRequest {
        id: id(UNKNOWN),
        force_any_state: true,
    };
    refused(client.retry_job(retry).await, Code::NotFound, &text);
    refused(
        client
            .continue_job(pb::ContinueJobRequest { id: id(UNKNOWN) })
            .await,
        Code::NotFound,
        &text,
    );
    for state in ["NEW", "zz", "\0"] {
        invalid(
            client
                .clean_jobs(pb::CleanJobsRequest {
                    state: id(state),
                    ..Default::default()
                })
                .await,
            "",
        );
    }
    let done = pb::CleanJobsRequest {
        state: id("done"),
        ..Default::default()
    };
    assert_eq!(client.clean_jobs(done).await.unwrap().into_inner().count, 0);
    for (limit, page) in [(-1, 0), (1, -1)] {
        invalid(
            client
                .list_jobs(pb::ListJobsRequest {
                    limit,
                    page,
                    ..Default::default()
                })
                .await,
            "",
        );
    }
}
