//! What the database tells of the runs of an order.

use super::World;
use bytes::Bytes;
use domain::job::{Message, parse_message};

impl World {
    /// Status, starts and deliveries of an order.
    pub async fn runs(&self, order: &Bytes) -> String {
        let Message::Order(order) = parse_message(order).unwrap() else {
            panic!("no order")
        };
        let query = format!(
            "SELECT status || ', ' || starts || ' start(s), ' || deliveries || ' deliveries'
             FROM geocube.task_leases WHERE task_id = '{}'",
            order.task_id
        );
        self.database.texts(&query).await.remove(0)
    }
}
