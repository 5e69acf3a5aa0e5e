use crate::harness::Server;
use crate::harness::answers::items;
use crate::harness::catalogue::{format, map, new_record, new_variable};
use rpc::pb;
use rpc::pb::data_format::Dtype;

const NAMES: [&str; 3] = ["p-a", "pXa", "p_a"];
const TAG: &str = r"100%_x\";

/// (patterns, names that they match)
const BY_NAME: [(&[&str], &[&str]); 4] = [
    (&["p_a", "p_a(?i)", "P_A(?i)", "p_*", "p_?"], &["p_a"]),
    (&["p?a", "P*(?i)", "*a", "", "???"], &NAMES),
    (&["p*(?I)", "(?i)", "%", "p%", "p?", "P*"], &[]),
    (&["*x*(?i)", "pX?"], &["pXa"]),
];

/// (patterns of the value of the tag, whether they match it)
const BY_TAG: [(&[&str], bool); 2] = [
    (
        &[r"100%_x\", r"100%*", r"*\", r"100%?x\", r"100%_X\(?i)", ""],
        true,
    ),
    (&[r"1%(?i)", r"1\00*", r"%", r"_*", r"100%"], false),
];

#[tokio::test]
async fn names_match_their_patterns() {
    let Some(server) = Server::start().await else {
        return;
    };
    let aoi = server.some_aoi().await;
    server
        .create_records(
            NAMES
                .iter()
                .map(|name| new_record(name, &aoi, 0, &[]))
                .collect(),
        )
        .await
        .unwrap();
    for name in NAMES {
        let bytes = format(Dtype::UInt8, 0., 0., 255.);
        server
            .create_variable(new_variable(name, bytes, 1))
            .await
            .unwrap();
        let layout = super::layouts::layout(name);
        server
            .client()
            .create_layout(pb::CreateLayoutRequest {
                layout: Some(layout),
            })
            .await
            .unwrap();
    }
    for (patterns, expected) in BY_NAME {
        for pattern in patterns {
            let name = (*pattern).to_owned();
            let request = pb::ListRecordsRequest {
                name: name.clone(),
                ..Default::default()
            };
            let found = items(server.client().list_records(request).await)
                .await
                .unwrap();
            let mut records: Vec<_> = found
                .into_iter()
                .map(|item| item.record.unwrap().name)
                .collect();
            records.sort();
            assert_eq!(records, expected, "records, {pattern}");

            let request = pb::ListVariablesRequest {
                name: name.clone(),
                ..Default::default()
            };
            let found = items(server.client().list_variables(request).await)
                .await
                .unwrap();
            let variables: Vec<_> = found
                .into_iter()
                .map(|item| item.variable.unwrap().name)
                .collect();
            assert_eq!(variables, expected, "variables, {pattern}");

            let request = pb::ListLayoutsRequest { name_like: name };
            let found = server
                .client()
                .list_layouts(request)
                .await
                .unwrap()
                .into_inner()
                .layouts;
            let layouts: Vec<_> = found.into_iter().map(|layout| layout.name).collect();
            assert_eq!(layouts, expected, "layouts, {pattern}");
        }
    }
}

#[tokio::test]
async fn values_of_tags_match_their_patterns() {
    let Some(server) = Server::start().await else {
        return;
    };
    server.tagged_record("r", 0, &[("v", TAG)]).await;
    server.record("without", 0).await;
    let list = async |key: &str, value: &str| {
        let request = pb::ListRecordsRequest {
            tags: map(&[(key, value)]),
            ..Default::default()
        };
        items(server.client().list_records(request).await)
            .await
            .unwrap()
            .len()
    };
    for (patterns, matches) in BY_TAG {
        for pattern in patterns {
            assert_eq!(list("v", pattern).await, usize::from(matches), "{pattern}");
        }
    }
    for key in ["*", "?", "V", ""] {
        assert_eq!(list(key, "").await, 0, "keys are no patterns: {key}");
    }
}
