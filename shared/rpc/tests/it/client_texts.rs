//! What the published Python client compares, cuts up or relies on.

use crate::catalogue::layout;
use crate::cube::EMPTY;
use crate::harness::Server;
use crate::harness::answers::{items, refused, refused_on, resource};
use crate::harness::catalogue::{at, dataset, format, map, new_record, new_variable, rectangle};
use crate::harness::cube::{groups, utm_request};
use crate::harness::raster::{Raster, have_gdal};
use rpc::pb;
use rpc::pb::data_format::Dtype;
use tonic::{Code, Request};

const BYTES: pb::DataFormat = pb::DataFormat {
    dtype: Dtype::UInt8 as i32,
    no_data: 0.,
    min_value: 0.,
    max_value: 255.,
};

#[tokio::test]
async fn the_id_of_an_existing_footprint_is_behind_the_last_space() {
    let Some(server) = Server::start().await else {
        return;
    };
    let id = server.create_aoi(rectangle(0., 0., 1., 1.)).await.unwrap();
    let status = refused(
        server.create_aoi(rectangle(0., 0., 1., 1.)).await,
        Code::AlreadyExists,
        "AOI with id: ",
    );
    assert_eq!(status.message().rsplit(' ').next(), Some(id.as_str()));
}

#[tokio::test]
async fn an_existing_record_is_found_by_its_name_tags_and_time() {
    let Some(server) = Server::start().await else {
        return;
    };
    let record = new_record("r", &server.some_aoi().await, 0, &[("a", "b")]);
    let id = server
        .create_records(vec![record.clone()])
        .await
        .unwrap()
        .remove(0);
    refused(
        server.create_records(vec![record.clone()]).await,
        Code::AlreadyExists,
        "",
    );
    let request = pb::ListRecordsRequest {
        name: record.name,
        tags: record.tags,
        from_time: record.time,
        to_time: record.time,
        limit: 10_000,
        ..Default::default()
    };
    let found = items(server.client().list_records(request).await)
        .await
        .unwrap();
    assert_eq!(found[0].record.as_ref().unwrap().id, id);
}

#[tokio::test]
async fn existing_variables_and_layouts_are_told_by_their_status() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (id, _) = server.variable("v", BYTES, 1).await;
    refused(
        server.create_variable(new_variable("v", BYTES, 1)).await,
        Code::AlreadyExists,
        "",
    );
    let request = pb::CreateLayoutRequest {
        layout: Some(layout("l")),
    };
    server
        .client()
        .create_layout(request.clone())
        .await
        .unwrap();
    refused(
        server.client().create_layout(request).await,
        Code::AlreadyExists,
        "",
    );
    // no parameters yet is "none"
    let none = server
        .client()
        .get_consolidation_params(pb::GetConsolidationParamsRequest { variable_id: id })
        .await;
    refused(none, Code::NotFound, "ConsolidationParams with id: ");
}

#[tokio::test]
async fn the_version_is_text_that_anyone_may_ask_for() {
    let Some(server) = Server::start().await else {
        return;
    };
    let version = server
        .client()
        .version(pb::GetVersionRequest {})
        .await
        .unwrap()
        .into_inner()
        .version;
    assert_eq!(version.split('.').count(), 3, "{version}");
}

#[tokio::test]
async fn the_first_instant_of_year_1_is_no_bound_of_a_cube() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (_, instance) = server.variable("v", BYTES, 1).await;
    server.record("r", 0).await;
    let null = at(-62_135_596_800, 0);
    let filters = pb::RecordFilters {
        from_time: null,
        to_time: null,
        tags: map(&[]),
    };
    let records = pb::ListRecordsRequest {
        from_time: null,
        to_time: null,
        ..Default::default()
    };
    assert_eq!(
        items(server.client().list_records(records).await)
            .await
            .unwrap()
            .len(),
        1
    );
    let lister = Some(pb::get_cube_request::RecordsLister::Filters(filters));
    let request = pb::GetCubeRequest {
        records_lister: lister,
        ..utm_request(&instance, 1, 1)
    };
    assert_eq!(server.cube(request).await.unwrap().header.count, 0);
}

#[tokio::test]
async fn every_polygon_that_is_answered_has_a_ring() {
    let Some(server) = Server::start().await else {
        return;
    };
    let mut aoi = rectangle(0., 0., 1., 1.);
    aoi.polygons.insert(0, pb::Polygon::default());
    let id = server.create_aoi(aoi).await.unwrap();
    let found = server
        .client()
        .get_aoi(pb::GetAoiRequest { id })
        .await
        .unwrap()
        .into_inner()
        .aoi
        .unwrap();
    assert!(
        !found.polygons.is_empty()
            && found
                .polygons
                .iter()
                .all(|polygon| !polygon.linearrings.is_empty())
    );
}

#[tokio::test]
async fn an_empty_slice_is_skipped_by_its_exact_text() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let (_, instance) = server.variable("v", BYTES, 1).await;
    let (empty, full) = (
        server.record("empty", 0).await,
        server.record("full", 1).await,
    );
    for (name, record, value) in [("empty", &empty, 0.), ("full", &full, 9.)] {
        Raster::utm("Byte", 2, 2, vec![value; 4]).write(&server.path(name));
        server
            .index(
                &server.uri(name),
                vec![dataset(record, &instance, BYTES, &[1])],
            )
            .await
            .unwrap();
    }
    // level 0 and groups, as the client asks
    let request = pb::GetCubeRequest {
        records_lister: groups(&[&[&empty], &[&full]]),
        ..utm_request(&instance, 2, 2)
    };
    let cube = server.cube(request).await.unwrap();
    assert_eq!(cube.header.count, 2);
    assert_eq!(cube.images[0].header.error, EMPTY);
    assert_eq!(
        (cube.images[0].header.nb_parts, cube.images[0].header.shape),
        (0, None),
        "no parts means no data"
    );
    assert_eq!(cube.images[1].samples(), [9.; 4], "the stream goes on");
}

#[tokio::test]
async fn oversized_messages_are_refused_with_both_sizes() {
    let Some(server) = Server::start().await else {
        return;
    };
    let text = "grpc: received message larger than max (5000050 vs. 4194304)";
    // one byte of tag and four of length
    let request = pb::ListRecordsRequest {
        name: "x".repeat(5_000_045),
        ..Default::default()
    };
    let answer = items(server.client().list_records(request).await).await;
    assert_eq!(
        refused(answer, Code::ResourceExhausted, "(5000050 vs. 4194304)").message(),
        text
    );
    let answer = server
        .client()
        .delete_layout(pb::DeleteLayoutRequest {
            name: "x".repeat(5_000_045),
        })
        .await;
    assert_eq!(refused(answer, Code::ResourceExhausted, "").message(), text);

    let cells = vec![pb::Cell {
        id: "x".repeat(5_000_000),
        ..Default::default()
    }];
    let grid = Some(pb::Grid {
        name: "g".to_owned(),
        description: String::new(),
        cells,
    });
    let stream = futures::stream::iter([pb::CreateGridRequest { grid }]);
    let status = server
        .client()
        .create_grid(Request::new(stream))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    assert!(status.message().contains(" vs. 4194304)"), "{status:?}");
    server
        .client()
        .version(pb::GetVersionRequest {})
        .await
        .unwrap();
}

#[tokio::test]
async fn long_texts_are_cut() {
    let Some(server) = Server::start().await else {
        return;
    };
    let uri = format!("/{}", "é".repeat(5_000));
    let status = refused(
        server.containers(&[&uri]).await,
        Code::NotFound,
        "Container with uri: /",
    );
    let name = resource(&status).1;
    let kept = name.strip_suffix("[...]").unwrap();
    assert!((999..=1000).contains(&kept.len()), "{}", kept.len());

    // each é is six bytes in the header of the message, which holds 4500
    let kept = status.message().strip_suffix("[...]").unwrap();
    assert!((1500..1520).contains(&kept.len()), "{}", kept.len());

    let uri = format!("/{}", "x".repeat(5_000));
    let status = refused(
        server.containers(&[&uri]).await,
        Code::NotFound,
        "Container with uri: /",
    );
    assert_eq!(status.message().len(), 3000 + "[...]".len());
}

#[tokio::test]
async fn what_is_not_served_is_unimplemented() {
    let Some(server) = Server::start().await else {
        return;
    };
    for path in [
        "/geocube.Geocube/Unknown",
        "/geocube.GeocubeDownloader/Version",
        "/geocube.GeocubeDownloader/DownloadCube",
    ] {
        assert_eq!(
            server.call(path, vec![vec![]]).await,
            Code::Unimplemented,
            "{path}"
        );
    }
}

#[tokio::test]
async fn existing_names_are_in_the_details() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (_, _) = server.variable("v", BYTES, 1).await;
    let again = server.create_variable(new_variable("v", BYTES, 1)).await;
    refused_on(
        again,
        Code::AlreadyExists,
        "Variable with name: v",
        "Variable",
        "v",
    );
    let (id, _) = server.variable("w", BYTES, 1).await;
    let status = refused(
        server.instantiate(&id, "master").await,
        Code::AlreadyExists,
        "Instance with name: w:master",
    );
    assert_eq!(
        (resource(&status).0.as_str(), status.message()),
        ("Instance", "Instance with name: w:master")
    );
    assert_eq!(format(Dtype::UInt8, 0., 0., 255.), BYTES);
}
