use crate::{database, fixtures::map};
use database::{outbox, outbox::NewMessage};
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);

fn message(number: u8) -> NewMessage {
    NewMessage {
        topic: "events".to_owned(),
        payload: vec![number, 0, 255],
        attributes: map(&[("kind", "job")]),
    }
}

#[tokio::test]
async fn messages_wait_in_order_until_they_are_sent() {
    let test = database!();
    let mut tx = test.db.begin().await.unwrap();
    let ids = outbox::insert(&mut tx, &[message(1), message(2), message(3)])
        .await
        .unwrap();
    assert!(outbox::insert(&mut tx, &[]).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    let mut tx = test.db.begin().await.unwrap();
    let taken = outbox::take_unsent(&mut tx, Duration::ZERO, 0, 2)
        .await
        .unwrap();
    assert_eq!(
        taken.iter().map(|stored| stored.id).collect::<Vec<_>>(),
        ids[..2]
    );
    assert_eq!(taken[1].message, message(2));
    // another relay gets the others only
    let mut other = test.db.begin().await.unwrap();
    let rest = outbox::take_unsent(&mut other, Duration::ZERO, 0, 10)
        .await
        .unwrap();
    assert_eq!(
        rest.iter().map(|stored| stored.id).collect::<Vec<_>>(),
        ids[2..]
    );
    outbox::mark_sent(&mut tx, &ids[..2]).await.unwrap();
    tx.commit().await.unwrap();
    other.rollback().await.unwrap();
    let mut tx = test.db.begin().await.unwrap();
    assert!(
        outbox::take_unsent(&mut tx, MINUTE, 0, 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        outbox::take_unsent(&mut tx, Duration::ZERO, 0, 10)
            .await
            .unwrap()
            .len(),
        1
    );
    assert!(
        outbox::take_unsent(&mut tx, Duration::ZERO, ids[2], 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(outbox::purge(&mut tx, MINUTE).await.unwrap(), 0);
    assert_eq!(outbox::purge(&mut tx, Duration::ZERO).await.unwrap(), 2);
}

#[tokio::test]
async fn one_transaction_sweeps_at_a_time() {
    let test = database!();
    let mut first = test.db.begin().await.unwrap();
    let mut second = test.db.begin().await.unwrap();
    assert!(outbox::try_sweep_lock(&mut first).await.unwrap());
    assert!(!outbox::try_sweep_lock(&mut second).await.unwrap());
    first.rollback().await.unwrap();
    assert!(outbox::try_sweep_lock(&mut second).await.unwrap());
}
