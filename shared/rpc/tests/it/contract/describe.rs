//! Compiled descriptors as a [`Contract`].

use prost_reflect::prost_types::field_descriptor_proto::Type;
use prost_reflect::prost_types::{FieldOptions, MethodOptions};
use prost_reflect::{
    DescriptorPool, DynamicMessage, EnumDescriptor, FieldDescriptor, FileDescriptor,
    MessageDescriptor, MethodDescriptor, ServiceDescriptor,
};

use super::model::{Contract, Enum, EnumValue, Field, File, Http, Map, Message, Method, Service};

const PACKAGE: &str = "geocube";

/// The contract in an encoded `FileDescriptorSet`, without what it imports from elsewhere.
pub fn describe(descriptor_set: &[u8]) -> Contract {
    let pool = DescriptorPool::decode(descriptor_set).unwrap();
    let ours = |package: &str| package == PACKAGE;
    Contract {
        package: PACKAGE.to_owned(),
        files: pool
            .files()
            .filter(|file| ours(file.package_name()))
            .map(|file| (file.name().to_owned(), describe_file(&file)))
            .collect(),
        messages: pool
            .all_messages()
            .filter(|message| ours(message.package_name()) && !message.is_map_entry())
            .map(|message| (message.full_name().to_owned(), describe_message(&message)))
            .collect(),
        enums: pool
            .all_enums()
            .filter(|an_enum| ours(an_enum.package_name()))
            .map(|an_enum| (an_enum.full_name().to_owned(), describe_enum(&an_enum)))
            .collect(),
        services: pool
            .services()
            .filter(|service| ours(service.package_name()))
            .map(|service| (service.full_name().to_owned(), describe_service(&service)))
            .collect(),
    }
}

fn describe_file(file: &FileDescriptor) -> File {
    let proto = file.file_descriptor_proto();
    File {
        package: proto.package().to_owned(),
        syntax: proto.syntax().to_owned(),
        go_package: proto.options.as_ref().unwrap().go_package().to_owned(),
        dependencies: proto.dependency.clone(),
        messages: file.messages().map(|m| m.name().to_owned()).collect(),
        enums: file.enums().map(|e| e.name().to_owned()).collect(),
        services: file.services().map(|s| s.name().to_owned()).collect(),
    }
}

fn describe_message(message: &MessageDescriptor) -> Message {
    // In order of declaration, which the descriptor keeps and `fields()` does not.
    let declared = &message.descriptor_proto().field;
    let fields = declared
        .iter()
        .map(|field| describe_field(&message.get_field_by_name(field.name()).unwrap()))
        .collect();
    Message {
        file: message.parent_file().name().to_owned(),
        fields,
        oneofs: message.oneofs().map(|o| o.name().to_owned()).collect(),
    }
}

fn describe_field(field: &FieldDescriptor) -> Field {
    let proto = field.field_descriptor_proto();
    let label = if field.is_map() {
        "map"
    } else if field.is_list() {
        "repeated"
    } else {
        "optional"
    };
    let presence = match (label, field.supports_presence()) {
        ("optional", true) => "explicit",
        ("optional", false) => "implicit",
        _ => "none",
    };
    Field {
        name: field.name().to_owned(),
        number: field.number(),
        kind: type_name(proto.r#type()),
        type_name: proto
            .type_name
            .as_deref()
            .map(|name| name.trim_start_matches('.').to_owned()),
        label: label.to_owned(),
        oneof: field.containing_oneof().map(|o| o.name().to_owned()),
        map: field.is_map().then(|| describe_map(field)),
        json_name: field.json_name().to_owned(),
        presence: presence.to_owned(),
        packed: field.is_list().then(|| field.is_packed()),
        deprecated: proto.options.as_ref().is_some_and(FieldOptions::deprecated),
    }
}

fn describe_map(field: &FieldDescriptor) -> Map {
    let kind = field.kind();
    let entry = kind.as_message().unwrap();
    let of = |field: FieldDescriptor| type_name(field.field_descriptor_proto().r#type());
    Map {
        key: of(entry.map_entry_key_field()),
        value: of(entry.map_entry_value_field()),
    }
}

/// `TYPE_INT64` as `int64`.
fn type_name(kind: Type) -> String {
    kind.as_str_name()
        .trim_start_matches("TYPE_")
        .to_lowercase()
}

fn describe_enum(an_enum: &EnumDescriptor) -> Enum {
    let value = |value: prost_reflect::EnumValueDescriptor| EnumValue {
        name: value.name().to_owned(),
        number: value.number(),
    };
    Enum {
        file: an_enum.parent_file().name().to_owned(),
        values: an_enum.values().map(value).collect(),
    }
}

fn describe_service(service: &ServiceDescriptor) -> Service {
    Service {
        file: service.parent_file().name().to_owned(),
        methods: service.methods().map(|m| describe_method(&m)).collect(),
    }
}

fn describe_method(method: &MethodDescriptor) -> Method {
    let proto = method.method_descriptor_proto();
    Method {
        name: method.name().to_owned(),
        input: method.input().full_name().to_owned(),
        output: method.output().full_name().to_owned(),
        client_streaming: method.is_client_streaming(),
        server_streaming: method.is_server_streaming(),
        http: describe_http(method),
        deprecated: proto
            .options
            .as_ref()
            .is_some_and(MethodOptions::deprecated),
    }
}

/// The `google.api.http` annotation, if any.
fn describe_http(method: &MethodDescriptor) -> Option<Http> {
    let http = method
        .parent_pool()
        .get_extension_by_name("google.api.http")?;
    let options = method.options();
    if !options.has_extension(&http) {
        return None;
    }
    let value = options.get_extension(&http);
    let rule = value.as_message()?;
    let verb = ["get", "put", "post", "delete", "patch"]
        .into_iter()
        .find(|verb| rule.has_field_by_name(verb))?;
    Some(Http {
        verb: verb.to_owned(),
        path: text(rule, verb),
        body: text(rule, "body"),
        response_body: text(rule, "response_body"),
    })
}

fn text(message: &DynamicMessage, field: &str) -> String {
    let value = message.get_field_by_name(field).unwrap();
    value.as_str().unwrap().to_owned()
}
