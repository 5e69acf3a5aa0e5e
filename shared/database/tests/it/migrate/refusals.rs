//! Databases that are not brought up to date, and why.

use super::connect;
use crate::{database, fixtures::refusal};
use database::testing::{
    Scratch,
    reference::{self, FRESH, UPGRADES},
};
use database::{Database, connect_options, migrate};
use domain::Error;

/// The text of a refusal that leaves no trace in the database.
async fn refused(scratch: &Scratch) -> String {
    let error = refusal(Database::migrate(&scratch.url()).await);
    let Error::Precondition(text) = error else {
        panic!("{error:?}");
    };
    let mut conn = migrate::connect(&connect_options(&scratch.url()).unwrap())
        .await
        .unwrap();
    let same = refusal(migrate::can_run(&mut conn).await);
    assert_eq!(same.to_string(), text);
    let traces: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_class WHERE relname IN ('_sqlx_migrations', 'task_leases', 'outbox')",
    )
    .fetch_one(&mut conn)
    .await
    .unwrap();
    assert_eq!(traces, 0, "{text}");
    text
}

#[tokio::test]
async fn an_older_schema_is_refused_with_the_scripts_to_apply() {
    for (applied, scripts) in [
        (1, "script(s) 0.3.0, 0.6.0 and 1.1.0 first"),
        (2, "script(s) 0.6.0 and 1.1.0 first"),
        (3, "script(s) 1.1.0 first"),
    ] {
        let scratch = scratch!();
        scratch.run(&UPGRADES[..applied]).await;
        let text = refused(&scratch).await;
        assert!(text.contains(scripts), "{text}");
        let unknown = refusal(connect(&scratch.url()).await.check_schema().await);
        assert!(unknown.to_string().contains("geocube migrate"), "{unknown}");
        scratch.run(&UPGRADES[applied..]).await;
        Database::migrate(&scratch.url()).await.unwrap();
    }
}

#[tokio::test]
async fn an_upgrade_applied_in_part_is_refused_with_what_is_missing() {
    for (damage, fragments) in [
        (
            "ALTER TABLE geocube.datasets DROP COLUMN locked_by_job_id",
            &["datasets.locked_by_job_id is missing"][..],
        ),
        (
            "DROP TABLE geocube.grids CASCADE; ALTER TABLE geocube.jobs DROP COLUMN waiting",
            &["grids.name is missing", "jobs.waiting is missing"],
        ),
        (
            "ALTER TABLE geocube.consolidation_params ADD COLUMN bands_interleave boolean NOT NULL",
            &["consolidation_params.bands_interleave is not of 1.1.0 and must not be null"],
        ),
        (
            "ALTER TYPE geocube.compression RENAME VALUE 'CUSTOM' TO 'OTHER'",
            &[
                "upgrade script 1.1.0",
                "geocube.compression has no value CUSTOM",
            ],
        ),
    ] {
        let scratch = scratch!();
        scratch.run(&[FRESH, damage]).await;
        let text = refused(&scratch).await;
        for fragment in fragments {
            assert!(text.contains(fragment), "{text}");
        }
    }
}

#[tokio::test]
async fn columns_of_others_do_not_prevent_an_adoption() {
    let scratch = scratch!();
    let more = "ALTER TABLE geocube.records ADD COLUMN ours text, ADD COLUMN mark integer NOT NULL DEFAULT 0;
        CREATE TABLE geocube.of_ours (id integer)";
    scratch.run(&[FRESH, more]).await;
    Database::migrate(&scratch.url()).await.unwrap();
}

#[tokio::test]
async fn a_database_with_jobs_under_way_is_refused_naming_them() {
    let scratch = scratch!();
    let jobs = "UPDATE geocube.jobs SET state = 'CONSOLIDATIONFAILED' WHERE name = 'done job';
        UPDATE geocube.jobs SET state = 'NEW' WHERE name = ''";
    scratch.run(&[FRESH, &reference::rows("/data"), jobs]).await;
    let text = refused(&scratch).await;
    let id = |last| format!("e0000000-0000-4000-8000-00000000000{last}");
    assert!(
        text.ends_with(&format!(
            "first:  ({}, NEW), done job ({}, CONSOLIDATIONFAILED)",
            id(3),
            id(1)
        )),
        "{text}"
    );
    scratch
        .run(&["UPDATE geocube.jobs SET state = 'FAILED'"])
        .await;
    Database::migrate(&scratch.url()).await.unwrap();
}

#[tokio::test]
async fn waiting_messages_of_the_former_queue_prevent_the_adoption() {
    let scratch = scratch!();
    let waiting = "UPDATE pgq_jobs SET ran_at = NULL";
    scratch.run(&[FRESH, reference::QUEUE, waiting]).await;
    let text = refused(&scratch).await;
    assert!(text.contains("1 message(s) wait in pgq_jobs"), "{text}");
    scratch.run(&["DELETE FROM pgq_jobs"]).await;
    Database::migrate(&scratch.url()).await.unwrap();
}

#[tokio::test]
async fn a_postgis_that_is_too_old_or_elsewhere_is_refused() {
    for (change, fragment) in [
        (
            "UPDATE pg_extension SET extversion = '3.0.4' WHERE extname = 'postgis'",
            "3.0.4, expected 3.1 or later",
        ),
        (
            "CREATE SCHEMA maps; ALTER EXTENSION hstore SET SCHEMA maps",
            "the extension hstore lies in the schema maps",
        ),
    ] {
        let scratch = scratch!();
        scratch
            .run(&["CREATE EXTENSION postgis; CREATE EXTENSION hstore", change])
            .await;
        let text = refused(&scratch).await;
        assert!(text.contains(fragment), "{text}");
    }
}

#[tokio::test]
async fn whoever_may_not_create_what_is_needed_learns_what_to_ask_for() {
    let scratch = scratch!();
    let role = format!("owner_{}", domain::JobId::new().uuid().simple());
    let name = scratch.url().rsplit('/').next().unwrap().to_owned();
    scratch
        .run(&[&format!(
            "CREATE ROLE {role} LOGIN; ALTER DATABASE {name} OWNER TO {role}"
        )])
        .await;
    let mut url: url::Url = scratch.url().parse().unwrap();
    url.set_username(&role).unwrap();
    // PostGIS is not among the extensions that the owner of a database may create
    let text = refusal(Database::migrate(url.as_str()).await).to_string();
    assert!(
        text.contains("permission denied to create extension \"postgis\"")
            && text.contains("may need a superuser"),
        "{text}"
    );
    scratch.run(&["CREATE EXTENSION postgis"]).await;
    Database::migrate(url.as_str()).await.unwrap();
    scratch
        .run(&[&format!(
            "REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}"
        )])
        .await;
}

#[tokio::test]
async fn a_schema_newer_than_the_program_is_refused() {
    let test = database!();
    test.run(&["INSERT INTO geocube._sqlx_migrations VALUES (9999, 'later', now(), true, '', 0)"])
        .await;
    let mut conn = migrate::connect(&connect_options(&test.url()).unwrap())
        .await
        .unwrap();
    for error in [
        refusal(Database::migrate(&test.url()).await),
        refusal(test.db.check_schema().await),
        refusal(migrate::can_run(&mut conn).await),
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
async fn a_migration_left_half_done_is_refused() {
    let test = database!();
    test.run(&["UPDATE geocube._sqlx_migrations SET success = false WHERE version = 7"])
        .await;
    for error in [
        refusal(Database::migrate(&test.url()).await),
        refusal(test.db.check_schema().await),
    ] {
        let text = error.to_string();
        assert!(text.contains("migration 7 was left half done"), "{text}");
    }
}

#[tokio::test]
async fn a_migration_that_is_missing_in_the_middle_is_told_and_applied() {
    let test = database!();
    test.run(&["DELETE FROM geocube._sqlx_migrations WHERE version = 9;
        DROP INDEX geocube.idx_datasets_record_instance_active"])
        .await;
    let text = refusal(test.db.check_schema().await).to_string();
    assert!(text.contains("without 9"), "{text}");
    Database::migrate(&test.url()).await.unwrap();
    test.db.check_schema().await.unwrap();
}
