//! A contract as plain data, in the shape of `wire.json`. Names are full names.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Clone, Deserialize)]
pub struct Contract {
    pub package: String,
    pub files: BTreeMap<String, File>,
    pub messages: BTreeMap<String, Message>,
    pub enums: BTreeMap<String, Enum>,
    pub services: BTreeMap<String, Service>,
}

#[derive(Clone, Deserialize)]
pub struct File {
    pub package: String,
    pub syntax: String,
    pub go_package: String,
    pub dependencies: Vec<String>,
    /// Short names of the top-level types.
    pub messages: Vec<String>,
    pub enums: Vec<String>,
    pub services: Vec<String>,
}

#[derive(Clone, Deserialize)]
pub struct Message {
    pub file: String,
    pub fields: Vec<Field>,
    pub oneofs: Vec<String>,
}

#[derive(Clone, Deserialize)]
pub struct Field {
    pub name: String,
    pub number: u32,
    /// As in a `.proto` file, or `message` or `enum`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Full name of the message or enum.
    pub type_name: Option<String>,
    /// `optional` (that is, singular), `repeated` or `map`.
    pub label: String,
    pub oneof: Option<String>,
    pub map: Option<Map>,
    pub json_name: String,
    /// `implicit`, `explicit` or `none` (repeated and map).
    pub presence: String,
    /// Of repeated fields only.
    pub packed: Option<bool>,
    #[serde(default)]
    pub deprecated: bool,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Map {
    pub key: String,
    pub value: String,
}

#[derive(Clone, Deserialize)]
pub struct Enum {
    pub file: String,
    pub values: Vec<EnumValue>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct EnumValue {
    pub name: String,
    pub number: i32,
}

#[derive(Clone, Deserialize)]
pub struct Service {
    pub file: String,
    pub methods: Vec<Method>,
}

#[derive(Clone, Deserialize)]
pub struct Method {
    pub name: String,
    pub input: String,
    pub output: String,
    pub client_streaming: bool,
    pub server_streaming: bool,
    pub http: Option<Http>,
    pub deprecated: bool,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Http {
    pub verb: String,
    pub path: String,
    pub body: String,
    pub response_body: String,
}
