//! Calls that race with each other: whatever the order, each ends as documented, and the catalogue
//! is consistent afterwards.

mod files;
mod names;

use crate::harness::Server;
use database::{connect_options, migrate};
use std::fmt::Debug;
use tonic::{Code, Status};

/// How often a race is run: each time in another order.
const ROUNDS: usize = 12;

/// The code of an answer, which must be one of those expected.
#[track_caller]
fn code<T: Debug>(answer: &Result<T, Status>, expected: &[Code]) -> Code {
    let code = answer.as_ref().err().map_or(Code::Ok, Status::code);
    assert!(
        expected.contains(&code),
        "{answer:?}, expected {expected:?}"
    );
    code
}

/// How many answers succeeded; the others must have one of the expected codes.
#[track_caller]
fn successes<T: Debug>(answers: &[Result<T, Status>], expected: &[Code]) -> usize {
    let mut expected = expected.to_vec();
    expected.push(Code::Ok);
    answers
        .iter()
        .filter(|answer| code(answer, &expected) == Code::Ok)
        .count()
}

/// Nothing in the catalogue needs attention.
async fn check_consistency(server: &Server) {
    let mut conn = migrate::connect(&connect_options(&server.database.url()).unwrap())
        .await
        .unwrap();
    assert_eq!(migrate::survey(&mut conn).await.unwrap(), []);
}
