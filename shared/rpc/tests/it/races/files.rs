//! Races around files: indexing, deletion of datasets, of their records and of their instances.

use super::{ROUNDS, check_consistency, code, successes};
use crate::harness::Server;
use crate::harness::catalogue::dataset;
use crate::harness::raster::{Raster, have_gdal};
use futures::future::join_all;
use rpc::pb;
use rpc::pb::data_format::Dtype;
use tonic::{Code, Status};

const BYTES: pb::DataFormat = pb::DataFormat {
    dtype: Dtype::UInt8 as i32,
    no_data: 0.,
    min_value: 0.,
    max_value: 255.,
};

/// A server with an instance, and a file of three bands.
async fn start() -> Option<(Server, String, String)> {
    let server = Server::start().await?;
    if !have_gdal() {
        return None;
    }
    let (_, instance) = server.variable("v", BYTES, 1).await;
    let raster = Raster {
        bands: vec![vec![1.; 4]; 3],
        ..Raster::utm("Byte", 2, 2, vec![1.; 4])
    };
    raster.write(&server.path("a.tif"));
    let uri = server.uri("a.tif");
    Some((server, instance, uri))
}

async fn delete_records(server: &Server, id: &str, no_fail: bool) -> Result<i64, Status> {
    let ids = vec![id.to_owned()];
    let request = pb::DeleteRecordsRequest { ids, no_fail };
    Ok(server
        .client()
        .delete_records(request)
        .await?
        .into_inner()
        .nb)
}

async fn delete_datasets(server: &Server, record: &str) -> Result<pb::Job, Status> {
    let request = pb::DeleteDatasetsRequest {
        record_ids: vec![record.to_owned()],
        ..Default::default()
    };
    let answer = server.client().delete_datasets(request).await?;
    Ok(answer.into_inner().job.unwrap())
}

async fn stored(server: &Server, uri: &str) -> usize {
    match server.containers(&[uri]).await {
        Ok(containers) => containers[0].datasets.len(),
        Err(status) => {
            assert_eq!(status.code(), Code::NotFound, "{status:?}");
            0
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_record_is_deleted_or_gets_its_dataset() {
    let Some((server, instance, uri)) = start().await else {
        return;
    };
    for round in 0..ROUNDS {
        let record = server.record("r", round as i64).await;
        let no_fail = round % 2 == 0;
        let index = server.index(&uri, vec![dataset(&record, &instance, BYTES, &[1])]);
        let (indexed, deleted) = futures::join!(index, delete_records(&server, &record, no_fail));
        let indexed = code(&indexed, &[Code::Ok, Code::NotFound]) == Code::Ok;
        let refusals: &[Code] = if no_fail {
            &[]
        } else {
            &[Code::FailedPrecondition]
        };
        let removed = deleted.as_ref().is_ok_and(|number| *number == 1);
        if deleted.is_err() {
            code(&deleted, refusals);
        }
        assert_ne!(indexed, removed, "round {round}");
        assert_eq!(stored(&server, &uri).await, usize::from(indexed));
        if indexed {
            delete_datasets(&server, &record).await.unwrap();
        }
    }
    check_consistency(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_file_is_indexed_while_its_last_dataset_is_deleted() {
    let Some((server, instance, uri)) = start().await else {
        return;
    };
    for round in 0..ROUNDS {
        let day = 2 * round as i64;
        let (old, new) = (
            server.record("r", day).await,
            server.record("r", day + 1).await,
        );
        let of = |record: &str, band| vec![dataset(record, &instance, BYTES, &[band])];
        server.index(&uri, of(&old, 1)).await.unwrap();
        let (deleted, indexed) = futures::join!(
            delete_datasets(&server, &old),
            server.index(&uri, of(&new, 2))
        );
        let job = deleted.unwrap();
        assert_eq!(job.state, "DONE", "{job:?}");
        let indexed = code(&indexed, &[Code::Ok, Code::AlreadyExists]) == Code::Ok;
        assert_eq!(
            stored(&server, &uri).await,
            usize::from(indexed),
            "round {round}"
        );
        if indexed {
            delete_datasets(&server, &new).await.unwrap();
        }
    }
    check_consistency(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_deletions_of_the_same_datasets_takes_them() {
    let Some((server, instance, uri)) = start().await else {
        return;
    };
    for round in 0..4 {
        let record = server.record("r", round).await;
        let bands = (1..=3).map(|band| dataset(&record, &instance, BYTES, &[band]));
        server.index(&uri, bands.collect()).await.unwrap();
        let answers = join_all((0..6).map(|_| delete_datasets(&server, &record))).await;
        assert_eq!(
            successes(&answers, &[Code::AlreadyExists, Code::NotFound]),
            1
        );
        assert_eq!(stored(&server, &uri).await, 0);
    }
    check_consistency(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_instance_is_deleted_or_gets_its_dataset() {
    let Some((server, _, uri)) = start().await else {
        return;
    };
    for round in 0..ROUNDS {
        let (variable, instance) = server.variable(&format!("v{round}"), BYTES, 1).await;
        let record = server.record("r", round as i64).await;
        let index = server.index(&uri, vec![dataset(&record, &instance, BYTES, &[1])]);
        let delete = async {
            let mut client = server.client();
            if round % 2 == 0 {
                let id = instance.clone();
                let answer = client
                    .delete_instance(pb::DeleteInstanceRequest { id })
                    .await;
                return answer.map(drop);
            }
            let request = pb::DeleteVariableRequest { id: variable };
            client.delete_variable(request).await.map(drop)
        };
        let (indexed, deleted) = futures::join!(index, delete);
        let indexed = code(&indexed, &[Code::Ok, Code::NotFound]) == Code::Ok;
        let deleted = code(&deleted, &[Code::Ok, Code::FailedPrecondition]) == Code::Ok;
        assert_ne!(indexed, deleted, "round {round}");
        if indexed {
            delete_datasets(&server, &record).await.unwrap();
        }
    }
    check_consistency(&server).await;
}
