//! What a consumer of the queue in Postgres takes and removes at once.

use std::{sync::Arc, time::Duration};

use messaging::{
    CancellationToken, ConsumeOptions, Consumer, Delivery, Message, Outcome, Publisher,
    pgqueue::PgQueue,
};
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};

use crate::database::with_database;

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_come_while_others_are_handled_are_taken_together() {
    with_database("", |pool| async move {
        let queue = PgQueue::new(pool.clone());
        let (seen, stop) = (Arc::new(Semaphore::new(0)), CancellationToken::new());
        let gates = [0, 0].map(|open| Arc::new(Semaphore::new(open)));
        let handler = {
            let (seen, gates) = (Arc::clone(&seen), gates.clone());
            move |delivery: Delivery| {
                seen.add_permits(1);
                let gate = Arc::clone(&gates[usize::from(delivery.data != "first")]);
                async move {
                    gate.acquire().await.unwrap().forget();
                    Outcome::Ack
                }
            }
        };
        let options = ConsumeOptions {
            concurrency: 8,
            gather: Duration::from_hours(1),
            poll: Duration::from_hours(1),
            ..ConsumeOptions::default()
        };
        let consumer = tokio::spawn({
            let (queue, stop) = (queue.clone(), stop.clone());
            async move { queue.consume("q", &options, Arc::new(handler), stop).await }
        });
        queue
            .publish("q", vec![Message::new("first")])
            .await
            .unwrap();
        seen.acquire().await.unwrap().forget();
        for _ in 0..4 {
            queue.publish("q", vec![Message::new("x")]).await.unwrap();
        }
        let takings = async || -> Vec<i64> {
            let query = "SELECT count(*) FROM pgq_jobs GROUP BY locked_by ORDER BY 1";
            sqlx::query_scalar(query).fetch_all(&pool).await.unwrap()
        };
        assert_eq!(
            takings().await,
            [1, 4],
            "the first is handled, the others wait"
        );
        gates[0].add_permits(1);
        timeout(Duration::from_secs(20), seen.acquire_many(4))
            .await
            .unwrap()
            .unwrap()
            .forget();
        assert_eq!(takings().await, [4], "removed and taken at once");
        gates[1].add_permits(4);
        while queue.backlog("q").await.unwrap() > 0 {
            sleep(Duration::from_millis(10)).await;
        }
        stop.cancel();
        consumer.await.unwrap().unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_of_many_messages_that_are_due_at_one_time_are_found_without_sorting() {
    with_database("", |pool| async move {
        let queue = PgQueue::new(pool.clone());
        let orders = (0..5000).map(|number| Message::new(format!("{number}")));
        queue.publish("q", orders.collect()).await.unwrap();
        sqlx::query("ANALYZE pgq_jobs").execute(&pool).await.unwrap();
        let plan: Vec<String> = sqlx::query_scalar(
            "EXPLAIN SELECT id FROM pgq_jobs WHERE queue_name = 'q' AND ran_at IS NULL AND run_after <= now()
             ORDER BY run_after, id LIMIT 8",
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        let plan = plan.join("\n");
        assert!(plan.contains("idx_pgq_jobs_due") && !plan.contains("Sort"), "{plan}");
    })
    .await;
}
