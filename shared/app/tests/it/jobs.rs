//! Jobs from their creation to their end.

mod cancelling;
mod cleaning;
mod consolidation;
mod deletion;
mod encodings;
mod failing;
mod faults;
mod hostile;
mod large;
mod late;
mod leftovers;
mod linked;
mod meanwhile;
mod mishaps;
mod pieces;
mod pool;
mod queue;
mod readers;
mod recovery;
mod refused;
mod repeated;
mod steps;
mod stopping;
mod stores;
mod together;
mod weak_points;
mod worker;
mod zombies;

use runtime::config::{Sweep, SweepFlags};
use std::time::Duration;

/// Everything counts as lost at once.
fn at_once() -> Sweep {
    Sweep {
        resend_message_after: Duration::ZERO,
        rerun_action_after: Duration::ZERO,
        resend_order_after: Duration::ZERO,
        resend_lost_order_after: Duration::ZERO,
        publish_result_after: Duration::ZERO,
        ..SweepFlags::default().thresholds(true)
    }
}
