//! The public contract: messages, enums, clients and servers generated from `proto/pb/*.proto`.
//!
//! Maps are `BTreeMap`, so that equal messages have equal bytes; payloads are [`bytes::Bytes`].

#![allow(
    missing_docs,
    unused_qualifications,
    clippy::pedantic,
    reason = "generated code"
)]

tonic::include_proto!("geocube");

/// Encoded `google.protobuf.FileDescriptorSet` of the contract and everything it imports, for
/// server reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/geocube.bin"));
