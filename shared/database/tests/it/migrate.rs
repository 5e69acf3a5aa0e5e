use crate::fixtures::refusal;
use database::testing::{
    Scratch,
    reference::{self, FRESH, UPGRADES},
};
use database::{Database, PoolOptions, layout};
use sqlx::{Connection, PgConnection, Row};

/// An empty database, or an early return when there is no server.
macro_rules! scratch {
    () => {
        match Scratch::empty().await {
            Some(scratch) => scratch,
            None => return,
        }
    };
}

mod refusals;
mod survey;

async fn connect(url: &str) -> Database {
    Database::connect(url, &PoolOptions::default())
        .await
        .unwrap()
}

/// Everything that a client of the schema can see, as sorted texts.
async fn description(db: &Database) -> Vec<String> {
    let mut conn = db.read().await.unwrap();
    let rows = sqlx::query(
        "SELECT format('column %s.%s %s %s', table_name, column_name, data_type, is_nullable)
         FROM information_schema.columns WHERE table_schema = 'geocube'
         UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'geocube'
         UNION ALL SELECT format('enum %s %s', t.typname, string_agg(e.enumlabel, ',' ORDER BY e.enumlabel))
         FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid GROUP BY t.typname
         ORDER BY 1",
    )
    .fetch_all(&mut *conn)
    .await
    .unwrap();
    rows.into_iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn an_empty_database_gets_the_whole_schema_and_a_second_run_changes_nothing() {
    let scratch = scratch!();
    Database::migrate(&scratch.url()).await.unwrap();
    let db = connect(&scratch.url()).await;
    let before = description(&db).await;
    db.check_schema().await.unwrap();
    Database::migrate(&scratch.url()).await.unwrap();
    assert_eq!(description(&db).await, before);
    for expected in [
        "CREATE UNIQUE INDEX records_name_tags_datetime_key ON geocube.records USING btree (name, tags, datetime)",
        "CREATE INDEX idx_aoi_geom ON geocube.aoi USING gist (geom)",
        "CREATE INDEX idx_records_tags ON geocube.records USING gin (tags)",
        "enum data_types BOOL,COMPLEX64,FLOAT32,FLOAT64,INT16,INT32,INT8,UINT16,UINT32,UINT8",
        "enum datatypes BOOL,COMPLEX64,FLOAT32,FLOAT64,INT16,INT32,INT8,UINT16,UINT32,UINT8",
    ] {
        assert!(
            before.iter().any(|line| line == expected),
            "{expected} is not in {before:#?}"
        );
    }
}

#[tokio::test]
async fn two_upgrades_at_the_same_time_give_one_schema() {
    let scratch = scratch!();
    let url = scratch.url();
    let (one, other) = futures::join!(Database::migrate(&url), Database::migrate(&url));
    one.unwrap();
    other.unwrap();
    connect(&url).await.check_schema().await.unwrap();
}

#[tokio::test]
async fn a_database_of_release_1_1_0_is_adopted_with_its_rows() {
    for scripts in [&[FRESH][..], &UPGRADES] {
        let scratch = scratch!();
        scratch.run(scripts).await;
        scratch
            .run(&[&reference::rows("/data"), reference::QUEUE])
            .await;
        Database::migrate(&scratch.url()).await.unwrap();
        let db = connect(&scratch.url()).await;
        db.check_schema().await.unwrap();
        let mut conn = db.read().await.unwrap();
        let orders: Vec<i64> = sqlx::query_scalar("SELECT creation_order FROM geocube.datasets")
            .fetch_all(&mut *conn)
            .await
            .unwrap();
        assert_eq!(orders, [0, 0, 0, 0]);
        let next: i64 = sqlx::query_scalar("SELECT nextval('geocube.datasets_creation_order_seq')")
            .fetch_one(&mut *conn)
            .await
            .unwrap();
        assert!(next > 0);
    }
}

/// The lines that only one of two descriptions has.
fn differences(one: &[String], other: &[String]) -> Vec<String> {
    let (a, b) = (
        one.iter().filter(|line| !other.contains(line)),
        other.iter().filter(|line| !one.contains(line)),
    );
    a.map(|line| format!("- {line}"))
        .chain(b.map(|line| format!("+ {line}")))
        .collect()
}

#[tokio::test]
async fn an_adopted_schema_differs_from_a_new_one_where_its_history_does() {
    let new = scratch!();
    Database::migrate(&new.url()).await.unwrap();
    let new = description(&connect(&new.url()).await).await;
    for (scripts, expected) in [
        (&[FRESH][..], &[][..]),
        (
            &UPGRADES,
            &[
                "- CREATE UNIQUE INDEX layouts_pkey ON geocube.layouts USING btree (name)",
                "- column layouts.overviews_min_size integer NO",
                "+ CREATE UNIQUE INDEX layouts_name_key ON geocube.layouts USING btree (name)",
                "+ column layouts.overviews_min_size integer YES",
            ],
        ),
    ] {
        let scratch = scratch!();
        scratch.run(scripts).await;
        Database::migrate(&scratch.url()).await.unwrap();
        let adopted = description(&connect(&scratch.url()).await).await;
        assert_eq!(differences(&new, &adopted), expected);
    }
}

#[tokio::test]
async fn layouts_of_a_long_history_have_no_smallest_overview() {
    let scratch = scratch!();
    scratch.run(&UPGRADES).await;
    scratch
        .run(&["INSERT INTO geocube.layouts (name, overviews_min_size) VALUES ('old', NULL)"])
        .await;
    Database::migrate(&scratch.url()).await.unwrap();
    let db = connect(&scratch.url()).await;
    let mut conn = db.read().await.unwrap();
    let old = layout::get(&mut conn, "old").await.unwrap();
    assert_eq!(old.overviews_min_size, -1);
    let error = refusal(layout::create(&mut conn, &old).await);
    assert_eq!(error.to_string(), "Layout with name: old");
}

#[tokio::test]
async fn an_unfinished_index_is_built_again() {
    let scratch = scratch!();
    Database::migrate(&scratch.url()).await.unwrap();
    scratch
        .run(&[
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'geocube.idx_records_tags'::regclass",
            "DELETE FROM geocube._sqlx_migrations WHERE description = 'records tags index'",
        ])
        .await;
    Database::migrate(&scratch.url()).await.unwrap();
    let db = connect(&scratch.url()).await;
    let valid: bool = sqlx::query_scalar(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'geocube.idx_records_tags'::regclass",
    )
    .fetch_one(&mut *db.read().await.unwrap())
    .await
    .unwrap();
    assert!(valid);
}

#[tokio::test]
async fn services_need_no_rights_beyond_rows() {
    let scratch = scratch!();
    let role = format!("service_{}", domain::JobId::new().uuid().simple());
    let url = scratch.url();
    let mut owner = PgConnection::connect(&url).await.unwrap();
    let execute = async |owner: &mut PgConnection, sql: String| {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(owner)
            .await
            .unwrap();
    };
    sqlx::raw_sql(FRESH).execute(&mut owner).await.unwrap();
    let rights =
        "USAGE ON SCHEMA geocube TO R; GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA geocube TO R;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA geocube TO R";
    execute(
        &mut owner,
        format!(
            "CREATE ROLE {role} LOGIN; GRANT {}",
            rights.replace(" R", &format!(" {role}"))
        ),
    )
    .await;
    Database::migrate(&url).await.unwrap();
    let own = url.replacen("postgres:", "postgresql:", 1);
    let mut service: url::Url = own.parse().unwrap();
    service.set_username(&role).unwrap();
    service.set_password(None).unwrap();
    let db = connect(service.as_str()).await;
    db.check_schema().await.unwrap();
    let versions = "UPDATE geocube._sqlx_migrations SET success = false";
    let mut conn = db.write().await.unwrap();
    let refused = sqlx::query(versions).execute(&mut *conn).await.unwrap_err();
    let code = refused.into_database_error().unwrap();
    assert_eq!(code.code().as_deref(), Some("42501"), "{code}");
    drop(conn);
    let mut tx = db.begin().await.unwrap();
    let aoi = crate::fixtures::one_aoi(&mut tx).await;
    let record = crate::fixtures::one_record(&mut tx, "r", crate::fixtures::day(1), aoi).await;
    let (_, instance) = crate::fixtures::one_instance(&mut tx, "v").await;
    crate::fixtures::store(
        &mut tx,
        &[crate::fixtures::dataset_at(
            "/a.tif", record, instance, 0.0, 0.0,
        )],
    )
    .await;
    crate::job::stored(&mut tx, "j").await;
    database::outbox::insert(&mut tx, &[]).await.unwrap();
    let queue = "INSERT INTO pgq_jobs (queue_name, data, run_after, retry_waits) VALUES ('q', '', now(), '{}')";
    sqlx::query(queue).execute(&mut *tx).await.unwrap();
    tx.rollback().await.unwrap();
    db.close().await;
    execute(
        &mut owner,
        format!("DROP OWNED BY {role}; DROP ROLE {role}"),
    )
    .await;
}
