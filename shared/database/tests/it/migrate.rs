use crate::{database, fixtures::refusal};
use database::{Database, PoolOptions, layout, migrate, testing::Scratch};
use sqlx::{Connection, PgConnection, Row};

const BASELINE: &str = include_str!("../../../../migrations/0001_baseline.sql");

/// What upgrades of older releases leave different from a new installation.
const MIGRATED: &str = "
    ALTER TABLE geocube.layouts DROP CONSTRAINT layouts_pkey CASCADE;
    ALTER TABLE geocube.layouts ADD CONSTRAINT layouts_name_key UNIQUE (name);
    ALTER TABLE geocube.layouts ALTER COLUMN interlacing_pattern SET DEFAULT 'Z=0>T>R>B;R>Z=1:>T>B';
    ALTER TABLE geocube.layouts ALTER COLUMN overviews_min_size DROP NOT NULL;
    ALTER TABLE geocube.layouts ALTER COLUMN overviews_min_size SET DEFAULT -1;
    ALTER TABLE geocube.container_layouts ADD FOREIGN KEY (layout_name) REFERENCES geocube.layouts (name) MATCH FULL;
    ALTER TABLE geocube.cells DROP CONSTRAINT geometry_valid_check;
    ALTER TABLE geocube.consolidation_params ALTER COLUMN creation_params SET DEFAULT ''::hstore;
    INSERT INTO geocube.layouts (name, overviews_min_size) VALUES ('old', NULL);";

/// Rows that an adopted database holds.
const ROWS: &str = "
    INSERT INTO geocube.aoi VALUES ('00000000-0000-4000-8000-000000000001', 'h', 'SRID=4326;MULTIPOLYGON(((0 0,0 1,1 1,0 0)))');
    INSERT INTO geocube.records VALUES ('00000000-0000-4000-8000-000000000002', 'r', '2020-01-01', '',
        '00000000-0000-4000-8000-000000000001');
    INSERT INTO geocube.variable_definitions VALUES ('00000000-0000-4000-8000-000000000003', 'v', '', '', '{b}',
        'UINT8', 'NaN', 0, 255, NULL, 'NEAR');
    INSERT INTO geocube.variable_instances VALUES ('00000000-0000-4000-8000-000000000004', 'i', NULL,
        '00000000-0000-4000-8000-000000000003');
    INSERT INTO geocube.containers (uri, managed) VALUES ('/a.tif', false);
    INSERT INTO geocube.datasets SELECT given.id::uuid, '00000000-0000-4000-8000-000000000002',
        '00000000-0000-4000-8000-000000000004', '/a.tif', NULL, geom::geography, geom, geom, '', '{1}', 'ACTIVE',
        'UINT8', 'NaN', 0, 255, 0, 255, 1, false
    FROM geocube.aoi, UNNEST(ARRAY['00000000-0000-4000-8000-000000000006', '00000000-0000-4000-8000-000000000005'])
        AS given (id);
    INSERT INTO geocube.jobs (id, name, creation_ts, last_update_ts, payload, state, type, active_tasks, failed_tasks)
    VALUES (gen_random_uuid(), 'old job', '2020-01-01', '2020-01-01', '{}', 'DONEBUTUNTIDY', 'DELETION', 0, 0);";

/// An empty database, or an early return when there is no server.
macro_rules! scratch {
    () => {
        match Scratch::empty().await {
            Some(scratch) => scratch,
            None => return,
        }
    };
}

async fn run(url: &str, scripts: &[&'static str]) {
    let mut conn = PgConnection::connect(url).await.unwrap();
    for script in scripts {
        sqlx::raw_sql(*script).execute(&mut conn).await.unwrap();
    }
}

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
    for variant in [&[BASELINE][..], &[BASELINE, MIGRATED]] {
        let scratch = scratch!();
        run(&scratch.url(), variant).await;
        run(&scratch.url(), &[ROWS]).await;
        Database::migrate(&scratch.url()).await.unwrap();
        let db = connect(&scratch.url()).await;
        db.check_schema().await.unwrap();
        let mut conn = db.read().await.unwrap();
        let orders: Vec<i64> = sqlx::query_scalar("SELECT creation_order FROM geocube.datasets")
            .fetch_all(&mut *conn)
            .await
            .unwrap();
        assert_eq!(orders, [0, 0]);
        let next: i64 = sqlx::query_scalar("SELECT nextval('geocube.datasets_creation_order_seq')")
            .fetch_one(&mut *conn)
            .await
            .unwrap();
        assert!(next > 0);
        // rows of the same order go by id
        let found = database::dataset::of_containers(&mut conn, &[crate::fixtures::uri("/a.tif")])
            .await
            .unwrap();
        assert!(found[0].id < found[1].id);
        let layouts = layout::list(&mut conn, None).await.unwrap();
        assert!(layouts.iter().all(|layout| layout.overviews_min_size == -1));
        assert_eq!(layouts.len(), variant.len() - 1);
        for old in &layouts {
            let error = refusal(layout::create(&mut conn, old).await);
            assert_eq!(error.to_string(), "Layout with name: old");
        }
    }
}

#[tokio::test]
async fn an_older_schema_is_refused_with_the_scripts_to_apply() {
    for (older, scripts) in [
        (
            "ALTER TABLE geocube.consolidation_params DROP COLUMN creation_params",
            "script(s) 1.1.0 first",
        ),
        ("DROP TABLE geocube.job_logs", "0.6.0 and 1.1.0"),
        (
            "DROP TABLE geocube.container_layouts",
            "0.3.0, 0.6.0 and 1.1.0",
        ),
    ] {
        let scratch = scratch!();
        run(&scratch.url(), &[BASELINE, older]).await;
        let error = refusal(Database::migrate(&scratch.url()).await);
        assert!(
            matches!(&error, domain::Error::Precondition(text) if text.contains(scripts)),
            "{error:?}"
        );
        let db = connect(&scratch.url()).await;
        assert!(
            refusal(db.check_schema().await)
                .to_string()
                .contains("geocube migrate")
        );
    }
}

#[tokio::test]
async fn a_database_with_jobs_under_way_is_refused_naming_them() {
    let scratch = scratch!();
    let job = "INSERT INTO geocube.jobs (id, name, creation_ts, last_update_ts, payload, state, type, active_tasks,
            failed_tasks)
        VALUES (gen_random_uuid(), 'tuesday', '2020-01-01', '2020-01-01', '{}', 'CONSOLIDATIONFAILED', 'CONSOLIDATION', 0, 1)";
    run(&scratch.url(), &[BASELINE, ROWS, job]).await;
    let text = refusal(Database::migrate(&scratch.url()).await).to_string();
    assert!(
        text.contains("tuesday (")
            && text.contains("CONSOLIDATIONFAILED")
            && !text.contains("old job"),
        "{text}"
    );
    run(
        &scratch.url(),
        &["UPDATE geocube.jobs SET state = 'FAILED'"],
    )
    .await;
    Database::migrate(&scratch.url()).await.unwrap();
}

#[tokio::test]
async fn waiting_messages_of_the_former_queue_prevent_the_adoption() {
    let scratch = scratch!();
    let queue = "CREATE TABLE pgq_jobs (id serial PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(),
            queue_name text NOT NULL, data bytea NOT NULL, run_after timestamptz NOT NULL,
            retry_waits text[] NOT NULL, ran_at timestamptz, error text);
        INSERT INTO pgq_jobs (queue_name, data, run_after, retry_waits) VALUES ('q', '', now(), '{}')";
    run(&scratch.url(), &[BASELINE, queue]).await;
    let text = refusal(Database::migrate(&scratch.url()).await).to_string();
    assert!(text.contains("1 message(s)"), "{text}");
    run(&scratch.url(), &["UPDATE pgq_jobs SET ran_at = now()"]).await;
    Database::migrate(&scratch.url()).await.unwrap();
}

#[tokio::test]
async fn a_schema_newer_than_the_program_is_refused() {
    let test = database!();
    let future = "INSERT INTO geocube._sqlx_migrations VALUES (9999, 'later', now(), true, '', 0)";
    run(&test.url(), &[future]).await;
    for error in [
        refusal(Database::migrate(&test.url()).await),
        refusal(test.db.check_schema().await),
    ] {
        let text = error.to_string();
        assert!(
            text.contains("newer than this program") && text.contains("9999"),
            "{text}"
        );
    }
    assert!(migrate::latest() < 9999);
}

#[tokio::test]
async fn an_unfinished_index_is_built_again() {
    let scratch = scratch!();
    Database::migrate(&scratch.url()).await.unwrap();
    run(
        &scratch.url(),
        &[
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'geocube.idx_records_tags'::regclass",
            "DELETE FROM geocube._sqlx_migrations WHERE description = 'records tags index'",
        ],
    )
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
    sqlx::raw_sql(BASELINE).execute(&mut owner).await.unwrap();
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
