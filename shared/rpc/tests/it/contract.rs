//! The compiled contract against `wire.json`, the data that every published client relies on.
//!
//! Only additions that old clients can ignore pass: new methods, new messages and enums, and
//! fields numbered from 1000 on.

mod compare;
mod compare_tests;
mod describe;
mod model;

use compare::differences;
use describe::describe;
use model::Contract;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use prost_types::field_descriptor_proto::Type;

/// What published clients rely on.
fn published() -> Contract {
    serde_json::from_str(include_str!("wire.json")).unwrap()
}

#[test]
fn compiled_contract_is_the_published_one() {
    let found = differences(&published(), &describe(rpc::pb::FILE_DESCRIPTOR_SET));

    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The comparison starts from bytes: a break in the descriptors reaches it.
#[test]
fn break_in_the_descriptors_is_seen() {
    let mut set = FileDescriptorSet::decode(rpc::pb::FILE_DESCRIPTOR_SET).unwrap();
    let file = set.file.iter_mut().find(|f| f.name() == "pb/layouts.proto");
    let messages = &mut file.unwrap().message_type;
    let tile = messages.iter_mut().find(|m| m.name() == "Tile").unwrap();
    tile.field[2].number = Some(4);
    tile.field[2].r#type = Some(Type::Bytes as i32);

    let found = differences(&published(), &describe(&set.encode_to_vec()));

    for expected in [
        "geocube.Tile: crs: number: published 3, ours 4",
        "geocube.Tile: crs: type: published \"string\", ours \"bytes\"",
    ] {
        assert!(found.iter().any(|line| line == expected), "{found:?}");
    }
}

#[test]
fn published_contract_is_whole() {
    let published = published();
    let fields = published.messages.values().map(|m| m.fields.len());
    let methods = published.services.values().map(|s| s.methods.len());

    assert_eq!(published.files.len(), 11);
    assert_eq!(published.messages.len(), 122);
    assert_eq!(fields.sum::<usize>(), 304);
    assert_eq!(published.enums.len(), 7);
    assert_eq!(published.services.len(), 3);
    assert_eq!(methods.sum::<usize>(), 46);
}
