//! Jobs: state machine, tasks, logs and the payloads that travel between services.

pub mod number;
