//! Which indexes the searches use, on a catalogue whose statistics are known.

use crate::{
    database,
    fixtures::{at_most, day, map, one_instance, square},
};
use database::{
    Page, PgConnection, Piecewise, dataset, job, job_log,
    record::{Listing, Query},
};
use domain::job::{JobState, LogPage};
use domain::{InstanceId, Pattern, RecordFilters, RecordSelection, TagFilters, TimeRange};
use sqlx::Row;
use std::collections::BTreeSet;

/// Places of one degree in a row, each with the same dates.
const PLACES: i32 = 100;
const DATES: i32 = 120;

/// Records of 100 places and 120 dates, each with a visible dataset and two hidden ones, and statistics
/// about them.
async fn archive(conn: &mut PgConnection) -> InstanceId {
    let (_, instance) = one_instance(conn, "v").await;
    for sql in [
        "INSERT INTO geocube.aoi (id, hash, geom)
         SELECT md5('a' || p)::uuid, p, ST_Multi(ST_MakeEnvelope(p, 0, p + 1, 1, 4326)) FROM generate_series(0, $1 - 1) p
         WHERE $2 > 0 AND $3::uuid IS NOT NULL",
        "INSERT INTO geocube.records (id, name, datetime, tags, aoi_id)
         SELECT md5(p || '/' || d)::uuid, format('S2_%s_T%s', lpad(d::text, 4, '0'), lpad(p::text, 3, '0')),
             timestamp '2020-01-01' + d * interval '1 day', hstore('tile', p::text), md5('a' || p)::uuid
         FROM generate_series(0, $2 - 1) d, generate_series(0, $1 - 1) p WHERE $3::uuid IS NOT NULL",
        "INSERT INTO geocube.containers (uri, managed, storage_class)
         SELECT '/' || p || '/' || d, false, 'STANDARD' FROM generate_series(0, $2 - 1) d, generate_series(0, $1 - 1) p
         WHERE $3::uuid IS NOT NULL",
        "INSERT INTO geocube.datasets (id, record_id, instance_id, container_uri, geog, geom, shape, subdir, bands,
             status, dtype, no_data, min_value, max_value, real_min_value, real_max_value, exponent, overviews)
         SELECT gen_random_uuid(), md5(p || '/' || d)::uuid, $3, '/' || p || '/' || d, area::geography, area, area, '',
             '{1}', CASE state WHEN 0 THEN 'ACTIVE' ELSE 'INACTIVE' END::geocube.dataset_status, 'UINT8', 0, 0, 1, 0, 1,
             1, false
         FROM generate_series(0, $2 - 1) d, generate_series(0, $1 - 1) p, generate_series(0, 2) state,
             LATERAL (SELECT ST_Multi(ST_MakeEnvelope(p, 0, p + 1, 1, 4326)) AS area) AS a",
    ] {
        sqlx::query(sql)
            .bind(PLACES)
            .bind(DATES)
            .bind(instance.uuid())
            .execute(&mut *conn)
            .await
            .unwrap();
    }
    sqlx::raw_sql("VACUUM (ANALYZE) geocube.records, geocube.datasets, geocube.aoi")
        .execute(conn)
        .await
        .unwrap();
    instance
}

/// Forgets what was counted.
async fn forget(conn: &mut PgConnection) {
    sqlx::raw_sql("SELECT pg_stat_force_next_flush(); SELECT pg_stat_reset()")
        .execute(conn)
        .await
        .unwrap();
}

/// The indexes that were used, and the large tables that were read from one end to the other.
async fn used(conn: &mut PgConnection) -> BTreeSet<String> {
    sqlx::query("SELECT pg_stat_force_next_flush()")
        .execute(&mut *conn)
        .await
        .unwrap();
    let rows = sqlx::query(
        "SELECT indexrelname::text FROM pg_stat_user_indexes WHERE schemaname = 'geocube' AND idx_scan > 0
         UNION ALL
         SELECT 'all ' || relname FROM pg_stat_user_tables
         WHERE schemaname = 'geocube' AND relname IN ('records', 'datasets', 'aoi') AND seq_scan > 0",
    )
    .fetch_all(conn)
    .await
    .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn named(pattern: &str) -> Query {
    Query {
        name: Pattern::parse(pattern),
        ..Query::default()
    }
}

fn filters(tag: Option<&str>, days: Option<(i64, i64)>) -> RecordFilters {
    let tags = tag.map(|tile| map(&[("tile", tile)])).unwrap_or_default();
    RecordFilters {
        tags: TagFilters::parse(tags).unwrap(),
        time: TimeRange {
            from: days.map(|(from, _)| day(from)),
            to: days.map(|(_, to)| day(to)),
        },
    }
}

fn filtered(tag: Option<&str>, days: Option<(i64, i64)>) -> Query {
    Query {
        filters: filters(tag, days),
        ..Query::default()
    }
}

fn page(page: u32, limit: u32) -> Query {
    Query {
        page: Page { page, limit },
        ..Query::default()
    }
}

#[tokio::test]
async fn lists_of_records_use_the_index_of_their_filter() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    archive(&mut conn).await;
    let place = Query {
        aoi: Some(square(40.2, 0.2, 0.5)),
        ..Query::default()
    };
    for (query, count, indexes) in [
        (filtered(Some("7"), None), 120, &["idx_records_tags"][..]),
        (filtered(None, Some((5, 6))), 200, &["idx_records_datetime"]),
        (place, 120, &["idx_aoi_geom", "idx_records_aoi"]),
        (named("S2_0003_T0*"), 100, &["idx_records_name_pattern"]),
        (named("*_0003_T007"), 1, &["idx_records_name_trigram"]),
        (named("*3_T007*"), 12, &["idx_records_name_trigram"]),
        (named("*3_t007(?i)"), 12, &["idx_records_name_trigram"]),
        (page(0, 10), 10, &["idx_records_datetime"]),
        (page(1150, 10), 10, &["idx_records_datetime"]),
    ] {
        forget(&mut conn).await;
        let found = Listing::new(query.clone()).next(&mut conn).await.unwrap();
        assert_eq!(found.len(), count, "{query:?}");
        let used = used(&mut conn).await;
        for index in indexes {
            assert!(used.contains(*index), "{query:?}: {used:?}");
        }
        assert!(!used.contains("all records"), "{query:?}: {used:?}");
    }
}

#[tokio::test]
async fn searches_of_datasets_start_from_the_place_the_record_or_the_tag() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    let instance = archive(&mut conn).await;
    let dates = filtered(Some("7"), Some((1, 50)));
    let dates = Listing::new(dates).next(&mut conn).await.unwrap();
    let ids = dates.iter().map(|record| record.id).collect();
    let place = square(7.2, 0.2, 0.1);
    let instances = [instance];
    for (selection, count, index) in [
        (
            RecordSelection::Filters(filters(None, None)),
            120,
            "idx_datasets_geog",
        ),
        (
            RecordSelection::Filters(filters(Some("7"), Some((1, 30)))),
            30,
            "idx_datasets_geog",
        ),
        (
            RecordSelection::Ids(ids),
            50,
            "idx_datasets_record_instance_active",
        ),
    ] {
        forget(&mut conn).await;
        let found =
            dataset::find_for_cube(&mut conn, &instances, &selection, &place, at_most(1000)).await;
        assert_eq!(found.unwrap().len(), count, "{selection:?}");
        let used = used(&mut conn).await;
        assert!(used.contains(index), "{selection:?}: {used:?}");
        assert!(!used.contains("all datasets"), "{selection:?}: {used:?}");
    }
    forget(&mut conn).await;
    let selection = RecordSelection::Filters(filters(Some("7"), Some((1, 30))));
    let found = dataset::list(&mut conn, instance, &selection, at_most(1000)).await;
    assert_eq!(found.unwrap().len(), 30);
    let used = used(&mut conn).await;
    for index in ["idx_records_tags", "idx_datasets_record_instance_active"] {
        assert!(used.contains(index), "{used:?}");
    }
    assert!(!used.contains("all datasets") && !used.contains("all records"));
}

#[tokio::test]
async fn logs_are_read_by_their_job_and_jobs_found_by_their_state() {
    let test = database!();
    let mut conn = test.db.read().await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO geocube.jobs (id, name, creation_ts, last_update_ts, payload, state, type, active_tasks, failed_tasks,
             execution_level, waiting)
         SELECT md5('j' || n)::uuid, n::text, timestamp '2020-01-01', timestamp '2020-01-01', '{}',
             CASE WHEN n % 1000 = 0 THEN 'DELETIONINPROGRESS' ELSE 'DONE' END, 'DELETION', 0, 0, 0, false
         FROM generate_series(1, 5000) n;
         INSERT INTO geocube.job_logs (job_id, time, status, message, severity)
         SELECT md5('j' || n % 5000 + 1)::uuid, timestamp '2020-01-01', 'DONE', n::text, 'INFO'
         FROM generate_series(1, 50000) n;
         ANALYZE geocube.jobs, geocube.job_logs",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    forget(&mut conn).await;
    let states = [JobState::DeletionInProgress];
    let found = job::ids_in_states(&mut conn, None, &states, None, 10).await;
    let found = found.unwrap();
    assert_eq!(found.len(), 5);
    let jobs = job::list_in_states(&mut conn, None, &states).await;
    assert_eq!(jobs.unwrap().len(), 5);
    let used_by_states = used(&mut conn).await;
    assert!(
        used_by_states.contains("idx_jobs_state"),
        "{used_by_states:?}"
    );
    forget(&mut conn).await;
    let page = job_log::page(&mut conn, found[0], LogPage::new(1, 3)).await;
    assert_eq!(page.unwrap().len(), 3);
    assert_eq!(job_log::count(&mut conn, found[0]).await.unwrap(), 10);
    let newest = job_log::newest(&mut conn, &found, 2).await.unwrap();
    assert_eq!(newest.len(), 5);
    let used_by_logs = used(&mut conn).await;
    assert!(
        used_by_logs.contains("idx_job_logs_job"),
        "{used_by_logs:?}"
    );
}
