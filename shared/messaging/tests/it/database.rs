//! A database per test, where a server is at hand.

use std::future::Future;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool, postgres::PgConnectOptions};
use uuid::Uuid;

const QUEUE: [&str; 3] = [
    include_str!("../../../../migrations/0003_queue.sql"),
    include_str!("../../../../migrations/0017_queue_counts.sql"),
    include_str!("../../../../migrations/0020_queue_due_index.sql"),
];

/// Runs a test on a database of its own, empty but for what `before` and the migrations of the queue create.
pub async fn with_database<F: Future<Output = ()> + Send + 'static>(
    before: &'static str,
    test: impl FnOnce(PgPool) -> F,
) {
    let Ok(url) = std::env::var("DATABASE_URL") else {
        eprintln!("skipped: needs DATABASE_URL");
        return;
    };
    let options: PgConnectOptions = url.parse().unwrap();
    let mut maintenance = PgConnection::connect_with(&options).await.unwrap();
    let name = format!("messaging_{}", Uuid::new_v4().simple());
    maintenance
        .execute(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .await
        .unwrap();
    let pool = PgPool::connect_with(options.database(&name)).await.unwrap();
    sqlx::raw_sql(before).execute(&pool).await.unwrap();
    for migration in QUEUE {
        sqlx::raw_sql(migration).execute(&pool).await.unwrap();
    }
    // in a task, so that the database is dropped whatever happens
    let result = tokio::spawn(test(pool)).await;
    maintenance
        .execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)")))
        .await
        .unwrap();
    if let Err(failure) = result {
        std::panic::resume_unwind(failure.into_panic());
    }
}
