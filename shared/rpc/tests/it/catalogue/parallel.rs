//! Calls that race with each other.

use crate::harness::Server;
use crate::harness::catalogue::{dataset, format, new_variable, rectangle};
use crate::harness::raster::{Raster, have_gdal};
use futures::future::join_all;
use rpc::pb;
use rpc::pb::data_format::Dtype;
use std::time::{Duration, Instant};
use tonic::{Code, Status};

const CLIENTS: usize = 12;
const BYTES: pb::DataFormat = pb::DataFormat {
    dtype: Dtype::UInt8 as i32,
    no_data: 0.,
    min_value: 0.,
    max_value: 255.,
};

/// How many calls succeeded; the others must have found what was there already.
fn successes<T>(answers: Vec<Result<T, Status>>) -> (Vec<T>, Vec<Status>) {
    let (mut accepted, mut refused) = (vec![], vec![]);
    for answer in answers {
        match answer {
            Ok(answer) => accepted.push(answer),
            Err(status) => {
                assert_eq!(status.code(), Code::AlreadyExists, "{status:?}");
                refused.push(status);
            }
        }
    }
    (accepted, refused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_equal_footprints_is_stored_and_the_others_learn_its_id() {
    let Some(server) = Server::start().await else {
        return;
    };
    for round in 0..5 {
        let square = rectangle(0., 0., 1. + round as f32, 1.);
        let answers = join_all((0..CLIENTS).map(|_| server.create_aoi(square.clone()))).await;
        let (stored, refused) = successes(answers);
        assert_eq!((stored.len(), refused.len()), (1, CLIENTS - 1));
        for status in refused {
            assert_eq!(status.message(), format!("AOI with id: {}", stored[0]));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_records_gets_a_band() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let (_, instance) = server.variable("v", BYTES, 1).await;
    let uri = server.uri("a.tif");
    Raster::utm("Byte", 2, 2, vec![1.; 4]).write(&server.path("a.tif"));
    server.index(&uri, vec![]).await.unwrap();
    let mut records = Vec::new();
    for day in 0..CLIENTS {
        records.push(server.record("r", day as i64).await);
    }
    let index = |record: &String| server.index(&uri, vec![dataset(record, &instance, BYTES, &[1])]);
    let (stored, refused) =
        successes(join_all(records.iter().map(index).collect::<Vec<_>>()).await);
    assert_eq!((stored.len(), refused.len()), (1, CLIENTS - 1));
    assert_eq!(
        server.containers(&[&uri]).await.unwrap()[0].datasets.len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn equal_indexings_of_a_new_file_all_succeed() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let (_, instance) = server.variable("v", BYTES, 1).await;
    let record = server.record("r", 0).await;
    for name in ["a.tif", "b.tif", "c.tif"] {
        let uri = server.uri(name);
        Raster::utm("Byte", 2, 2, vec![1.; 4]).write(&server.path(name));
        let index = |_| server.index(&uri, vec![dataset(&record, &instance, BYTES, &[1])]);
        let (stored, _) = successes(join_all((0..CLIENTS).map(index)).await);
        assert_eq!(stored.len(), CLIENTS);
        assert_eq!(
            server.containers(&[&uri]).await.unwrap()[0].datasets.len(),
            1
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refused_file_is_nothing_to_those_that_arrive_beside_it() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let (_, instance) = server.variable("v", BYTES, 1).await;
    let record = server.record("r", 0).await;
    let absent = "11111111-1111-1111-1111-111111111111".to_owned();
    let files: Vec<_> = (0..3 * CLIENTS)
        .map(|number| {
            let name = format!("{number}.tif");
            Raster::utm("Byte", 2, 2, vec![1.; 4]).write(&server.path(&name));
            let record = if number % 3 == 0 { &absent } else { &record };
            (server.uri(&name), record)
        })
        .collect();
    let index = |number: usize| {
        let (uri, record) = &files[number];
        server.index(uri, vec![dataset(record, &instance, BYTES, &[1])])
    };
    let calls: Vec<_> = (0..files.len()).map(index).collect();
    for (answer, (uri, record)) in join_all(calls).await.into_iter().zip(&files) {
        let found = server.containers(&[uri]).await;
        if *record == &absent {
            let refused = answer.unwrap_err();
            let expected = format!("Dataset with record_id: {absent}");
            assert_eq!(
                (refused.code(), refused.message()),
                (Code::NotFound, &*expected)
            );
            assert_eq!(found.unwrap_err().code(), Code::NotFound);
        } else {
            answer.unwrap();
            assert_eq!(found.unwrap()[0].datasets.len(), 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_lists_at_once_do_not_wait_for_each_other() {
    let Some(server) = Server::start().await else {
        return;
    };
    for name in ["a", "b", "c", "d", "e", "f"] {
        let id = server
            .create_variable(new_variable(name, format(Dtype::UInt8, 0., 0., 255.), 1))
            .await
            .unwrap();
        server.instantiate(&id, "master").await.unwrap();
    }
    let begin = Instant::now();
    let list = |_| async {
        let answer = server
            .client()
            .list_variables(pb::ListVariablesRequest::default())
            .await;
        crate::harness::answers::items(answer).await.unwrap().len()
    };
    assert_eq!(join_all((0..40).map(list)).await, [6; 40]);
    assert!(
        begin.elapsed() < Duration::from_secs(5),
        "{:?}",
        begin.elapsed()
    );
}
