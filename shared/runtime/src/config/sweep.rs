//! When the sweeper takes something for lost.

use std::time::Duration;

use clap::Args;

use crate::value;

/// Thresholds of the sweeper. Those not given depend on the queue: Pub/Sub may deliver late, the embedded queue does not.
#[derive(Debug, Clone, Default, Args)]
#[group(skip)]
#[command(rename_all = "camelCase")]
pub struct SweepFlags {
    /// Time between sweeps [default: 1m; 5s on the embedded queue]
    #[arg(long, value_parser = value::duration, value_name = "DURATION")]
    pub sweep_interval: Option<Duration>,
    /// Age of an unsent message that is sent again [default: 30s; 5s on the embedded queue]
    #[arg(long, value_parser = value::duration, value_name = "DURATION")]
    pub resend_message_after: Option<Duration>,
    /// Stand-still of a job whose action is run again [default: 10m; 20s on the embedded queue]
    #[arg(long, value_parser = value::duration, value_name = "DURATION")]
    pub rerun_action_after: Option<Duration>,
    /// Age of an order that nobody took, which is sent again [default: 15m; 20s on the embedded queue]
    #[arg(long, value_parser = value::duration, value_name = "DURATION")]
    pub resend_order_after: Option<Duration>,
    /// Time after the end of a lost lease when its order is sent again [default: 15m; 10s on the embedded queue]
    #[arg(long, value_parser = value::duration, value_name = "DURATION")]
    pub resend_lost_order_after: Option<Duration>,
    /// Age of an unpublished result that is published [default: 2m; 5s on the embedded queue]
    #[arg(long, value_parser = value::duration, value_name = "DURATION")]
    pub publish_result_after: Option<Duration>,
    /// Age of a part file that is deleted [default: 24h]
    #[arg(long, value_parser = value::duration, value_name = "DURATION")]
    pub delete_part_after: Option<Duration>,
}

/// The thresholds in force; see the flags of the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is documented at its flag")]
pub struct Sweep {
    pub interval: Duration,
    pub resend_message_after: Duration,
    pub rerun_action_after: Duration,
    pub resend_order_after: Duration,
    pub resend_lost_order_after: Duration,
    pub publish_result_after: Duration,
    pub delete_part_after: Duration,
}

impl SweepFlags {
    /// The thresholds for the embedded queue or for Pub/Sub.
    pub fn thresholds(&self, embedded_queue: bool) -> Sweep {
        let or = |given: Option<Duration>, pubsub_s: u64, embedded_s: u64| {
            given.unwrap_or(Duration::from_secs(if embedded_queue {
                embedded_s
            } else {
                pubsub_s
            }))
        };
        let day_s = 24 * 3600;
        Sweep {
            // A timer cannot tick without pause.
            interval: or(self.sweep_interval, 60, 5).max(Duration::from_millis(100)),
            resend_message_after: or(self.resend_message_after, 30, 5),
            rerun_action_after: or(self.rerun_action_after, 600, 20),
            resend_order_after: or(self.resend_order_after, 900, 20),
            resend_lost_order_after: or(self.resend_lost_order_after, 900, 10),
            publish_result_after: or(self.publish_result_after, 120, 5),
            delete_part_after: or(self.delete_part_after, day_s, day_s),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_threshold_holds_on_either_queue() {
        let flags = SweepFlags {
            resend_order_after: Some(Duration::from_secs(7)),
            ..SweepFlags::default()
        };
        for embedded_queue in [true, false] {
            assert_eq!(
                flags.thresholds(embedded_queue).resend_order_after,
                Duration::from_secs(7)
            );
        }
        assert_eq!(flags.thresholds(false).interval, Duration::from_mins(1));
        assert_eq!(flags.thresholds(true).interval, Duration::from_secs(5));
    }
}
