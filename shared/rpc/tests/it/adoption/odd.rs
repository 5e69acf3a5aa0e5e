//! Rows that today's rules would refuse.

use super::{Adopted, FRESH, Server, UPGRADES, id};
use crate::harness::answers::refused;
use crate::harness::cube::{records, utm_request};
use crate::harness::raster::{Raster, have_gdal};
use rpc::pb;
use std::fs;
use tonic::Code;

#[tokio::test]
async fn files_of_a_kind_that_is_not_served_do_not_keep_the_others_from_being_read() {
    if !have_gdal() {
        return;
    }
    on_both_histories!(unserved);
}

async fn unserved(server: &Server) {
    Raster::utm("Float32", 4, 4, vec![0.25; 16]).write(&server.path("old.tif"));
    fs::create_dir(server.path("managed")).unwrap();
    Raster::utm("Float32", 4, 4, vec![0.5; 16]).write(&server.path("managed/m.tif"));
    let far = "https://h/a.tif";
    let up = "/d/../a.tif";
    let found = server.containers(&[far, up]).await.unwrap();
    let found: Vec<_> = found.iter().map(|c| (c.uri.as_str(), c.managed)).collect();
    assert_eq!(found, [(far, true), (up, false)]);

    let ids = [1, 3, 4].map(|number| id('b', number));
    let request = pb::GetCubeRequest {
        records_lister: records(&[&ids[0], &ids[1], &ids[2]]),
        ..utm_request(&id('d', 1), 4, 4)
    };
    let cube = server.cube(request).await.unwrap();
    assert_eq!(cube.images.len(), 3);
    for image in &cube.images {
        if image.records()[0] == ids[0] {
            assert_eq!(image.samples()[5], 0.5);
            continue;
        }
        let error = &image.header.error;
        assert!(error.contains("is not served"), "{error}");
    }

    let request = pb::DeleteDatasetsRequest {
        dataset_patterns: vec![far.to_owned(), "/d/*".to_owned()],
        ..Default::default()
    };
    let job = server.client().delete_datasets(request).await.unwrap();
    let job = job.into_inner().job.unwrap();
    assert_eq!(job.state, "DONE", "{job:?}");
    let stays = format!("{far} is not served: it stays");
    assert!(job.logs.iter().any(|line| line.contains(&stays)), "{job:?}");
    for gone in [far, up] {
        refused(server.containers(&[gone]).await, Code::NotFound, gone);
    }
}

#[tokio::test]
async fn variables_and_palettes_that_break_the_rules_are_changed_and_drawn() {
    on_both_histories!(odd_variables);
}

async fn odd_variables(server: &Server) {
    let mut client = server.client();
    for (number, bands) in [(3, &[][..]), (4, &["b", "b"])] {
        let update = pb::UpdateVariableRequest {
            id: id('c', number),
            name: Some(format!("renamed{number}")),
            description: Some("about".to_owned()),
            ..Default::default()
        };
        client.update_variable(update).await.unwrap();
        let request = pb::GetVariableRequest {
            identifier: Some(pb::get_variable_request::Identifier::Id(id('c', number))),
        };
        let found = client.get_variable(request).await.unwrap().into_inner();
        let found = found.variable.unwrap();
        assert_eq!(
            (found.name, found.description.as_str()),
            (format!("renamed{number}"), "about")
        );
        assert_eq!(found.bands, bands);
    }
    for (number, code, text) in [
        (5, Code::NotFound, "No data found"),
        (6, Code::FailedPrecondition, "the palette blank"),
    ] {
        let all = pb::get_tile_request::RecordsLister::Filters(pb::RecordFilters::default());
        let request = pb::GetTileRequest {
            instance_id: id('d', number),
            records_lister: Some(all),
            ..Default::default()
        };
        refused(client.get_xyz_tile(request).await, code, text);
    }
}
