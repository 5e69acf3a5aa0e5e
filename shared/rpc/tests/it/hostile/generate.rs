//! Messages made from the descriptors of the contract.

use super::known::Known;
use crate::harness::catalogue::UNKNOWN;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor,
    MethodDescriptor, Value,
};
use rpc::pb;
use std::collections::HashMap;

/// Methods of all services, with their paths.
pub fn methods() -> Vec<(String, MethodDescriptor)> {
    let pool = DescriptorPool::decode(pb::FILE_DESCRIPTOR_SET).unwrap();
    let methods = pool
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>());
    methods
        .map(|method| {
            (
                format!("/{}/{}", method.parent_service().full_name(), method.name()),
                method,
            )
        })
        .collect()
}

/// A message that is complete and passes most rules.
pub fn plausible(message: &MessageDescriptor, known: &Known) -> DynamicMessage {
    let mut made = DynamicMessage::new(message.clone());
    for field in message.fields() {
        made.set_field(&field, plausible_value(&field, known));
    }
    made
}

/// Variations of a plausible message with one field, at any depth, that is hostile; each with a name.
pub fn hostile(message: &MessageDescriptor, known: &Known) -> Vec<(String, DynamicMessage)> {
    let mut variations = Vec::new();
    for field in message.fields() {
        let mut values = hostile_values(&field, known);
        if field.containing_oneof().is_some() {
            // the plausible message has one member only
            values.push(("plausible".to_owned(), Some(plausible_value(&field, known))));
        }
        for (what, value) in values {
            let mut made = plausible(message, known);
            match value {
                Some(value) => made.set_field(&field, value),
                None => made.clear_field(&field),
            }
            variations.push((format!("{}: {what}", field.name()), made));
        }
    }
    variations
}

pub(super) fn plausible_value(field: &FieldDescriptor, known: &Known) -> Value {
    if field.is_map() {
        let pairs = [
            ("grid", "regular"),
            ("crs", "32631"),
            ("cell_size", "1024"),
            ("resolution", "1000"),
        ];
        let pairs = pairs.map(|(key, value)| {
            (
                MapKey::String(key.to_owned()),
                Value::String(value.to_owned()),
            )
        });
        return Value::Map(HashMap::from(pairs));
    }
    let value = match field.kind() {
        Kind::Message(message) if message.name() == "LinearRing" => ring(&message),
        Kind::Message(message) => Value::Message(plausible(&message, known)),
        Kind::String => Value::String(plausible_text(field, known)),
        Kind::Enum(_) => Value::EnumNumber(1),
        Kind::Int32 => Value::I32(1),
        Kind::Int64 => Value::I64(1),
        Kind::Uint32 => Value::U32(1),
        Kind::Float => Value::F32(1.),
        Kind::Double => Value::F64(double(field.name())),
        Kind::Bool => Value::Bool(false),
        other => panic!("the contract has a new kind of field: {other:?}"),
    };
    if field.name() == "colors" {
        return Value::List(vec![color(0., value.clone()), color(1., value)]);
    }
    if field.is_list() {
        Value::List(vec![value])
    } else {
        value
    }
}

fn plausible_text(field: &FieldDescriptor, known: &Known) -> String {
    let text = match field.name() {
        "crs" => "EPSG:32631",
        "uri" | "uris" | "container_uri" => &known.uri,
        "interlacing_pattern" => "Z>T>R>B",
        "state" => "DONE",
        "container_subdir" => "GTIFF_DIR:1",
        "instance_id" | "instances_id" | "instance_ids" => &known.instance,
        "variable_id" => &known.variable,
        "aoi_id" => &known.aoi,
        "layout_name" => &known.layout,
        "record_id" | "record_ids" | "ids" => &known.record,
        "id" => match field.parent_message().name() {
            "UpdateVariableRequest" | "GetVariableRequest" | "DeleteVariableRequest" => {
                &known.variable
            }
            "UpdateInstanceRequest" | "DeleteInstanceRequest" => &known.instance,
            "GetAOIRequest" => &known.aoi,
            "GetJobRequest" | "RetryJobRequest" | "CancelJobRequest" | "ContinueJobRequest" => {
                &known.job
            }
            _ => UNKNOWN,
        },
        "name" => match field.parent_message().name() {
            "GetVariableRequest" => &known.name,
            "DeleteLayoutRequest" => &known.layout,
            "DeleteGridRequest" => &known.grid,
            _ => "a",
        },
        _ => "a",
    };
    text.to_owned()
}

/// Intervals must not be empty, transforms must be invertible.
fn double(field: &str) -> f64 {
    match field {
        "c" | "e" | "no_data" | "min_value" | "real_min_value" | "range_min" => 0.,
        "f" => -1.,
        _ => 1.,
    }
}

/// A knot of a ramp.
fn color(position: f32, value: Value) -> Value {
    let Value::Message(mut point) = value else {
        panic!("colours are messages");
    };
    point.set_field_by_name("value", Value::F32(position));
    Value::Message(point)
}

/// A closed triangle.
fn ring(message: &MessageDescriptor) -> Value {
    let points = message.get_field_by_name("points").unwrap();
    let Kind::Message(coord) = points.kind() else {
        panic!("points are messages")
    };
    let point = |(lon, lat)| {
        let mut made = DynamicMessage::new(coord.clone());
        made.set_field_by_name("lon", Value::F32(lon));
        made.set_field_by_name("lat", Value::F32(lat));
        Value::Message(made)
    };
    let mut made = DynamicMessage::new(message.clone());
    made.set_field(
        &points,
        Value::List([(1., 1.), (1., 2.), (2., 2.), (1., 1.)].map(point).to_vec()),
    );
    Value::Message(made)
}

/// Hostile values of a field; `None` leaves it out.
pub(super) fn hostile_values(
    field: &FieldDescriptor,
    known: &Known,
) -> Vec<(String, Option<Value>)> {
    let mut values = vec![("missing".to_owned(), None)];
    if field.is_map() {
        for (key, value) in [
            ("", ""),
            ("\0", "\0"),
            ("grid", "\0"),
            ("*", "?"),
            ("resolution", "NaN"),
        ] {
            let map = HashMap::from([(
                MapKey::String(key.to_owned()),
                Value::String(value.to_owned()),
            )]);
            values.push((format!("{key:?}={value:?}"), Some(Value::Map(map))));
        }
        return values;
    }
    let single: Vec<(String, Value)> = match field.kind() {
        Kind::Message(message) => {
            let empty = (
                "empty message".to_owned(),
                DynamicMessage::new(message.clone()),
            );
            let all = [vec![empty], hostile(&message, known)].concat();
            all.into_iter()
                .map(|(what, made)| (what, Value::Message(made)))
                .collect()
        }
        Kind::String => texts(),
        Kind::Enum(_) => [99, -1, i32::MIN]
            .map(|number| (number.to_string(), Value::EnumNumber(number)))
            .to_vec(),
        Kind::Int32 => [0, -1, 64, i32::MIN, i32::MAX]
            .map(|number| (number.to_string(), Value::I32(number)))
            .to_vec(),
        Kind::Int64 => [0, -1, 1 << 40, i64::MIN, i64::MAX]
            .map(|number| (number.to_string(), Value::I64(number)))
            .to_vec(),
        Kind::Uint32 => [256, u32::MAX]
            .map(|number| (number.to_string(), Value::U32(number)))
            .to_vec(),
        Kind::Float => floats()
            .map(|number| (number.to_string(), Value::F32(number as f32)))
            .to_vec(),
        Kind::Double => floats()
            .map(|number| (number.to_string(), Value::F64(number)))
            .to_vec(),
        Kind::Bool => vec![("true".to_owned(), Value::Bool(true))],
        other => panic!("the contract has a new kind of field: {other:?}"),
    };
    for (what, value) in single {
        let value = if field.is_list() {
            Value::List(vec![value.clone(), value])
        } else {
            value
        };
        values.push((what, Some(value)));
    }
    values
}

fn floats() -> [f64; 8] {
    [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        0.,
        -1.,
    ]
}

/// Short texts that are no names.
pub(super) const TEXTS: [&str; 9] = [
    "",
    "\0",
    "epsg",
    "/etc/passwd",
    "../../etc/passwd",
    "'; DROP TABLE geocube.records; --",
    "\\",
    "%",
    "é\u{202e}\n",
];

fn texts() -> Vec<(String, Value)> {
    let long = "x".repeat(1 << 20);
    let texts = TEXTS.into_iter().chain([long.as_str()]);
    texts
        .map(|text| (format!("{text:.40?}"), Value::String(text.to_owned())))
        .collect()
}
