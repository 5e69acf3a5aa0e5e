use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use messaging::{
    CancellationToken, ConsumeOptions, Consumer, Delivery, Message, Outcome, Publisher,
    RetryPolicy, conformance,
    pgqueue::{PgQueue, enqueue_in},
};
use sqlx::PgPool;
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};

use crate::{EMBEDDED, database::with_database};

/// The table as an earlier product created it, with a message in it.
const ADOPTED: &str = "
    CREATE TABLE pgq_jobs (id serial PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(),
        queue_name text NOT NULL, data bytea NOT NULL, run_after timestamptz NOT NULL,
        retry_waits text[] NOT NULL, ran_at timestamptz, error text);
    CREATE INDEX idx_pgq_jobs_fetch ON pgq_jobs (queue_name, run_after) WHERE ran_at IS NULL;
    INSERT INTO pgq_jobs (queue_name, data, run_after, retry_waits) VALUES ('events', 'old', now(), '{1m0s,10m0s}')";

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_in_postgres_keeps_the_contract() {
    with_database("", |pool| async {
        let queue = Arc::new(PgQueue::new(pool));
        conformance::run(queue.clone(), queue, EMBEDDED).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adopted_table_is_extended_and_its_messages_delivered() {
    with_database(ADOPTED, |pool| async move {
        let queue = PgQueue::new(pool.clone());
        assert_eq!(queue.backlog("events").await.unwrap(), 1);
        let delivery = deliver_one(&queue, "events", Outcome::retry("busy")).await;
        assert_eq!(
            (delivery.data.as_ref(), delivery.delivery_count),
            (b"old".as_slice(), Some(1))
        );
        assert_eq!(
            rows(&pool).await,
            [(1, "events".to_owned(), 60, vec!["600s".to_owned()], false)]
        );
        assert_eq!(
            queue.backlog("events").await.unwrap(),
            0,
            "not due before its wait is over"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn m22_default_waits_are_used_one_by_one_and_then_the_message_fails_visibly() {
    with_database("", |pool| async move {
        let queue = PgQueue::new(pool.clone());
        queue.publish("q", vec![Message::new("x")]).await.unwrap();
        for wait in [60, 600, 1800] {
            deliver_one(&queue, "q", Outcome::retry("busy")).await;
            assert_eq!(rows(&pool).await[0].2, wait);
            sqlx::query("UPDATE pgq_jobs SET run_after = now()")
                .execute(&pool)
                .await
                .unwrap();
        }
        assert_eq!(queue.backlog("q").await.unwrap(), 1);
        deliver_one(&queue, "q", Outcome::retry("busy")).await;
        assert_eq!(queue.backlog("q").await.unwrap(), 0);
        let (error, done): (String, bool) = sqlx::query_as(
            "SELECT error, ran_at IS NOT NULL AND failed_at IS NOT NULL FROM pgq_jobs",
        )
        .fetch_one(&pool)
        .await
        .unwrap();
        assert_eq!(
            (error.as_str(), done),
            ("busy (given up after 4 deliveries)", true)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_enqueued_in_a_transaction_is_seen_when_it_commits() {
    with_database("", |pool| async move {
        let queue = PgQueue::new(pool.clone());
        let handled = Arc::new(Mutex::new(None));
        let stop = CancellationToken::new();
        let consumer = tokio::spawn({
            let (queue, handled, stop) = (queue.clone(), Arc::clone(&handled), stop.clone());
            let handler = move |_: Delivery| {
                *handled.lock().unwrap() = Some(Instant::now());
                async { Outcome::Ack }
            };
            async move {
                queue
                    .consume("q", &ConsumeOptions::default(), Arc::new(handler), stop)
                    .await
            }
        });
        let policy = RetryPolicy::default();
        let mut rolled_back = pool.begin().await.unwrap();
        enqueue_in(&mut rolled_back, "q", &[Message::new("never")], &policy)
            .await
            .unwrap();
        rolled_back.rollback().await.unwrap();
        sleep(Duration::from_millis(300)).await;
        let mut transaction = pool.begin().await.unwrap();
        enqueue_in(&mut transaction, "q", &[Message::new("x")], &policy)
            .await
            .unwrap();
        sleep(Duration::from_millis(200)).await;
        assert!(handled.lock().unwrap().is_none(), "not before the commit");
        let committed = Instant::now();
        transaction.commit().await.unwrap();
        while handled.lock().unwrap().is_none() {
            assert!(
                committed.elapsed() < Duration::from_secs(5),
                "not announced"
            );
            sleep(Duration::from_millis(1)).await;
        }
        let latency = handled
            .lock()
            .unwrap()
            .unwrap()
            .saturating_duration_since(committed);
        println!("handled {latency:?} after the commit");
        assert!(
            latency < Duration::from_secs(1),
            "{latency:?}: waited for the poll"
        );
        stop.cancel();
        consumer.await.unwrap().unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_consumer_loses_its_message_after_the_lease_and_cannot_settle_it() {
    with_database("", |pool| async move {
        let queue = PgQueue::new(pool.clone());
        queue.publish("q", vec![Message::new("x")]).await.unwrap();
        let options = ConsumeOptions {
            lease: Duration::from_millis(500),
            ..ConsumeOptions::default()
        };
        let killed = tokio::spawn({
            let (queue, options) = (queue.clone(), options.clone());
            let endless = |_: Delivery| std::future::pending();
            async move {
                queue
                    .consume("q", &options, Arc::new(endless), CancellationToken::new())
                    .await
            }
        });
        sleep(Duration::from_millis(200)).await;
        killed.abort();
        let started = Instant::now();
        let delivery = deliver_one(&queue, "q", Outcome::Ack).await;
        assert_eq!(delivery.delivery_count, Some(2));
        assert!(
            started.elapsed() < Duration::from_secs(3),
            "the end of a lease is not left to the poll"
        );
        assert!(rows(&pool).await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_kills_its_consumers_is_given_up() {
    with_database("", |pool| async move {
        let queue = PgQueue::new(pool.clone());
        queue.publish("q", vec![Message::new("x")]).await.unwrap();
        sqlx::query("UPDATE pgq_jobs SET tries = max_tries")
            .execute(&pool)
            .await
            .unwrap();
        let stop = CancellationToken::new();
        let handler = |_: Delivery| async { panic!("must not be called") };
        let options = ConsumeOptions {
            dead_letter_queue: Some("q-failed".into()),
            ..ConsumeOptions::default()
        };
        let consumer = tokio::spawn({
            let (queue, stop) = (queue.clone(), stop.clone());
            async move { queue.consume("q", &options, Arc::new(handler), stop).await }
        });
        let dead = deliver_one(&queue, "q-failed", Outcome::Ack).await;
        assert_eq!(
            dead.attributes["reason"],
            "given up after 100 deliveries without an answer"
        );
        stop.cancel();
        consumer.await.unwrap().unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_waits_for_a_busy_worker_however_often_it_is_delivered() {
    with_database("", |pool| async move {
        let policy = RetryPolicy {
            max_tries: 3,
            ..RetryPolicy::default()
        };
        let queue = PgQueue::with_policy(pool.clone(), policy);
        let messages = vec![Message::new("first"), Message::new("second")];
        queue.publish("q", messages).await.unwrap();
        let (place, gate) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(0)));
        let refusals = Arc::new(AtomicU32::new(0));
        let stop = CancellationToken::new();
        // a worker with one place, whose work ends when the gate is opened
        let handler = {
            let (gate, refusals) = (Arc::clone(&gate), Arc::clone(&refusals));
            move |_: Delivery| {
                let (place, gate) = (Arc::clone(&place), Arc::clone(&gate));
                let refusals = Arc::clone(&refusals);
                async move {
                    let Ok(_place) = place.try_acquire_owned() else {
                        refusals.fetch_add(1, Ordering::SeqCst);
                        return Outcome::retry_after(Duration::from_millis(10), "busy");
                    };
                    gate.acquire_owned().await.unwrap().forget();
                    Outcome::Ack
                }
            }
        };
        let options = ConsumeOptions {
            concurrency: 2,
            ..ConsumeOptions::default()
        };
        let consumer = tokio::spawn({
            let (queue, stop) = (queue.clone(), stop.clone());
            async move { queue.consume("q", &options, Arc::new(handler), stop).await }
        });
        let soon = async {
            while refusals.load(Ordering::SeqCst) < 10 {
                sleep(Duration::from_millis(5)).await;
            }
            gate.add_permits(2);
            while !rows(&pool).await.is_empty() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), soon).await.unwrap();
        stop.cancel();
        consumer.await.unwrap().unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_put_off_for_a_day_is_given_up() {
    with_database("", |pool| async move {
        let queue = PgQueue::new(pool.clone());
        queue.publish("q", vec![Message::new("x")]).await.unwrap();
        let busy = || Outcome::retry_after(Duration::ZERO, "busy");
        deliver_one(&queue, "q", busy()).await;
        deliver_one(&queue, "q", busy()).await;
        sqlx::query("UPDATE pgq_jobs SET first_taken_at = first_taken_at - interval '1 day'")
            .execute(&pool)
            .await
            .unwrap();
        deliver_one(&queue, "q", busy()).await;
        let error: String =
            sqlx::query_scalar("SELECT error FROM pgq_jobs WHERE failed_at IS NOT NULL")
                .fetch_one(&pool)
                .await
                .unwrap();
        assert_eq!(error, "busy (given up after 3 deliveries)");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_go_on_beyond_an_integer() {
    with_database(ADOPTED, |pool| async move {
        let queue = PgQueue::new(pool.clone());
        sqlx::query("SELECT setval('pgq_jobs_id_seq', 2147483647)")
            .execute(&pool)
            .await
            .unwrap();
        queue.publish("q", vec![Message::new("x")]).await.unwrap();
        let delivery = deliver_one(&queue, "q", Outcome::retry("busy")).await;
        assert_eq!(delivery.data.as_ref(), b"x");
        assert_eq!(rows(&pool).await[1].0, 2_147_483_648);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_in_the_order_in_which_they_were_published() {
    with_database("", |pool| async move {
        let queue = PgQueue::new(pool);
        let mut numbers = 0..60;
        for size in [1, 40, 19] {
            let batch = numbers.by_ref().take(size);
            let messages = batch.map(|number| Message::new(format!("{number:02}")));
            queue.publish("q", messages.collect()).await.unwrap();
        }
        let (seen, stop) = (Arc::new(Mutex::new(Vec::new())), CancellationToken::new());
        let handler = {
            let (seen, stop) = (Arc::clone(&seen), stop.clone());
            move |delivery: Delivery| {
                let mut seen = seen.lock().unwrap();
                seen.push(String::from_utf8(delivery.data.to_vec()).unwrap());
                if seen.len() == 60 {
                    stop.cancel();
                }
                async { Outcome::Ack }
            }
        };
        let options = ConsumeOptions::default();
        let consumed = queue.consume("q", &options, Arc::new(handler), stop);
        timeout(Duration::from_secs(20), consumed)
            .await
            .unwrap()
            .unwrap();
        let expected: Vec<_> = (0..60).map(|number| format!("{number:02}")).collect();
        assert_eq!(*seen.lock().unwrap(), expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_orders_are_each_handled_once_by_consumers_that_share_them() {
    with_database("", |pool| async move {
        let queue = PgQueue::new(pool);
        let orders = (0..1000).map(|number| Message::new(format!("{number}")));
        queue.publish("q", orders.collect()).await.unwrap();
        assert_eq!(queue.backlog("q").await.unwrap(), 1000);
        let (seen, stop) = (Arc::new(Mutex::new(Vec::new())), CancellationToken::new());
        let consumers = [0, 1, 2].map(|_| {
            let (queue, seen, stop) = (queue.clone(), Arc::clone(&seen), stop.clone());
            let options = ConsumeOptions {
                concurrency: 8,
                ..ConsumeOptions::default()
            };
            let handler = move |delivery: Delivery| {
                seen.lock().unwrap().push(delivery.data);
                async { Outcome::Ack }
            };
            tokio::spawn(async move { queue.consume("q", &options, Arc::new(handler), stop).await })
        });
        let begun = Instant::now();
        while queue.backlog("q").await.unwrap() > 0 {
            assert!(begun.elapsed() < Duration::from_mins(1), "orders are left");
            sleep(Duration::from_millis(20)).await;
        }
        stop.cancel();
        for consumer in consumers {
            consumer.await.unwrap().unwrap();
        }
        let mut seen = seen.lock().unwrap().clone();
        assert_eq!(seen.len(), 1000);
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 1000);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_closes_while_the_queue_still_listens() {
    with_database("", |pool| async move {
        let queue = PgQueue::new(pool.clone());
        queue.publish("q", vec![Message::new("x")]).await.unwrap();
        deliver_one(&queue, "q", Outcome::Ack).await;
        timeout(Duration::from_secs(2), pool.close())
            .await
            .expect("the listener does not hold the pool");
        let error = queue
            .publish("q", vec![Message::new("x")])
            .await
            .unwrap_err();
        assert!(!error.is_retryable(), "{error}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn consuming_goes_on_after_all_connections_were_cut() {
    with_database("", |pool| async move {
        let queue = PgQueue::new(pool.clone());
        let count = Arc::new(Mutex::new(0));
        let stop = CancellationToken::new();
        let consumer = tokio::spawn({
            let (queue, count, stop) = (queue.clone(), Arc::clone(&count), stop.clone());
            let handler = move |_: Delivery| {
                *count.lock().unwrap() += 1;
                async { Outcome::Ack }
            };
            async move {
                queue
                    .consume("q", &ConsumeOptions::default(), Arc::new(handler), stop)
                    .await
            }
        });
        sleep(Duration::from_millis(300)).await;
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        sqlx::query(cut).execute(&pool).await.unwrap();
        // the first ones may meet a connection that is dead already
        let published = Instant::now();
        while queue.publish("q", vec![Message::new("x")]).await.is_err() {
            assert!(published.elapsed() < Duration::from_secs(5));
        }
        while *count.lock().unwrap() == 0 {
            assert!(
                published.elapsed() < Duration::from_secs(10),
                "nothing is consumed any more"
            );
            sleep(Duration::from_millis(5)).await;
        }
        stop.cancel();
        consumer.await.unwrap().unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_table_ends_the_consumer_with_an_error() {
    with_database("", |pool| async move {
        sqlx::raw_sql("DROP TABLE pgq_jobs")
            .execute(&pool)
            .await
            .unwrap();
        let handler = |_: Delivery| async { Outcome::Ack };
        let (queue, options) = (PgQueue::new(pool), ConsumeOptions::default());
        let ended = queue.consume("q", &options, Arc::new(handler), CancellationToken::new());
        let error = timeout(Duration::from_secs(5), ended)
            .await
            .unwrap()
            .unwrap_err();
        assert_eq!(error.to_string(), "cannot take from the queue \"q\"");
    })
    .await;
}

/// Consumes one message, answers it, and stops.
async fn deliver_one(queue: &PgQueue, name: &str, answer: Outcome) -> Delivery {
    let stop = CancellationToken::new();
    let seen = Arc::new(Mutex::new(None));
    let handler = {
        let (seen, stop) = (Arc::clone(&seen), stop.clone());
        move |delivery| {
            *seen.lock().unwrap() = Some(delivery);
            stop.cancel();
            let answer = answer.clone();
            async { answer }
        }
    };
    let options = ConsumeOptions::default();
    let consumed = queue.consume(name, &options, Arc::new(handler), stop);
    timeout(Duration::from_secs(10), consumed)
        .await
        .expect("a message is there")
        .unwrap();
    seen.lock().unwrap().take().unwrap()
}

/// Id, queue, seconds until due, waits left and whether locked.
async fn rows(pool: &PgPool) -> Vec<(i64, String, i32, Vec<String>, bool)> {
    let query =
        "SELECT id, queue_name, round(extract(epoch FROM run_after - now()))::int4, retry_waits,
                 locked_by IS NOT NULL FROM pgq_jobs ORDER BY id";
    sqlx::query_as(query).fetch_all(pool).await.unwrap()
}
