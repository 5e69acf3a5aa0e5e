//! Messages of random fields, and messages whose bytes are damaged: thousands of calls of every method.

use super::generate::{Known, TEXTS, hostile_values, methods, plausible, plausible_value};
use super::start;
use crate::harness::Server;
use futures::stream::{self, StreamExt};
use prost_reflect::prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use std::time::{Duration, Instant};

/// Calls of each method, of either kind.
const CASES: u64 = 60;

/// Calls under way at the same time.
const AT_A_TIME: usize = 8;

/// The same numbers on each run, spread like random ones (`SplitMix64`).
pub struct Dice(u64);

impl Dice {
    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize % bound
    }

    /// Any bits.
    fn bits(&mut self) -> u64 {
        ((self.below(1 << 32) as u64) << 32) | self.below(1 << 32) as u64
    }

    /// A text of any characters.
    fn text(&mut self) -> String {
        let last = *self.pick(&[0x7f, 0x7ff, 0xffff, 0x10_ffff]);
        let characters = (0..self.below(40)).filter_map(|_| {
            // surrogates are no characters
            char::from_u32(self.below(last + 1) as u32)
        });
        characters.collect()
    }

    /// One of some things.
    pub fn pick<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len())]
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_survives_messages_of_random_fields() {
    let Some((server, known)) = start().await else {
        return;
    };
    let seed = seed();
    let mut calls = Vec::new();
    for (number, (path, method)) in methods().into_iter().enumerate() {
        let known = known.for_method(method.name());
        let mut dice = Dice(seed.wrapping_add(number as u64 * CASES));
        for case in 0..CASES {
            let pieces = if method.is_client_streaming() { 3 } else { 1 };
            let message = |_| random(&method.input(), &known, &mut dice).encode_to_vec();
            calls.push((path.clone(), (0..pieces).map(message).collect(), case));
        }
    }
    send(&server, calls).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_survives_damaged_bytes() {
    let Some((server, known)) = start().await else {
        return;
    };
    let seed = seed();
    let mut calls = Vec::new();
    for (number, (path, method)) in methods().into_iter().enumerate() {
        let known = known.for_method(method.name());
        let plain = plausible(&method.input(), &known).encode_to_vec();
        let mut dice = Dice(seed.wrapping_add(number as u64 * CASES + 1));
        for case in 0..CASES {
            let mut messages = vec![damaged(&plain, &mut dice)];
            if method.is_client_streaming() {
                messages.insert(0, plain.clone());
            }
            calls.push((path.clone(), messages, case));
        }
    }
    send(&server, calls).await;
}

/// Where the numbers begin: `GEOCUBE_FUZZ_SEED`, said on standard error, so that a failure can be had again.
fn seed() -> u64 {
    let given = std::env::var("GEOCUBE_FUZZ_SEED").ok();
    let seed = given.map_or(0, |seed| seed.parse().expect("GEOCUBE_FUZZ_SEED: a number"));
    eprintln!("GEOCUBE_FUZZ_SEED={seed}");
    seed
}

async fn send(server: &Server, calls: Vec<(String, Vec<Vec<u8>>, u64)>) {
    let (count, begin) = (calls.len(), Instant::now());
    assert!(count > 2000, "{count} calls");
    stream::iter(calls)
        .for_each_concurrent(AT_A_TIME, async |(path, messages, case)| {
            server
                .call_hostile(&path, messages, &format!("case {case}"))
                .await;
        })
        .await;
    server.assert_alive().await;
    assert!(
        begin.elapsed() < Duration::from_mins(1),
        "{count} calls took {:?}",
        begin.elapsed()
    );
}

/// A message some fields of which are missing, hostile or repeated.
fn random(message: &MessageDescriptor, known: &Known, dice: &mut Dice) -> DynamicMessage {
    let mut made = DynamicMessage::new(message.clone());
    for field in message.fields() {
        if let Some(value) = random_value(&field, known, dice) {
            made.set_field(&field, value);
        }
    }
    made
}

fn random_value(field: &FieldDescriptor, known: &Known, dice: &mut Dice) -> Option<Value> {
    match dice.below(8) {
        0 => return None,
        1..=4 => return Some(plausible_value(field, known)),
        _ => {}
    }
    if field.is_map() {
        return dice.pick(&hostile_values(field, known)).1.clone();
    }
    if !field.is_list() {
        return Some(random_single(field, known, dice));
    }
    let count = dice.below(4);
    let values = (0..count).map(|_| random_single(field, known, dice));
    Some(Value::List(values.collect()))
}

fn random_single(field: &FieldDescriptor, known: &Known, dice: &mut Dice) -> Value {
    match field.kind() {
        Kind::Message(message) => Value::Message(random(&message, known, dice)),
        Kind::String if dice.below(2) == 0 => Value::String(dice.text()),
        Kind::String => Value::String((*dice.pick(&TEXTS)).to_owned()),
        Kind::Int32 if dice.below(2) == 0 => Value::I32(dice.bits() as i32),
        Kind::Int64 if dice.below(2) == 0 => Value::I64(dice.bits() as i64),
        Kind::Uint32 if dice.below(2) == 0 => Value::U32(dice.bits() as u32),
        Kind::Float if dice.below(2) == 0 => Value::F32(f32::from_bits(dice.bits() as u32)),
        Kind::Double if dice.below(2) == 0 => Value::F64(f64::from_bits(dice.bits())),
        _ => {
            let values = hostile_values(field, known);
            let values: Vec<Value> = values.into_iter().filter_map(|(_, value)| value).collect();
            match dice.pick(&values).clone() {
                // the values of a list are given twice
                Value::List(values) => values[0].clone(),
                value => value,
            }
        }
    }
}

/// Some bytes of a message changed, removed or added.
fn damaged(message: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = message.to_vec();
    for _ in 0..=dice.below(3) {
        let at = dice.below(bytes.len() + 1);
        match dice.below(5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, dice.below(256) as u8),
            // no UTF-8, no end of a number
            2 => bytes.insert(at, 0xff),
            3 => {
                // a field of a length that is not there
                let long = [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f];
                bytes.splice(at..at, long);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
        }
    }
    bytes
}
