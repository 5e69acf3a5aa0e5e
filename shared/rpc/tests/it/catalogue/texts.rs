//! Texts with every character that means something to SQL, to patterns or to the encoding of maps and
//! arrays: each comes back as it was given, from every field that takes free text.

use super::layouts::layout;
use super::records::list;
use super::variables::{BYTES, get};
use crate::harness::Server;
use crate::harness::answers::{invalid, items};
use crate::harness::catalogue::{dataset, new_record, new_variable};
use crate::harness::raster::{Raster, have_gdal};
use futures::stream;
use rpc::pb;
use rpc::pb::get_variable_request::Identifier;
use std::collections::{BTreeMap, BTreeSet};

/// Texts without wildcards.
const PLAIN: [&str; 24] = [
    "it's",
    "\"quoted\"",
    "back\\slash",
    "\\",
    "\\\\'\\\"",
    "100%",
    "_",
    "'; DROP TABLE geocube.records; --",
    "') OR 1=1 --",
    "$1",
    "$$x$$",
    "%s %d {0}",
    "{a,b}",
    "{\"a\"}",
    "NULL",
    "null",
    "=>",
    "\"a\"=>\"b\", \"c\"=>NULL",
    "a\nb\tc\r\n",
    " a  b ",
    "é日本🛰\u{202e}",
    "\u{1}\u{7f}\u{feff}",
    "E'\\x41'",
    "// -- # ;",
];

/// Texts with wildcards, and the empty one.
const WILD: [&str; 6] = ["/* */", "*", "a?b", "x(?i)", "%*_?\\", ""];

fn all() -> impl Iterator<Item = &'static str> + Clone {
    PLAIN.into_iter().chain(WILD)
}

/// A map with each text as a key, and another one as its value.
fn pairs(texts: impl Iterator<Item = &'static str> + Clone) -> BTreeMap<String, String> {
    let values = texts.clone().skip(1).chain(["last"]);
    texts
        .zip(values)
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

#[tokio::test]
async fn tags_of_records_come_back() {
    let Some(server) = Server::start().await else {
        return;
    };
    let given = pairs(PLAIN.into_iter().chain([""]));
    let tagged = pb::NewRecord {
        tags: given.clone(),
        ..new_record("tagged", &server.some_aoi().await, 0, &[])
    };
    let tagged = server.create_records(vec![tagged]).await.unwrap();
    let edited = vec![server.record("edited", 1).await];
    let request = pb::AddRecordsTagsRequest {
        ids: edited.clone(),
        tags: given.clone(),
    };
    server.client().add_records_tags(request).await.unwrap();
    for ids in [tagged, edited.clone()] {
        let request = pb::GetRecordsRequest { ids };
        let found = items(server.client().get_records(request).await).await;
        assert_eq!(found.unwrap()[0].record.as_ref().unwrap().tags, given);
    }
    for (key, value) in &given {
        let one = BTreeMap::from([(key.clone(), value.clone())]);
        let request = pb::ListRecordsRequest {
            tags: one,
            ..Default::default()
        };
        let found = list(&server, request).await.unwrap();
        assert_eq!(found, ["tagged", "edited"], "{key:?}={value:?}");
        let other = BTreeMap::from([(key.clone(), format!("{value}x"))]);
        let request = pb::ListRecordsRequest {
            tags: other,
            ..Default::default()
        };
        let found = list(&server, request).await.unwrap();
        assert!(found.is_empty(), "{key:?}={value:?}");
    }
    let request = pb::RemoveRecordsTagsRequest {
        ids: edited,
        tags_key: PLAIN.map(str::to_owned).to_vec(),
    };
    let nb = server.client().remove_records_tags(request).await.unwrap();
    assert_eq!(nb.into_inner().nb, PLAIN.len() as i64);
    let request = pb::ListRecordsRequest {
        tags: BTreeMap::from([(PLAIN[0].to_owned(), String::new())]),
        ..Default::default()
    };
    assert_eq!(list(&server, request).await.unwrap(), ["tagged"]);
}

#[tokio::test]
async fn texts_of_variables_and_instances_come_back() {
    let Some(server) = Server::start().await else {
        return;
    };
    let bands: Vec<String> = all()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .collect();
    let given = pb::Variable {
        bands: bands.clone(),
        ..new_variable("v", BYTES, 1)
    };
    let id = server.create_variable(given).await.unwrap();
    for text in all() {
        let request = pb::UpdateVariableRequest {
            id: id.clone(),
            unit: Some(text.to_owned()),
            description: Some(format!("{text}{text}")),
            ..Default::default()
        };
        server.client().update_variable(request).await.unwrap();
        let found = get(&server, Identifier::Id(id.clone())).await.unwrap();
        assert_eq!(found.unit, text);
        assert_eq!(found.description, format!("{text}{text}"));
        assert_eq!(found.bands, bands);
    }
    let metadata = pairs(all());
    let request = pb::InstantiateVariableRequest {
        variable_id: id.clone(),
        instance_name: "master".to_owned(),
        instance_metadata: metadata.clone(),
    };
    let made = server.client().instantiate_variable(request).await.unwrap();
    let instance = made.into_inner().instance.unwrap();
    assert_eq!(instance.metadata, metadata);
    let update = async |add: BTreeMap<String, String>, delete: Vec<String>| {
        let request = pb::UpdateInstanceRequest {
            id: instance.id.clone(),
            name: None,
            add_metadata: add,
            del_metadata_keys: delete,
        };
        server.client().update_instance(request).await.unwrap();
        let identifier = Identifier::InstanceId(instance.id.clone());
        let mut found = get(&server, identifier).await.unwrap();
        found.instances.remove(0).metadata
    };
    let keys = |count| all().take(count).map(str::to_owned).collect::<Vec<_>>();
    let left = update(BTreeMap::new(), keys(10)).await;
    assert_eq!(left.len(), metadata.len() - 10);
    assert_eq!(update(metadata.clone(), vec![]).await, metadata);
}

#[tokio::test]
async fn texts_of_layouts_grids_and_parameters_come_back() {
    let Some(server) = Server::start().await else {
        return;
    };
    let given = pb::Layout {
        grid_flags: all().map(str::to_owned).collect(),
        ..layout("l")
    };
    let mut unknown = given.clone();
    unknown.grid_parameters.extend(pairs(all()));
    let request = pb::CreateLayoutRequest {
        layout: Some(unknown),
    };
    let refusal = server.client().create_layout(request).await;
    invalid(refusal, "unknown parameter");
    let request = pb::CreateLayoutRequest {
        layout: Some(given.clone()),
    };
    server.client().create_layout(request).await.unwrap();
    let request = pb::ListLayoutsRequest::default();
    let found = server.client().list_layouts(request).await.unwrap();
    assert_eq!(found.into_inner().layouts, [given]);

    for (number, text) in all().enumerate() {
        let grid = pb::Grid {
            name: format!("g{number}"),
            description: text.to_owned(),
            cells: vec![],
        };
        let request = pb::CreateGridRequest {
            grid: Some(grid.clone()),
        };
        let mut client = server.client();
        client.create_grid(stream::iter([request])).await.unwrap();
        let name_like = grid.name.clone();
        let found = client.list_grids(pb::ListGridsRequest { name_like }).await;
        assert_eq!(found.unwrap().into_inner().grids, [grid]);
    }

    let (variable_id, _) = server.variable("v", BYTES, 1).await;
    for text in all() {
        let options = BTreeMap::from([("ZLEVEL".to_owned(), text.to_owned())]);
        let params = pb::ConsolidationParams {
            dformat: Some(BYTES),
            exponent: 1.,
            resampling_alg: pb::Resampling::Near.into(),
            creation_params: options,
            ..Default::default()
        };
        let request = pb::ConfigConsolidationRequest {
            variable_id: variable_id.clone(),
            consolidation_params: Some(params),
        };
        // values of options are no free texts
        let answer = server.client().config_consolidation(request).await;
        invalid(answer, "creationParams ZLEVEL");
    }
}

#[tokio::test]
async fn names_of_files_and_of_jobs_come_back() {
    let Some(server) = Server::start().await else {
        return;
    };
    if !have_gdal() {
        return;
    }
    let (_, instance) = server.variable("v", BYTES, 1).await;
    let raster = Raster::utm("Byte", 2, 2, vec![1.; 4]);
    raster.write(&server.path("plain.tif"));
    // a name ends at a slash, and holds no control character
    let fits = |text: &&str| !text.contains('/') && !text.chars().any(char::is_control);
    let texts: Vec<&str> = all().filter(fits).filter(|text| !text.is_empty()).collect();
    let mut uris = Vec::new();
    for (day, text) in texts.iter().enumerate() {
        let name = format!("{text}.tif");
        std::fs::copy(server.path("plain.tif"), server.path(&name)).unwrap();
        let record = server.record("r", day as i64).await;
        let uri = server.uri(&name);
        let image = dataset(&record, &instance, BYTES, &[1]);
        server.index(&uri, vec![image]).await.unwrap();
        uris.push(uri);
    }
    let given: Vec<&str> = uris.iter().map(String::as_str).collect();
    let found = server.containers(&given).await.unwrap();
    let found: Vec<&str> = found.iter().map(|found| found.uri.as_str()).collect();
    assert_eq!(found, given);

    let mut names = BTreeSet::new();
    for (text, uri) in texts
        .iter()
        .zip(&uris)
        .filter(|(text, _)| PLAIN.contains(text))
    {
        let request = pb::DeleteDatasetsRequest {
            job_name: (*text).to_owned(),
            dataset_patterns: vec![uri.clone()],
            ..Default::default()
        };
        let job = server.client().delete_datasets(request).await.unwrap();
        let job = job.into_inner().job.unwrap();
        assert_eq!((job.name.as_str(), job.state.as_str()), (*text, "DONE"));
        let request = pb::ListJobsRequest {
            name_like: (*text).to_owned(),
            ..Default::default()
        };
        let found = server
            .client()
            .list_jobs(request)
            .await
            .unwrap()
            .into_inner();
        let found: Vec<_> = found.jobs.into_iter().map(|job| job.name).collect();
        assert_eq!(found, [*text]);
        names.insert((*text).to_owned());
    }
    assert!(names.len() > 10, "{names:?}");
    // each pattern took its own file only
    let left = uris.len() - names.len();
    let request = pb::ListDatasetsRequest {
        instance_id: instance,
        ..Default::default()
    };
    let found = server.client().list_datasets(request).await.unwrap();
    assert_eq!(found.into_inner().records.len(), left);
    let request = pb::CleanJobsRequest {
        name_like: PLAIN[0].to_owned(),
        ..Default::default()
    };
    let cleaned = server.client().clean_jobs(request).await.unwrap();
    assert_eq!(cleaned.into_inner().count, 1);
}

#[tokio::test]
async fn names_are_of_few_characters_and_never_change() {
    let Some(server) = Server::start().await else {
        return;
    };
    let aoi = server.some_aoi().await;
    let (variable, instance) = server.variable("v", BYTES, 1).await;
    for text in all() {
        let record = server.create_records(vec![new_record(text, &aoi, 0, &[])]);
        if text == "_" || text == "NULL" || text == "null" {
            record.await.unwrap();
            continue;
        }
        invalid(record.await, "Invalid Name");
        let named = server.create_variable(new_variable(text, BYTES, 1)).await;
        invalid(named, "ame");
        invalid(server.instantiate(&variable, text).await, "Instance.name");
        let request = pb::UpdateVariableRequest {
            id: variable.clone(),
            name: Some(text.to_owned()),
            ..Default::default()
        };
        invalid(server.client().update_variable(request).await, "ame");
        let request = pb::UpdateInstanceRequest {
            id: instance.clone(),
            name: Some(text.to_owned()),
            ..Default::default()
        };
        invalid(server.client().update_instance(request).await, "ame");
        let request = pb::CreateLayoutRequest {
            layout: Some(layout(text)),
        };
        invalid(server.client().create_layout(request).await, "ame");
        let grid = Some(pb::Grid {
            name: text.to_owned(),
            ..Default::default()
        });
        let pieces = stream::iter([pb::CreateGridRequest { grid }]);
        invalid(server.client().create_grid(pieces).await, "Grid.name");
    }
}
