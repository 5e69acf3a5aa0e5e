//! The comparison itself: each kind of break is seen, each allowed addition passes.

use super::compare::differences;
use super::model::{Contract, Enum, EnumValue, Field, Message, Method};
use super::published;

const MESSAGE: &str = "geocube.ConsolidateRequest";

/// What the comparison says after `change`.
fn after(change: impl FnOnce(&mut Contract)) -> Vec<String> {
    let mut ours = published();
    change(&mut ours);
    differences(&published(), &ours)
}

fn message<'a>(contract: &'a mut Contract, name: &str) -> &'a mut Message {
    contract.messages.get_mut(name).unwrap()
}

fn field<'a>(contract: &'a mut Contract, name: &str) -> &'a mut Field {
    let fields = &mut message(contract, MESSAGE).fields;
    fields.iter_mut().find(|field| field.name == name).unwrap()
}

fn method<'a>(contract: &'a mut Contract, name: &str) -> &'a mut Method {
    let service = contract.services.get_mut("geocube.Geocube").unwrap();
    let methods = &mut service.methods;
    methods
        .iter_mut()
        .find(|method| method.name == name)
        .unwrap()
}

fn added_field(number: u32) -> Field {
    Field {
        name: "priority".to_owned(),
        number,
        kind: "int32".to_owned(),
        type_name: None,
        label: "optional".to_owned(),
        oneof: None,
        map: None,
        json_name: "priority".to_owned(),
        presence: "implicit".to_owned(),
        packed: None,
        deprecated: false,
    }
}

fn add_field(contract: &mut Contract, number: u32) {
    message(contract, MESSAGE).fields.push(added_field(number));
}

#[test]
fn unchanged_contract_has_no_difference() {
    assert_eq!(after(|_| ()), [""; 0]);
}

#[test]
fn changed_field_is_seen() {
    type Change = fn(&mut Field);
    let cases: [(&str, Change); 8] = [
        ("number: published 1, ours 3", |f| f.number = 3),
        ("type: published \"string\", ours \"bytes\"", |f| {
            f.kind = "bytes".to_owned();
        }),
        ("label: published \"optional\", ours \"repeated\"", |f| {
            f.label = "repeated".to_owned();
        }),
        (
            "oneof: published None, ours Some(\"records_lister\")",
            |f| {
                f.oneof = Some("records_lister".to_owned());
            },
        ),
        ("json name: published \"jobName\", ours \"name\"", |f| {
            f.json_name = "name".to_owned();
        }),
        ("presence: published \"implicit\", ours \"explicit\"", |f| {
            f.presence = "explicit".to_owned();
        }),
        ("packed: published None, ours Some(true)", |f| {
            f.packed = Some(true);
        }),
        ("deprecated: published false, ours true", |f| {
            f.deprecated = true;
        }),
    ];
    for (expected, change) in cases {
        let found = after(|contract| change(field(contract, "job_name")));
        assert_eq!(found, [format!("{MESSAGE}: job_name: {expected}")]);
    }
}

#[test]
fn removed_field_is_seen() {
    let found = after(|contract| {
        let fields = &mut message(contract, MESSAGE).fields;
        fields.retain(|field| field.name != "layout_name");
    });

    assert_eq!(found, [format!("{MESSAGE}: layout_name: missing")]);
}

#[test]
fn renamed_field_is_seen() {
    let found = after(|contract| field(contract, "layout_name").name = "layout".to_owned());

    assert_eq!(
        found,
        [
            format!("{MESSAGE}: layout_name: missing"),
            format!("{MESSAGE}: layout: added with number 7, below 1000"),
        ]
    );
}

#[test]
fn added_field_passes_from_1000_on() {
    for number in [3, 10, 999] {
        let expected = format!("{MESSAGE}: priority: added with number {number}, below 1000");
        assert_eq!(after(|contract| add_field(contract, number)), [expected]);
    }
    assert_eq!(after(|contract| add_field(contract, 1000)), [""; 0]);
}

#[test]
fn changed_type_of_a_map_is_seen() {
    let found = after(|contract| {
        let results = &mut message(contract, "geocube.UpdateDatasetsResponse").fields[0];
        results.map.as_mut().unwrap().value = "int32".to_owned();
    });

    assert_eq!(found.len(), 1);
    assert!(found[0].contains("results: map:"), "{found:?}");
}

#[test]
fn changed_method_is_seen() {
    let path = "/geocube.Geocube/GetXYZTile";
    let streaming = after(|contract| method(contract, "GetXYZTile").server_streaming = true);
    assert_eq!(
        streaming,
        [format!(
            "{path}: server streaming: published false, ours true"
        )]
    );

    let no_http = after(|contract| method(contract, "GetXYZTile").http = None);
    assert_eq!(no_http.len(), 1);
    assert!(no_http[0].starts_with(&format!("{path}: http: ")));

    let renamed = after(|contract| method(contract, "GetXYZTile").name = "GetTile".to_owned());
    assert_eq!(renamed, [format!("{path}: missing")]);
}

#[test]
fn removed_and_moved_types_are_seen() {
    let removed = after(|contract| drop(contract.messages.remove(MESSAGE)));
    assert_eq!(removed, [format!("{MESSAGE}: missing")]);

    let moved = after(|contract| message(contract, MESSAGE).file = "pb/jobs.proto".to_owned());
    assert_eq!(moved.len(), 1);
}

#[test]
fn enums_and_services_do_not_change() {
    let grown = after(|contract| {
        let values = &mut contract.enums.get_mut("geocube.FileFormat").unwrap().values;
        values.push(EnumValue {
            name: "Zarr".to_owned(),
            number: 2,
        });
    });
    assert_eq!(grown.len(), 1);

    let added = after(|contract| {
        let admin = contract.services["geocube.Admin"].clone();
        contract.services.insert("geocube.Other".to_owned(), admin);
    });
    assert_eq!(added, ["geocube.Other: added service"]);
}

#[test]
fn added_methods_messages_and_enums_pass() {
    let found = after(|contract| {
        let mut added = method(contract, "GetJob").clone();
        added.name = "WatchJob".to_owned();
        let service = contract.services.get_mut("geocube.Geocube").unwrap();
        service.methods.push(added);

        let file = "pb/operations.proto";
        let added = Message {
            file: file.to_owned(),
            fields: vec![added_field(1)],
            oneofs: Vec::new(),
        };
        contract.messages.insert("geocube.Watch".to_owned(), added);
        let added = Enum {
            file: file.to_owned(),
            values: Vec::new(),
        };
        contract.enums.insert("geocube.Pace".to_owned(), added);
        let file = contract.files.get_mut(file).unwrap();
        file.messages.push("Watch".to_owned());
        file.enums.push("Pace".to_owned());
        file.dependencies
            .push("google/protobuf/duration.proto".to_owned());
    });

    assert_eq!(found, [""; 0]);
}
