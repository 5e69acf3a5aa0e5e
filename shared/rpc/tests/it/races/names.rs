//! Races for names, keys and rows of the same records and variables.

use super::{ROUNDS, check_consistency, code, successes};
use crate::harness::Server;
use crate::harness::catalogue::{format, map, new_record, new_variable};
use futures::future::join_all;
use rpc::pb;
use rpc::pb::data_format::Dtype;
use tonic::Code;

const CLIENTS: usize = 12;

fn bytes() -> pb::DataFormat {
    format(Dtype::UInt8, 0., 0., 255.)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_equal_records_is_stored() {
    let Some(server) = Server::start().await else {
        return;
    };
    let aoi = server.some_aoi().await;
    for day in 0..3 {
        let record = new_record("r", &aoi, day, &[("k", "v")]);
        let create = |_| server.create_records(vec![record.clone()]);
        let answers = join_all((0..CLIENTS).map(create)).await;
        assert_eq!(successes(&answers, &[Code::AlreadyExists]), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lists_of_records_in_opposite_orders_do_not_wait_for_each_other() {
    let Some(server) = Server::start().await else {
        return;
    };
    let aoi = server.some_aoi().await;
    for day in 0..3 {
        let mut records: Vec<_> = (0..200)
            .map(|number| new_record(&format!("r{number}"), &aoi, day, &[]))
            .collect();
        let lists = (0..CLIENTS).map(|_| {
            records.reverse();
            records.clone()
        });
        let lists: Vec<_> = lists.collect();
        let calls = lists.into_iter().map(|list| server.create_records(list));
        let answers = join_all(calls).await;
        assert_eq!(successes(&answers, &[Code::AlreadyExists]), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn edits_of_the_tags_of_common_records_all_succeed() {
    let Some(server) = Server::start().await else {
        return;
    };
    let aoi = server.some_aoi().await;
    let records = (0..60).map(|number| new_record(&format!("r{number}"), &aoi, 0, &[]));
    let ids = server.create_records(records.collect()).await.unwrap();
    for round in 0..4 {
        let edit = |client: usize| {
            // overlapping parts, one half of them backwards
            let mut ids = ids[client..client + 40].to_vec();
            if client % 2 == 1 {
                ids.reverse();
            }
            let mut service = server.client();
            async move {
                if client % 3 == 2 {
                    let tags_key = vec![format!("k{}", client - 1)];
                    let request = pb::RemoveRecordsTagsRequest { ids, tags_key };
                    let answer = service.remove_records_tags(request).await?;
                    return Ok(answer.into_inner().nb);
                }
                let tags = map(&[(&format!("k{client}"), &round.to_string())]);
                let request = pb::AddRecordsTagsRequest { ids, tags };
                Ok(service.add_records_tags(request).await?.into_inner().nb)
            }
        };
        for answer in join_all((0..CLIENTS).map(edit)).await {
            let answer: Result<i64, tonic::Status> = answer;
            assert_eq!(answer.unwrap(), 40);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_equal_names_is_stored() {
    let Some(server) = Server::start().await else {
        return;
    };
    let variable = new_variable("v", bytes(), 1);
    let answers = join_all((0..CLIENTS).map(|_| server.create_variable(variable.clone()))).await;
    assert_eq!(successes(&answers, &[Code::AlreadyExists]), 1);

    let id = answers.into_iter().find_map(Result::ok).unwrap();
    let answers = join_all((0..CLIENTS).map(|_| server.instantiate(&id, "master"))).await;
    assert_eq!(successes(&answers, &[Code::AlreadyExists]), 1);

    let layout = |number: usize| pb::Layout {
        block_x_size: 256 << (number % 2),
        ..crate::catalogue::layout("l")
    };
    let create = |number| {
        let (mut client, layout) = (server.client(), Some(layout(number)));
        async move {
            client
                .create_layout(pb::CreateLayoutRequest { layout })
                .await
        }
    };
    let answers = join_all((0..CLIENTS).map(create)).await;
    assert_eq!(successes(&answers, &[Code::AlreadyExists]), 1);

    let palette = |number: usize| pb::Palette {
        name: "p".to_owned(),
        colors: [0., 1.]
            .map(|value| pb::ColorPoint {
                value,
                r: (number % 2) as u32,
                g: 0,
                b: 0,
                a: 255,
            })
            .to_vec(),
    };
    let create = |number| {
        let (mut client, palette) = (server.client(), Some(palette(number)));
        let replace = number % 3 == 0;
        async move {
            let request = pb::CreatePaletteRequest { palette, replace };
            client.create_palette(request).await
        }
    };
    let answers = join_all((0..CLIENTS).map(create)).await;
    assert!(successes(&answers, &[Code::AlreadyExists]) >= CLIENTS / 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_of_one_variable_are_not_lost() {
    let Some(server) = Server::start().await else {
        return;
    };
    for round in 0..ROUNDS {
        let name = format!("v{round}");
        let id = server
            .create_variable(new_variable(&name, bytes(), 1))
            .await
            .unwrap();
        let update = |unit: Option<&str>, description: Option<&str>| {
            let request = pb::UpdateVariableRequest {
                id: id.clone(),
                unit: unit.map(str::to_owned),
                description: description.map(str::to_owned),
                ..Default::default()
            };
            let mut client = server.client();
            async move { client.update_variable(request).await }
        };
        let (one, other) = futures::join!(update(Some("m"), None), update(None, Some("height")));
        one.unwrap();
        other.unwrap();
        let request = pb::GetVariableRequest {
            identifier: Some(pb::get_variable_request::Identifier::Id(id.clone())),
        };
        let read = server.client().get_variable(request).await.unwrap();
        let variable = read.into_inner().variable.unwrap();
        assert_eq!(
            (variable.unit.as_str(), variable.description.as_str()),
            ("m", "height")
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_variable_that_is_deleted_gets_neither_instances_nor_parameters() {
    let Some(server) = Server::start().await else {
        return;
    };
    for round in 0..ROUNDS {
        let name = format!("v{round}");
        let id = server
            .create_variable(new_variable(&name, bytes(), 1))
            .await
            .unwrap();
        let delete = async {
            let request = pb::DeleteVariableRequest { id: id.clone() };
            server.client().delete_variable(request).await
        };
        let config = async {
            let consolidation_params = Some(pb::ConsolidationParams {
                dformat: Some(bytes()),
                exponent: 1.,
                resampling_alg: pb::Resampling::Near.into(),
                ..Default::default()
            });
            let request = pb::ConfigConsolidationRequest {
                variable_id: id.clone(),
                consolidation_params,
            };
            server.client().config_consolidation(request).await
        };
        let instances = join_all(["a", "b", "c"].map(|name| server.instantiate(&id, name)));
        let (deleted, configured, instances) = futures::join!(delete, config, instances);
        code(&deleted, &[Code::Ok]);
        code(&configured, &[Code::Ok, Code::NotFound]);
        successes(&instances, &[Code::NotFound]);
        let request = pb::GetConsolidationParamsRequest {
            variable_id: id.clone(),
        };
        let left = server.client().get_consolidation_params(request).await;
        code(&left, &[Code::NotFound]);
    }
    check_consistency(&server).await;
    let rows = "SELECT count(*) FROM geocube.variable_instances";
    if let Some(rows) = server.sql(rows) {
        assert_eq!(rows, "0");
    }
}
