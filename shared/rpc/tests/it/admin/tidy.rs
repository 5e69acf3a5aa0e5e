use crate::catalogue::{BYTES, layout};
use crate::harness::answers::items;
use crate::harness::catalogue::{dataset, new_record, new_variable, rectangle};
use crate::harness::raster::{Raster, have_gdal};
use crate::harness::{Bounds, Server};
use rpc::pb;
use std::time::Duration;

/// Everything that can be asked for.
fn everything() -> pb::TidyDbRequest {
    pb::TidyDbRequest {
        simulate: false,
        pending_ao_is: true,
        pending_records: true,
        pending_variables: true,
        pending_instances: true,
        pending_containers: true,
        pending_params: true,
    }
}

/// The numbers of records, footprints, instances, variables, containers and parameters.
async fn tidy(server: &Server, request: pb::TidyDbRequest) -> [i64; 6] {
    let found = server.admin().tidy_db(request).await.unwrap().into_inner();
    [
        found.nb_records,
        found.nb_ao_is,
        found.nb_instances,
        found.nb_variables,
        found.nb_containers,
        found.nb_params,
    ]
}

fn simulated(request: pb::TidyDbRequest) -> pb::TidyDbRequest {
    pb::TidyDbRequest {
        simulate: true,
        ..request
    }
}

async fn configure(server: &Server, variable_id: &str) {
    let params = pb::ConsolidationParams {
        dformat: Some(BYTES),
        exponent: 1.,
        resampling_alg: pb::Resampling::Near.into(),
        ..Default::default()
    };
    let request = pb::ConfigConsolidationRequest {
        variable_id: variable_id.to_owned(),
        consolidation_params: Some(params),
    };
    server.client().config_consolidation(request).await.unwrap();
}

#[tokio::test]
async fn records_free_their_footprints_in_a_simulation_too() {
    let Some(server) = Server::start().await else {
        return;
    };
    let mut footprints = Vec::new();
    for side in 1..10 {
        let aoi = rectangle(0., 0., side as f32, 1.);
        footprints.push(server.create_aoi(aoi).await.unwrap());
    }
    let record = new_record("r", &footprints[0], 0, &[]);
    server.create_records(vec![record]).await.unwrap();
    let footprints = pb::TidyDbRequest {
        pending_ao_is: true,
        ..Default::default()
    };
    let both = pb::TidyDbRequest {
        pending_records: true,
        ..footprints
    };
    for _ in 0..2 {
        let none = tidy(&server, pb::TidyDbRequest::default()).await;
        assert_eq!(none, [0; 6]);
        assert_eq!(tidy(&server, simulated(both)).await, [1, 9, 0, 0, 0, 0]);
        assert_eq!(
            tidy(&server, simulated(footprints)).await,
            [0, 8, 0, 0, 0, 0]
        );
    }
    assert_eq!(tidy(&server, footprints).await, [0, 8, 0, 0, 0, 0]);
    assert_eq!(tidy(&server, both).await, [1, 1, 0, 0, 0, 0]);
    assert_eq!(tidy(&server, everything()).await, [0; 6]);
}

#[tokio::test]
async fn what_is_used_or_ours_stays() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    // used: a record on its footprint, an instance, a container
    let (used, used_instance) = server.variable("used", BYTES, 1).await;
    configure(&server, &used).await;
    let record = server.record("used", 0).await;
    Raster::utm("Byte", 2, 2, vec![1.; 4]).write(&server.path("used.tif"));
    let uri = server.uri("used.tif");
    let image = dataset(&record, &used_instance, BYTES, &[1]);
    server.index(&uri, vec![image]).await.unwrap();
    // ours: a file of the service, palettes, layouts, grids
    let ours = server.uri("ours/empty.tif");
    let container = Some(pb::Container {
        uri: ours.clone(),
        managed: true,
        datasets: vec![],
    });
    let request = pb::IndexDatasetsRequest { container };
    server.client().index_datasets(request).await.unwrap();
    server.palette("ramp").await;
    let layout = Some(layout("l"));
    let request = pb::CreateLayoutRequest { layout };
    server.client().create_layout(request).await.unwrap();
    let grid = pb::Grid {
        name: "g".to_owned(),
        ..Default::default()
    };
    let pieces = futures::stream::iter([pb::CreateGridRequest { grid: Some(grid) }]);
    server.client().create_grid(pieces).await.unwrap();
    // left over: an instance of the used variable, a variable with its instance and parameters, a
    // variable without, a record on the footprint of the other, and a container
    server.instantiate(&used, "left").await.unwrap();
    let (left, _) = server.variable("left", BYTES, 1).await;
    configure(&server, &left).await;
    let bare = new_variable("bare", BYTES, 1);
    server.create_variable(bare).await.unwrap();
    server.record("left", 0).await;
    server.index(&server.uri("left.tif"), vec![]).await.unwrap();

    let variables_alone = pb::TidyDbRequest {
        pending_variables: true,
        ..Default::default()
    };
    let alone = tidy(&server, simulated(variables_alone)).await;
    assert_eq!(alone, [0, 0, 0, 1, 0, 0], "the others have instances");
    let params_alone = pb::TidyDbRequest {
        pending_params: true,
        ..Default::default()
    };
    assert_eq!(tidy(&server, simulated(params_alone)).await, [0; 6]);
    let expected = [1, 0, 2, 2, 1, 1];
    assert_eq!(tidy(&server, simulated(everything())).await, expected);
    assert_eq!(tidy(&server, everything()).await, expected);
    assert_eq!(tidy(&server, everything()).await, [0; 6]);

    let mut client = server.client();
    let variables = client.list_variables(pb::ListVariablesRequest::default());
    let variables = items(variables.await).await.unwrap();
    let kept = variables[0].variable.as_ref().unwrap();
    assert_eq!((variables.len(), kept.instances.len()), (1, 1));
    let records = client.list_records(pb::ListRecordsRequest::default());
    assert_eq!(items(records.await).await.unwrap().len(), 1);
    let found = server.containers(&[&uri, &ours]).await.unwrap();
    assert_eq!((found[0].datasets.len(), found[1].managed), (1, true));
    let layouts = client.list_layouts(pb::ListLayoutsRequest::default());
    assert_eq!(layouts.await.unwrap().into_inner().layouts.len(), 1);
    let grids = client.list_grids(pb::ListGridsRequest::default());
    assert_eq!(grids.await.unwrap().into_inner().grids.len(), 1);
    let params = pb::GetConsolidationParamsRequest { variable_id: used };
    client.get_consolidation_params(params).await.unwrap();
}

#[tokio::test]
async fn what_is_younger_than_the_minimum_age_stays() {
    let bounds = Bounds {
        tidy_min_age: Duration::from_hours(24),
        ..Bounds::default()
    };
    let Some(server) = Server::with_bounds(bounds).await else {
        return;
    };
    let (variable, _) = server.variable("v", BYTES, 1).await;
    configure(&server, &variable).await;
    server.record("r", 0).await;
    server.index(&server.uri("a.tif"), vec![]).await.unwrap();
    assert_eq!(tidy(&server, everything()).await, [0; 6]);
    let tables = [
        "records",
        "aoi",
        "variable_instances",
        "variable_definitions",
        "containers",
        "consolidation_params",
    ];
    for created in ["now() - interval '23 hours'", "now() + interval '1 hour'"] {
        for table in tables {
            server.sql(&format!(
                "UPDATE geocube.{table} SET created_at = {created}"
            ));
        }
        assert_eq!(tidy(&server, everything()).await, [0; 6], "{created}");
    }
    // rows of an adopted database have no time
    for (table, created) in tables
        .iter()
        .zip(["NULL", "now() - interval '25 hours'"].iter().cycle())
    {
        let update = format!("UPDATE geocube.{table} SET created_at = {created}");
        if server.sql(&update).is_none() {
            return;
        }
    }
    assert_eq!(tidy(&server, everything()).await, [1; 6]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tidying_beside_an_ingestion_never_fails_and_the_ingestion_learns_what_is_gone() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    Raster::utm("Byte", 2, 2, vec![1.; 4]).write(&server.path("a.tif"));
    let ingest = async |number: i64| {
        let aoi = rectangle(0., 0., 1. + number as f32, 1.);
        let aoi_id = server.create_aoi(aoi).await?;
        let record = new_record("r", &aoi_id, number, &[]);
        let record = server.create_records(vec![record]).await?.remove(0);
        let name = format!("v{number}");
        let variable = new_variable(&name, BYTES, 1);
        let variable = server.create_variable(variable).await?;
        let instance = server.instantiate(&variable, "master").await?;
        let uri = server.uri(&format!("{number}.tif"));
        std::fs::copy(server.path("a.tif"), server.path(&format!("{number}.tif"))).unwrap();
        server.index(&uri, vec![]).await?;
        let image = dataset(&record, &instance, BYTES, &[1]);
        server.index(&uri, vec![image]).await?;
        Ok::<_, tonic::Status>(record)
    };
    let tidying = async {
        for _ in 0..20 {
            tidy(&server, everything()).await;
        }
    };
    let ingestions = futures::future::join_all((0..12).map(ingest));
    let (results, ()) = futures::future::join(ingestions, tidying).await;
    let mut indexed = Vec::new();
    for result in results {
        match result {
            Ok(record) => indexed.push(record),
            Err(status) => assert_eq!(status.code(), tonic::Code::NotFound, "{status:?}"),
        }
    }
    tidy(&server, everything()).await;
    let request = pb::GetRecordsRequest {
        ids: indexed.clone(),
    };
    let kept = items(server.client().get_records(request).await).await;
    assert_eq!(kept.unwrap().len(), indexed.len());
}
