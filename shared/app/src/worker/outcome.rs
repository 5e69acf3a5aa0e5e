//! What becomes of a delivered order.

/// What becomes of a delivered order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its result is recorded and published, be it a success, a failure or a cancellation.
    Done,
    /// Its result was recorded and published before, or nobody needs it any more.
    Duplicate,
    /// Another run of it is alive, or there is no free place. To be delivered again.
    Busy,
    /// It did not work for now. To be delivered again.
    RetryLater(String),
    /// It can never be carried out: it is no order, or names a file that must not be written.
    Poison(String),
}
