//! What one request may hold.

use super::edge;
use crate::harness::Server;
use crate::harness::answers::{invalid, items};
use crate::harness::catalogue::{UNKNOWN, aoi, dataset, format, new_record};
use crate::harness::cube::utm_request;
use app::Limits;
use rpc::pb;
use rpc::pb::data_format::Dtype;
use std::collections::BTreeMap;
use tonic::Request;

const BOUND: usize = 2;
const COUNTS: [usize; 2] = [BOUND, BOUND + 1];

fn unknown(count: usize) -> Vec<String> {
    vec![UNKNOWN.to_owned(); count]
}

fn tags(count: usize) -> BTreeMap<String, String> {
    let tag = |number| (format!("k{number}"), "v".to_owned());
    (0..count).map(tag).collect()
}

#[tokio::test]
async fn records_and_datasets_of_one_request_are_counted() {
    let limits = Limits {
        records_per_request: BOUND,
        ..Limits::default()
    };
    let Some(server) = Server::with_limits(limits).await else {
        return;
    };
    let aoi = server.some_aoi().await;
    let bytes = format(Dtype::UInt8, 0., 0., 255.);
    for count in COUNTS {
        let names = (0..count).map(|number| format!("{count}-{number}"));
        let records = names.map(|name| new_record(&name, &aoi, 0, &[])).collect();
        let answer = server.create_records(records).await;
        edge(answer, count, BOUND, &["records", "maxRecords"]);
        let datasets = vec![dataset(UNKNOWN, UNKNOWN, bytes, &[1]); count];
        let answer = server.index(&server.uri("a.tif"), datasets).await;
        edge(answer, count, BOUND, &["datasets", "maxRecords"]);
    }
}

#[tokio::test]
async fn ids_of_one_request_are_counted() {
    let limits = Limits {
        ids_per_request: BOUND,
        ..Limits::default()
    };
    let Some(server) = Server::with_limits(limits).await else {
        return;
    };
    let names = ["ids", "maxRecords"];
    for count in COUNTS {
        let mut client = server.client();
        let ids = unknown(count);
        let request = pb::GetRecordsRequest { ids: ids.clone() };
        edge(
            items(client.get_records(request).await).await,
            count,
            BOUND,
            &names,
        );
        let request = pb::DeleteRecordsRequest {
            ids: ids.clone(),
            no_fail: false,
        };
        edge(client.delete_records(request).await, count, BOUND, &names);
        let request = pb::AddRecordsTagsRequest {
            ids: ids.clone(),
            tags: tags(1),
        };
        edge(client.add_records_tags(request).await, count, BOUND, &names);
        let request = pb::RemoveRecordsTagsRequest {
            ids: ids.clone(),
            tags_key: vec!["k".to_owned()],
        };
        edge(
            client.remove_records_tags(request).await,
            count,
            BOUND,
            &names,
        );
        let uris: Vec<String> = (0..count).map(|number| format!("/{number}")).collect();
        let request = pb::GetContainersRequest { uris };
        edge(
            client.get_containers(request).await,
            count,
            BOUND,
            &["uris", "maxRecords"],
        );
        let list = || pb::RecordIdList { ids: ids.clone() };
        let request = pb::ListDatasetsRequest {
            instance_id: UNKNOWN.to_owned(),
            records_lister: Some(pb::list_datasets_request::RecordsLister::Records(list())),
        };
        edge(client.list_datasets(request).await, count, BOUND, &names);
        let request = pb::ConsolidateRequest {
            instance_id: UNKNOWN.to_owned(),
            records_lister: Some(pb::consolidate_request::RecordsLister::Records(list())),
            ..Default::default()
        };
        edge(client.consolidate(request).await, count, BOUND, &names);
        let request = pb::DeleteDatasetsRequest {
            record_ids: ids.clone(),
            ..Default::default()
        };
        edge(client.delete_datasets(request).await, count, BOUND, &names);
        let request = pb::DeleteDatasetsRequest {
            instance_ids: ids.clone(),
            ..Default::default()
        };
        edge(client.delete_datasets(request).await, count, BOUND, &names);
        let group = pb::GroupedRecordIds { ids: ids.clone() };
        let request = pb::GetTileRequest {
            instance_id: UNKNOWN.to_owned(),
            records_lister: Some(pb::get_tile_request::RecordsLister::Records(group)),
            ..Default::default()
        };
        edge(client.get_xyz_tile(request).await, count, BOUND, &names);
    }
}

#[tokio::test]
async fn ids_of_a_cube_are_counted_over_all_groups() {
    use pb::get_cube_request::RecordsLister;
    let limits = Limits {
        ids_per_request: BOUND,
        ..Limits::default()
    };
    let Some(server) = Server::with_limits(limits).await else {
        return;
    };
    let names = ["ids", "maxRecords"];
    for count in COUNTS {
        let cube = |instances: usize, lister| pb::GetCubeRequest {
            instances_id: unknown(instances),
            records_lister: Some(lister),
            ..utm_request(UNKNOWN, 1, 1)
        };
        let list = RecordsLister::Records(pb::RecordIdList {
            ids: unknown(count),
        });
        edge(server.cube(cube(1, list)).await, count, BOUND, &names);
        let group = pb::GroupedRecordIds { ids: unknown(1) };
        let groups = RecordsLister::GroupedRecords(pb::GroupedRecordIdsList {
            records: vec![group; count],
        });
        edge(server.cube(cube(1, groups)).await, count, BOUND, &names);
        let all = RecordsLister::Filters(pb::RecordFilters::default());
        edge(server.cube(cube(count, all)).await, count, BOUND, &names);
    }
}

#[tokio::test]
async fn tags_their_filters_and_patterns_are_counted() {
    let limits = Limits {
        tags: BOUND,
        ..Limits::default()
    };
    let Some(server) = Server::with_limits(limits).await else {
        return;
    };
    let aoi = server.some_aoi().await;
    let record = server.record("tagged", 0).await;
    for count in COUNTS {
        let mut client = server.client();
        let filters = || pb::RecordFilters {
            tags: tags(count),
            ..Default::default()
        };
        let names = ["tags", "maxTags"];
        let new = pb::NewRecord {
            tags: tags(count),
            ..new_record(&format!("{count}"), &aoi, 0, &[])
        };
        edge(server.create_records(vec![new]).await, count, BOUND, &names);
        let ids = vec![record.clone()];
        let request = pb::AddRecordsTagsRequest {
            ids: ids.clone(),
            tags: tags(count),
        };
        edge(client.add_records_tags(request).await, count, BOUND, &names);
        let request = pb::RemoveRecordsTagsRequest {
            ids,
            tags_key: tags(count).into_keys().collect(),
        };
        edge(
            client.remove_records_tags(request).await,
            count,
            BOUND,
            &names,
        );
        let request = pb::ListRecordsRequest {
            tags: tags(count),
            ..Default::default()
        };
        edge(
            items(client.list_records(request).await).await,
            count,
            BOUND,
            &names,
        );
        let request = pb::ListDatasetsRequest {
            instance_id: UNKNOWN.to_owned(),
            records_lister: Some(pb::list_datasets_request::RecordsLister::Filters(filters())),
        };
        edge(client.list_datasets(request).await, count, BOUND, &names);
        let request = pb::ConsolidateRequest {
            instance_id: UNKNOWN.to_owned(),
            records_lister: Some(pb::consolidate_request::RecordsLister::Filters(filters())),
            ..Default::default()
        };
        edge(client.consolidate(request).await, count, BOUND, &names);
        let request = pb::GetCubeRequest {
            records_lister: Some(pb::get_cube_request::RecordsLister::Filters(filters())),
            ..utm_request(UNKNOWN, 1, 1)
        };
        edge(server.cube(request).await, count, BOUND, &names);
        let request = pb::GetTileRequest {
            instance_id: UNKNOWN.to_owned(),
            records_lister: Some(pb::get_tile_request::RecordsLister::Filters(filters())),
            ..Default::default()
        };
        edge(client.get_xyz_tile(request).await, count, BOUND, &names);
        let request = pb::DeleteDatasetsRequest {
            dataset_patterns: vec!["nothing*".to_owned(); count],
            ..Default::default()
        };
        let names = ["dataset_patterns", "maxTags"];
        edge(client.delete_datasets(request).await, count, BOUND, &names);
    }
}

#[tokio::test]
async fn notes_of_an_instance_are_counted() {
    let limits = Limits {
        tags: BOUND,
        ..Limits::default()
    };
    let Some(server) = Server::with_limits(limits).await else {
        return;
    };
    let bytes = format(Dtype::UInt8, 0., 0., 255.);
    let (variable, instance) = server.variable("v", bytes, 1).await;
    for count in COUNTS {
        let mut client = server.client();
        let request = pb::InstantiateVariableRequest {
            variable_id: variable.clone(),
            instance_name: format!("i{count}"),
            instance_metadata: tags(count),
        };
        let answer = client.instantiate_variable(request).await;
        edge(answer, count, BOUND, &["instance_metadata", "maxTags"]);
        let change = || pb::UpdateInstanceRequest {
            id: instance.clone(),
            ..Default::default()
        };
        let request = pb::UpdateInstanceRequest {
            add_metadata: tags(count),
            ..change()
        };
        let answer = client.update_instance(request).await;
        edge(answer, count, BOUND, &["add_metadata", "maxTags"]);
        let request = pb::UpdateInstanceRequest {
            del_metadata_keys: tags(count).into_keys().collect(),
            ..change()
        };
        let answer = client.update_instance(request).await;
        edge(answer, count, BOUND, &["del_metadata_keys", "maxTags"]);
    }
}

#[tokio::test]
async fn the_bytes_of_the_notes_of_an_instance_are_bounded_over_all_changes() {
    let Some(server) = Server::start().await else {
        return;
    };
    let bytes = format(Dtype::UInt8, 0., 0., 255.);
    let (variable, instance) = server.variable("v", bytes, 1).await;
    let note = |key: &str, bytes: usize| BTreeMap::from([(key.to_owned(), "v".repeat(bytes - 1))]);
    for (name, size, fits) in [("a", 65_536, true), ("b", 65_537, false)] {
        let request = pb::InstantiateVariableRequest {
            variable_id: variable.clone(),
            instance_name: name.to_owned(),
            instance_metadata: note("k", size),
        };
        let answer = server.client().instantiate_variable(request).await;
        if fits {
            answer.unwrap();
        } else {
            invalid(
                answer,
                "Invalid instance_metadata: 65537 bytes, expected at most 65536",
            );
        }
    }
    let update = async |key: &str, bytes: usize, remove: &[&str]| {
        let request = pb::UpdateInstanceRequest {
            id: instance.clone(),
            add_metadata: note(key, bytes),
            del_metadata_keys: remove.iter().map(|key| (*key).to_owned()).collect(),
            ..Default::default()
        };
        server.client().update_instance(request).await
    };
    update("a", 40_000, &[]).await.unwrap();
    let text = "Invalid Instance.metadata: 70000 bytes, expected at most 65536";
    invalid(update("b", 30_000, &[]).await, text);
    update("b", 30_000, &["a"]).await.unwrap();
}

#[tokio::test]
async fn vertices_of_an_area_are_counted() {
    let limits = Limits {
        aoi_vertices: 5,
        ..Limits::default()
    };
    let Some(server) = Server::with_limits(limits).await else {
        return;
    };
    let five = aoi(&[&[&[(0., 0.), (0., 1.), (1., 1.), (1., 0.), (0., 0.)]]]);
    let six = aoi(&[&[&[(0., 0.), (0., 1.), (1., 1.), (2., 1.), (1., 0.), (0., 0.)]]]);
    let list = |aoi: &pb::Aoi| pb::ListRecordsRequest {
        aoi: Some(aoi.clone()),
        ..Default::default()
    };
    let mut client = server.client();
    server.create_aoi(five.clone()).await.unwrap();
    items(client.list_records(list(&five)).await).await.unwrap();
    let text = "AOI has 6 vertices, expected at most 5 (maxAoiVertices)";
    invalid(server.create_aoi(six.clone()).await, text);
    invalid(items(client.list_records(list(&six)).await).await, text);
    let tiling = pb::TileAoiRequest {
        aoi: Some(six),
        identifier: None,
    };
    invalid(client.tile_aoi(tiling).await, text);
}

fn cell(id: &str, vertices: usize) -> pb::Cell {
    // along the south side, then back over the north
    let south = (0..vertices - 2).map(|number| pb::Coord {
        lon: number as f32 / vertices as f32,
        lat: 0.,
    });
    let rest = [(0.5, 1.), (0., 0.)].map(|(lon, lat)| pb::Coord { lon, lat });
    pb::Cell {
        id: id.to_owned(),
        crs: "4326".to_owned(),
        coordinates: Some(pb::LinearRing {
            points: south.chain(rest).collect(),
        }),
    }
}

fn pieces(name: &str, cells: Vec<pb::Cell>) -> Vec<pb::CreateGridRequest> {
    let grid = |cell| pb::Grid {
        name: name.to_owned(),
        description: String::new(),
        cells: vec![cell],
    };
    let piece = |cell| pb::CreateGridRequest {
        grid: Some(grid(cell)),
    };
    cells.into_iter().map(piece).collect()
}

#[tokio::test]
async fn cells_of_a_grid_are_counted_over_all_messages() {
    let limits = Limits {
        grid_cells: BOUND,
        ..Limits::default()
    };
    let Some(server) = Server::with_limits(limits).await else {
        return;
    };
    for count in COUNTS {
        let cells = (0..count).map(|number| cell(&format!("c{number}"), 5));
        let pieces = pieces(&format!("g{count}"), cells.collect());
        let stream = Request::new(futures::stream::iter(pieces));
        let answer = server.client().create_grid(stream).await;
        edge(answer, count, BOUND, &["cells", "maxGridCells"]);
    }
}

#[tokio::test]
async fn vertices_of_a_grid_are_counted_over_all_messages() {
    let limits = Limits {
        grid_cells: 2,
        aoi_vertices: 20,
        ..Limits::default()
    };
    let Some(server) = Server::with_limits(limits).await else {
        return;
    };
    // sixteen for each of two cells
    for (first, second) in [(20, 12), (20, 13)] {
        let cells = vec![cell("a", first), cell("b", second)];
        let pieces = pieces(&format!("g{second}"), cells);
        let stream = Request::new(futures::stream::iter(pieces));
        let answer = server.client().create_grid(stream).await;
        edge(answer, first + second, 32, &["vertices", "maxGridCells"]);
    }
    for vertices in [20, 21] {
        let pieces = pieces(&format!("g{vertices}"), vec![cell("a", vertices)]);
        let stream = Request::new(futures::stream::iter(pieces));
        let answer = server.client().create_grid(stream).await;
        edge(answer, vertices, 20, &["vertices", "maxAoiVertices"]);
    }
}
