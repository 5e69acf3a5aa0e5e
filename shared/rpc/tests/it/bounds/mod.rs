//! Every bound, at its edge: what is as large as the bound passes, one more is refused with the
//! name and the value of the bound.

mod answers;
mod messages;
mod requests;

use std::fmt::Debug;
use tonic::{Code, Status};

/// Checks an answer to `count` of something of which at most `bound` are accepted.
#[track_caller]
fn edge<T: Debug>(answer: Result<T, Status>, count: usize, bound: usize, names: &[&str]) {
    match answer {
        Err(status) if status.code() == Code::ResourceExhausted => {
            assert!(count > bound, "{count} of {bound}: {status:?}");
            let told = |name: &&str| status.message().contains(*name);
            assert!(names.iter().all(told), "{names:?}: {status:?}");
            let value = bound.to_string();
            assert!(told(&value.as_str()), "{value}: {status:?}");
        }
        // another refusal comes from behind the bound
        Ok(_) | Err(_) => assert!(count <= bound, "{count} of {bound}: {answer:?}"),
    }
}
