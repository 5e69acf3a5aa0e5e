//! A catalogue of release 1.1.0, taken over and served with no more rights than on rows.

use crate::harness::answers::{items, refused};
use crate::harness::catalogue::{at, dataset, format, map, new_record, new_variable, rectangle};
use crate::harness::cube::{records, utm_request};
use crate::harness::raster::{Raster, have_gdal};
use crate::harness::{Bounds, Server};
use database::testing::TestDatabase;
use database::testing::reference::{self, FRESH, UPGRADES};
use database::{Database, PoolOptions};
use rpc::pb;
use rpc::pb::data_format::Dtype;
use std::fs;
use tonic::Code;

const UNIT: pb::DataFormat = pb::DataFormat {
    dtype: Dtype::Float32 as i32,
    no_data: -9.,
    min_value: -1.,
    max_value: 1.,
};

/// The id of a row of the fixture.
fn id(kind: char, number: u32) -> String {
    format!("{kind}0000000-0000-4000-8000-{number:012}")
}

/// A role with the rights that services have, and no others.
struct Role {
    name: String,
}

impl Role {
    fn new() -> Self {
        let name = format!(
            "apiserver_{}",
            domain::JobId::new().to_string().replace('-', "")
        );
        Self { name }
    }

    /// To be run before the adoption: what is added later is granted by it.
    fn grants(&self) -> String {
        let Self { name } = self;
        format!(
            "CREATE ROLE {name} LOGIN; GRANT USAGE ON SCHEMA geocube TO {name};
             GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA geocube TO {name};
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA geocube TO {name}"
        )
    }

    async fn connect(&self, url: &str) -> Database {
        let (scheme, rest) = url.split_once("://").unwrap();
        let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
        let url = format!("{scheme}://{}@{rest}", self.name);
        Database::connect(&url, &PoolOptions::default())
            .await
            .unwrap()
    }
}

/// A server on an adopted catalogue.
struct Adopted {
    server: Server,
    role: Role,
}

impl Adopted {
    async fn start(scripts: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let (role, rows) = (
            Role::new(),
            reference::rows(folder.path().to_str().unwrap()),
        );
        let mut all = scripts.to_vec();
        let grants = role.grants();
        all.extend([rows.as_str(), reference::ODD, reference::QUEUE, &grants]);
        let database = TestDatabase::adopted(&all).await?;
        let db = role.connect(&database.url()).await;
        db.check_schema().await.unwrap();
        let server = Server::over(database, db, folder, Bounds::default()).await;
        Some(Self { server, role })
    }

    /// Drops the role, which belongs to the whole cluster.
    async fn end(self) {
        let Self { server, role } = self;
        server.db.close().await;
        let name = role.name;
        server
            .database
            .run(&[&format!("DROP OWNED BY {name}; DROP ROLE {name}")])
            .await;
    }
}

/// Runs a test on both histories of the schema.
macro_rules! on_both_histories {
    ($test:path) => {
        for scripts in [&[FRESH][..], &UPGRADES] {
            let Some(adopted) = Adopted::start(scripts).await else {
                return;
            };
            $test(&adopted.server).await;
            adopted.end().await;
        }
    };
}

mod odd;

#[tokio::test]
async fn records_and_footprints_are_read_and_recognised() {
    on_both_histories!(records_and_footprints);
}

async fn records_and_footprints(server: &Server) {
    let get = |id| pb::GetAoiRequest { id };
    let square = server.client().get_aoi(get(id('a', 1))).await.unwrap();
    let polygons = square.into_inner().aoi.unwrap().polygons;
    assert_eq!(polygons, rectangle(0., 0., 1., 1.).polygons);
    let parts = server.client().get_aoi(get(id('a', 2))).await.unwrap();
    let rings: Vec<usize> = parts
        .into_inner()
        .aoi
        .unwrap()
        .polygons
        .iter()
        .map(|polygon| polygon.linearrings.len())
        .collect();
    assert_eq!(rings, [2, 1]);
    // the hash of the same bytes is the same
    let again = server.create_aoi(rectangle(0., 0., 1., 1.)).await;
    let text = format!("AOI with id: {}", id('a', 1));
    assert_eq!(refused(again, Code::AlreadyExists, "").message(), text);

    let all = server
        .client()
        .list_records(pb::ListRecordsRequest::default())
        .await;
    let all: Vec<pb::Record> = items(all)
        .await
        .unwrap()
        .into_iter()
        .filter_map(|item| item.record)
        .collect();
    let ids: Vec<_> = all.iter().map(|record| record.id.clone()).collect();
    assert_eq!(ids, [4, 1, 2, 3].map(|number| id('b', number)));
    assert_eq!(all[0].time, at(-1, 999_999_000));
    assert_eq!(all[0].tags, map(&[("été", "日本")]));
    let tags = [
        ("constellation", "SENTINEL2"),
        ("cloud", "12,5 %"),
        (r#"a "b"=>c"#, r"d\e"),
        ("empty", ""),
        ("gone", ""),
    ];
    assert_eq!(all[1].tags, map(&tags));
    assert_eq!(all[1].time, at(1_577_874_631, 123_457_000));
    assert_eq!(all[2].tags, map(&[]));

    // what a client does that wants a record whether or not it is there: it rounds as we do
    let mut same = new_record("S2B_20200102", &id('a', 1), 1, &[("k", "v")]);
    same.time = at(1_577_923_200, 400);
    let time = same.time;
    refused(
        server.create_records(vec![same]).await,
        Code::AlreadyExists,
        "Record with : S2B_20200102",
    );
    let exactly = pb::ListRecordsRequest {
        name: "S2B_20200102".to_owned(),
        tags: map(&[("k", "v")]),
        from_time: time,
        to_time: time,
        ..Default::default()
    };
    let found = items(server.client().list_records(exactly).await)
        .await
        .unwrap();
    assert_eq!(found[0].record.as_ref().unwrap().id, id('b', 3));

    let new = server.tagged_record("new", 3, &[("k", "v")]).await;
    let get = pb::GetRecordsRequest {
        ids: vec![new.clone(), id('b', 4), new],
    };
    let read = items(server.client().get_records(get).await).await.unwrap();
    assert_eq!(read.len(), 2);
}

#[tokio::test]
async fn variables_layouts_grids_and_jobs_are_read_and_changed() {
    on_both_histories!(everything_else);
}

async fn everything_else(server: &Server) {
    let mut client = server.client();
    let listed = client
        .list_variables(pb::ListVariablesRequest::default())
        .await;
    let listed = items(listed).await.unwrap();
    let variables: Vec<pb::Variable> = listed
        .into_iter()
        .filter_map(|item| item.variable)
        .collect();
    let names: Vec<_> = variables
        .iter()
        .map(|variable| variable.name.as_str())
        .collect();
    assert_eq!(names, ["blank", "dull", "ndvi", "rgb", "twice", "unused"]);
    let [_, _, ndvi, rgb, _, unused] = variables.as_slice() else {
        panic!("{variables:?}");
    };
    let ndvi_format = ndvi.dformat.unwrap();
    assert!(ndvi_format.no_data.is_nan());
    assert_eq!((ndvi.palette.as_str(), rgb.palette.as_str()), ("ramp", ""));
    assert_eq!(ndvi.resampling_alg(), pb::Resampling::Bilinear);
    assert_eq!(unused.bands, [""; 0]);
    let metadata: Vec<_> = ndvi
        .instances
        .iter()
        .map(|instance| (instance.name.as_str(), instance.metadata.clone()))
        .collect();
    let notes = map(&[("note", "of 2020"), ("gone", "")]);
    assert_eq!(metadata, [("master", map(&[])), ("v2", notes)]);

    let request = pb::GetConsolidationParamsRequest {
        variable_id: id('c', 1),
    };
    let params = client.get_consolidation_params(request).await.unwrap();
    let params = params.into_inner().consolidation_params.unwrap();
    assert_eq!(
        params.dformat,
        Some(format(Dtype::Int16, -10001., -10000., 10000.))
    );
    assert_eq!(
        params.compression(),
        pb::consolidation_params::Compression::Custom
    );
    assert_eq!(
        params.creation_params,
        map(&[("COMPRESS", "ZSTD"), ("ZLEVEL", "3")])
    );

    let layouts = client.list_layouts(pb::ListLayoutsRequest::default()).await;
    let layouts = layouts.unwrap().into_inner().layouts;
    assert_eq!(layouts.len(), 1);
    assert_eq!(
        (layouts[0].grid_flags.len(), layouts[0].max_records),
        (1, 100)
    );
    let used = client
        .delete_layout(pb::DeleteLayoutRequest {
            name: "tiles".to_owned(),
        })
        .await;
    refused(
        used,
        Code::FailedPrecondition,
        "layouts and container_layouts",
    );
    let again = pb::CreateLayoutRequest {
        layout: Some(layouts[0].clone()),
    };
    refused(
        client.create_layout(again).await,
        Code::AlreadyExists,
        "Layout with name: tiles",
    );
    let grids = client.list_grids(pb::ListGridsRequest::default()).await;
    assert_eq!(
        grids.unwrap().into_inner().grids[0].description,
        "fields of a farm"
    );

    // a type that release 1.1.0 does not know
    let int8 = new_variable("int8", format(Dtype::Int8, -128., -100., 100.), 1);
    let int8 = server.create_variable(int8).await.unwrap();
    server.instantiate(&int8, "master").await.unwrap();
    server.instantiate(&id('c', 3), "first").await.unwrap();
    jobs(server).await;
}

async fn jobs(server: &Server) {
    let mut client = server.client();
    let jobs = client.list_jobs(pb::ListJobsRequest::default()).await;
    let jobs = jobs.unwrap().into_inner().jobs;
    let found: Vec<_> = jobs
        .iter()
        .map(|job| (job.name.as_str(), job.state.as_str()))
        .collect();
    let expected = [
        ("done job", "DONE"),
        ("untidy job", "DONEBUTUNTIDY"),
        ("", "FAILED"),
    ];
    assert_eq!(found, expected);
    let request = pb::GetJobRequest {
        id: id('e', 1),
        log_page: 0,
        log_limit: 10,
    };
    let job = client
        .get_job(request)
        .await
        .unwrap()
        .into_inner()
        .job
        .unwrap();
    assert_eq!(job.logs.len(), 2, "{job:?}");
    // it is tried again where it stopped: its file is gone already
    let retry = pb::RetryJobRequest {
        id: id('e', 2),
        force_any_state: true,
    };
    client.retry_job(retry).await.unwrap();
    let request = pb::GetJobRequest {
        id: id('e', 2),
        log_page: 0,
        log_limit: 100,
    };
    let job = client
        .get_job(request)
        .await
        .unwrap()
        .into_inner()
        .job
        .unwrap();
    assert_eq!(job.state, "DONE", "{job:?}");
    let clean = pb::CleanJobsRequest::default();
    let cleaned = client.clean_jobs(clean).await.unwrap().into_inner().count;
    assert_eq!(cleaned, 3);
}

#[tokio::test]
async fn images_lie_as_they_did_and_new_ones_on_top() {
    if !have_gdal() {
        return;
    }
    on_both_histories!(images);
}

async fn images(server: &Server) {
    fs::create_dir(server.path("managed")).unwrap();
    let file = |name: &str, value: f64| {
        Raster::utm("Float32", 4, 4, vec![value; 16]).write(&server.path(name));
        server.uri(name)
    };
    let (old, managed) = (file("old.tif", 0.25), file("managed/m.tif", 0.5));
    let far = "gs://bucket/far.tif".to_owned();
    let uris = [
        &old,
        &managed,
        &server.uri("empty.tif"),
        &far,
        "/elsewhere/a.tif",
    ];
    let containers = server.containers(&uris).await.unwrap();
    let found: Vec<_> = containers
        .iter()
        .map(|container| (container.managed, container.datasets.len()))
        .collect();
    assert_eq!(
        found,
        [(false, 1), (true, 1), (false, 0), (true, 1), (false, 1)]
    );
    let cut = &containers[3].datasets[0];
    assert_eq!(cut.bands, [3, 1, 2]);
    assert_eq!(
        (cut.container_subdir.as_str(), cut.exponent),
        ("GTIFF_DIR:2", 0.5)
    );

    let list = pb::ListDatasetsRequest {
        instance_id: id('d', 1),
        records_lister: None,
    };
    let listed = server.client().list_datasets(list).await.unwrap();
    let metas = listed.into_inner().dataset_metas;
    let order: Vec<_> = metas[1]
        .internals_meta
        .iter()
        .map(|meta| meta.container_uri.as_str())
        .collect();
    assert_eq!(order, [&old, &managed], "by id");
    assert_eq!(metas.len(), 3, "{metas:?}");

    let request = pb::GetCubeRequest {
        records_lister: records(&[&id('b', 1)]),
        ..utm_request(&id('d', 1), 4, 4)
    };
    let value = async || server.cube(request.clone()).await.unwrap().images[0].samples()[5];
    assert_eq!(value().await, 0.5);
    // the same call as when it was indexed
    let same = pb::DataFormat {
        no_data: f64::NAN,
        ..UNIT
    };
    let new = file("new.tif", 0.75);
    let indexed = vec![dataset(&id('b', 1), &id('d', 1), same, &[1])];
    server.index(&new, indexed.clone()).await.unwrap();
    server.index(&new, indexed).await.unwrap();
    assert_eq!(value().await, 0.75);
    delete(server, &[&new]).await;
    assert_eq!(value().await, 0.5);

    // hidden from readers, and from whoever indexes: a deletion is not over
    let hidden = dataset(&id('b', 1), &id('d', 1), UNIT, &[1]);
    let there = server.index("/elsewhere/a.tif", vec![hidden]).await;
    refused(there, Code::InvalidArgument, "allowedPaths");
    delete(server, &[&managed]).await;
    assert!(!server.path("managed/m.tif").exists());
    assert_eq!(value().await, 0.25);
}

async fn delete(server: &Server, uris: &[&String]) {
    let request = pb::DeleteDatasetsRequest {
        dataset_patterns: uris.iter().map(|uri| (*uri).clone()).collect(),
        ..Default::default()
    };
    let answer = server.client().delete_datasets(request).await.unwrap();
    assert_eq!(answer.into_inner().job.unwrap().state, "DONE");
}
