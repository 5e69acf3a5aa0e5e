//! Messages of arbitrary fields, by the descriptors of the contract, and damages of their bytes.

use super::generate::{TEXTS, hostile_values, plausible_value};
use super::known::Known;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::Union;
use prost_reflect::prost::Message;
use prost_reflect::{
    DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value,
};
use std::fmt;

/// Lengths of the few lists that are long: around bounds of items, of bands and of ids.
const LONG: [usize; 4] = [1001, 20_000, 32_768, 100_001];

/// Most bytes of a list, below what a service receives.
const LIST_BYTES: usize = 3 << 20;

/// A message that is told by the names of its fields.
#[derive(Clone)]
pub struct Told(pub DynamicMessage);

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = f.debug_map();
        for (field, value) in self.0.fields() {
            told.entry(&format_args!("{}", field.name()), &Short(value));
        }
        told.finish()
    }
}

/// A value, of a list the first items.
struct Short<'a>(&'a Value);

impl fmt::Debug for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Message(message) => Told(message.clone()).fmt(f),
            Value::List(values) => {
                write!(f, "{} of ", values.len())?;
                f.debug_list()
                    .entries(values.iter().take(4).map(Short))
                    .finish()
            }
            value => write!(f, "{value:.200?}"),
        }
    }
}

/// Messages some fields of which are missing, hostile or repeated; each member of a oneof is as likely.
pub fn messages(message: &MessageDescriptor, known: &Known) -> BoxedStrategy<DynamicMessage> {
    let alone = message
        .fields()
        .filter(|field| field.containing_oneof().is_none());
    let alone: Vec<_> = alone.map(|field| values(&field, known)).collect();
    let chosen: Vec<_> = message
        .oneofs()
        .map(|oneof| Union::new(oneof.fields().map(|field| values(&field, known))))
        .collect();
    let message = message.clone();
    (alone, chosen)
        .prop_map(move |(alone, chosen)| {
            let mut made = DynamicMessage::new(message.clone());
            for (field, value) in alone.into_iter().chain(chosen).flatten() {
                made.set_field(&field, value);
            }
            made
        })
        .boxed()
}

/// Values of a field, beside it, or none.
fn values(
    field: &FieldDescriptor,
    known: &Known,
) -> BoxedStrategy<Option<(FieldDescriptor, Value)>> {
    let arbitrary = if field.is_map() {
        maps(field, known)
    } else if field.is_list() {
        lists(field, known)
    } else {
        singles(field, known)
    };
    let value = prop_oneof![
        4 => Just(plausible_value(field, known)),
        3 => arbitrary,
    ];
    let field = field.clone();
    proptest::option::weighted(0.875, value.prop_map(move |value| (field.clone(), value))).boxed()
}

fn maps(field: &FieldDescriptor, known: &Known) -> BoxedStrategy<Value> {
    let hostile: Vec<Value> = hostile_values(field, known)
        .into_iter()
        .filter_map(|(_, value)| value)
        .collect();
    let pair = |(key, value)| (MapKey::String(key), Value::String(value));
    let arbitrary = vec((texts(), texts()).prop_map(pair), 0..4);
    let long = texts().prop_map(|text| {
        let numbered = (0..LONG[1]).map(|number| (MapKey::String(format!("{number}")), &text));
        Value::Map(
            numbered
                .map(|(key, text)| (key, Value::String(text.clone())))
                .collect(),
        )
    });
    prop_oneof![
        25 => select(hostile),
        24 => arbitrary.prop_map(|pairs| Value::Map(pairs.into_iter().collect())),
        1 => long,
    ]
    .boxed()
}

fn lists(field: &FieldDescriptor, known: &Known) -> BoxedStrategy<Value> {
    let plausible = match plausible_value(field, known) {
        Value::List(values) => values[0].clone(),
        value => value,
    };
    let long = (
        prop_oneof![Just(plausible), singles(field, known)],
        select(&LONG),
    );
    let long = long.prop_map(|(value, count)| {
        let most = LIST_BYTES / encoded_bytes(&value);
        vec![value; count.min(most.max(1))]
    });
    prop_oneof![
        49 => vec(singles(field, known), 0..4),
        1 => long,
    ]
    .prop_map(Value::List)
    .boxed()
}

/// How long an item of a list is on the wire, at most.
fn encoded_bytes(value: &Value) -> usize {
    let header = 10;
    header
        + match value {
            Value::Message(message) => message.encoded_len(),
            Value::String(text) => text.len(),
            _ => 0,
        }
}

/// Values of a field that is no list, or of an item of a list.
fn singles(field: &FieldDescriptor, known: &Known) -> BoxedStrategy<Value> {
    let arbitrary = match field.kind() {
        Kind::Message(message) => {
            return messages(&message, known).prop_map(Value::Message).boxed();
        }
        Kind::String => return texts().prop_map(Value::String).boxed(),
        Kind::Enum(kind) => numbers(&kind),
        Kind::Int32 => any::<i32>().prop_map(Value::I32).boxed(),
        Kind::Int64 => any::<i64>().prop_map(Value::I64).boxed(),
        Kind::Uint32 => any::<u32>().prop_map(Value::U32).boxed(),
        Kind::Float => any::<u32>()
            .prop_map(|bits| Value::F32(f32::from_bits(bits)))
            .boxed(),
        Kind::Double => any::<u64>()
            .prop_map(|bits| Value::F64(f64::from_bits(bits)))
            .boxed(),
        Kind::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        other => panic!("the contract has a new kind of field: {other:?}"),
    };
    let hostile = hostile_values(field, known).into_iter();
    let hostile = hostile.filter_map(|(_, value)| match value? {
        // the values of a list are given twice
        Value::List(values) => values.into_iter().next(),
        value => Some(value),
    });
    prop_oneof![arbitrary, select(hostile.collect::<Vec<_>>())].boxed()
}

fn numbers(kind: &EnumDescriptor) -> BoxedStrategy<Value> {
    let numbers: Vec<i32> = kind.values().map(|value| value.number()).collect();
    select(numbers).prop_map(Value::EnumNumber).boxed()
}

fn texts() -> BoxedStrategy<String> {
    let arbitrary = vec(any::<char>(), 0..40).prop_map(String::from_iter);
    let names = select(&TEXTS).prop_map(str::to_owned);
    prop_oneof![arbitrary, names].boxed()
}

/// A change of some bytes.
#[derive(Clone, Debug)]
pub struct Damage {
    kind: u8,
    at: Index,
    byte: u8,
}

/// One to four damages.
pub fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let damage = (0..5u8, any::<Index>(), any::<u8>());
    vec(
        damage.prop_map(|(kind, at, byte)| Damage { kind, at, byte }),
        1..=4,
    )
}

impl Damage {
    /// Changes, removes or adds bytes.
    pub fn apply(&self, bytes: &mut Vec<u8>) {
        let at = self.at.index(bytes.len() + 1);
        match self.kind {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, self.byte),
            // no UTF-8, no end of a number
            2 => bytes.insert(at, 0xff),
            3 => {
                // a field of a length that is not there
                let long = [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f];
                bytes.splice(at..at, long);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << (self.byte % 8);
                }
            }
        }
    }
}
