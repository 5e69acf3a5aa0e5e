//! Long lists, read piece by piece.

use crate::{database, fixtures::one_aoi};
use database::{
    Database, PoolOptions,
    record::{Listing, Query},
};
use futures::StreamExt;

#[tokio::test]
async fn a_slow_reader_holds_no_connection_and_misses_nothing() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let aoi = one_aoi(&mut conn).await;
    sqlx::query(
        "INSERT INTO geocube.records (id, name, datetime, tags, aoi_id)
         SELECT gen_random_uuid(), n::text, timestamp '2020-01-01' + n * interval '1 s', '', $1
         FROM generate_series(1, 9500) n",
    )
    .bind(aoi.uuid())
    .execute(&mut *conn)
    .await
    .unwrap();
    let mut list = Listing::new(Query::default()).stream(test.db.clone());
    let mut read = list.next().await.unwrap().unwrap();
    // longer than a statement waits
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    let busy: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE '%geocube.records r%' AND state = 'active'
             AND pid <> pg_backend_pid()",
    )
    .fetch_one(&mut *conn)
    .await
    .unwrap();
    assert_eq!(busy, 0);
    while let Some(piece) = list.next().await {
        read.extend(piece.unwrap());
    }
    let expected: Vec<String> = (1..=9500).map(|number| number.to_string()).collect();
    let found: Vec<String> = read.into_iter().map(|record| record.name).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn the_time_of_a_reader_does_not_count_for_the_bound_of_a_statement() {
    let test = database!();
    let mut conn = test.db.write().await.unwrap();
    let aoi = one_aoi(&mut conn).await;
    // more than what the sockets hold
    sqlx::query(
        "INSERT INTO geocube.records (id, name, datetime, tags, aoi_id)
         SELECT gen_random_uuid(), n::text, timestamp '2020-01-01' + n * interval '1 s',
             hstore('k', repeat('v', 2000)), $1
         FROM generate_series(1, 40000) n",
    )
    .bind(aoi.uuid())
    .execute(&mut *conn)
    .await
    .unwrap();
    let options = PoolOptions {
        statement_timeout: std::time::Duration::from_millis(400),
        ..PoolOptions::default()
    };
    let db = Database::connect(&test.url(), &options).await.unwrap();
    let mut list = Listing::new(Query::default()).stream(db);
    let mut found = Vec::new();
    while let Some(piece) = list.next().await {
        found.extend(piece.unwrap().into_iter().map(|record| record.name));
        // a little more than what the server needs, less than what a statement waits
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    }
    let expected: Vec<String> = (1..=40_000).map(|number| number.to_string()).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn pieces_of_large_footprints_hold_few_records_and_miss_none() {
    let test = database!();
    let mut conn = test.db.write().await.unwrap();
    // 1.6 MB each, then small ones, then large ones again
    sqlx::query(
        "INSERT INTO geocube.aoi (id, hash, geom)
         SELECT gen_random_uuid(), n::text, ST_Multi(ST_Segmentize(ST_MakeEnvelope(0, 0, n, 1, 4326), (n + 1) / side::float8))
         FROM (VALUES (1, 50000), (2, 2)) AS given (n, side)",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO geocube.records (id, name, datetime, tags, aoi_id)
         SELECT gen_random_uuid(), n::text, timestamp '2020-01-01' + n * interval '1 s', '', a.id
         FROM generate_series(1, 2540) n
         JOIN geocube.aoi a ON a.hash = CASE WHEN n <= 20 OR n > 2520 THEN '1' ELSE '2' END",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    let expected: Vec<String> = (1..=2540).map(|number| number.to_string()).collect();
    for pause in [0, 300] {
        let query = Query {
            with_aoi: true,
            ..Default::default()
        };
        let mut list = Listing::new(query).stream(test.db.clone());
        let (mut found, mut largest) = (Vec::new(), 0);
        while let Some(piece) = list.next().await {
            let piece = piece.unwrap();
            let vertices = |record: &domain::Record| record.aoi.as_ref().unwrap().points().count();
            let bytes = piece.iter().map(vertices).sum::<usize>() * 16;
            assert!(bytes < 7 << 20, "{} records of {bytes} bytes", piece.len());
            largest = largest.max(piece.len());
            found.extend(piece.into_iter().map(|record| record.name));
            // a slow reader has the list read piece by piece
            if found.len() < 20 {
                tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
            }
        }
        assert_eq!(found, expected, "{pause}");
        assert!(largest > 500, "{largest}");
    }
}
