//! What is told of an adopted catalogue, and what is mended.

use database::connect_options;
use database::migrate::{self, Finding, StoredFile};
use database::testing::{
    Scratch,
    reference::{self, FRESH},
};
use domain::{DatasetId, JobId};

const JOB: &str = "e0000000-0000-4000-8000-00000000000";
const DATASET: &str = "f0000000-0000-4000-8000-00000000000";

fn of<'a>(findings: &'a [Finding], start: &str) -> Option<&'a Finding> {
    findings
        .iter()
        .find(|finding| finding.what.starts_with(start))
}

/// A catalogue of release 1.1.0 with its rows.
macro_rules! reference {
    () => {{
        let scratch = scratch!();
        scratch.run(&[FRESH, &reference::rows("/data")]).await;
        scratch
    }};
}

#[tokio::test]
async fn rows_that_break_the_rules_of_today_are_found_before_and_after_the_adoption() {
    let scratch = reference!();
    let mut conn = migrate::connect(&connect_options(&scratch.url()).unwrap())
        .await
        .unwrap();
    let before = migrate::survey(&mut conn).await.unwrap();
    assert_eq!(
        before.iter().map(|f| (f.what, f.count)).collect::<Vec<_>>(),
        [
            (
                "datasets whose lock is not noted in their row, or the other way round (geocube migrate --repair)",
                1
            ),
            (
                "jobs that are over still hold datasets (geocube migrate --repair)",
                1
            ),
        ]
    );
    migrate::run(&scratch.url()).await.unwrap();
    scratch
        .run(&[
            // the same bands twice, in part
            "UPDATE geocube.datasets SET container_uri = '/elsewhere/a.tif', subdir = '', bands = '{3}'
             WHERE id::text LIKE 'f%3'",
            "UPDATE geocube.datasets SET exponent = 'NaN' WHERE id::text LIKE 'f%2'",
            "UPDATE geocube.datasets SET real_min_value = 2 WHERE id::text LIKE 'f%1'",
            "UPDATE geocube.variable_definitions SET min_value = 9 WHERE name = 'rgb'",
            "UPDATE geocube.variable_definitions SET max_value = 300 WHERE name = 'rgb'",
            "UPDATE geocube.consolidation_params SET exponent = 0",
            "UPDATE geocube.layouts SET block_x_size = 0",
            "INSERT INTO geocube.aoi VALUES ('a0000000-0000-4000-8000-000000000009', 'x',
             ST_SetSRID(ST_Multi(ST_MakePolygon(ST_MakeLine(ARRAY[ST_MakePoint(0, 0), ST_MakePoint(0, 'NaN'),
             ST_MakePoint(1, 1), ST_MakePoint(0, 0)]))), 4326))",
            "DELETE FROM geocube.locked_datasets WHERE dataset_id::text LIKE 'f%4'",
        ])
        .await;
    let findings = migrate::survey(&mut conn).await.unwrap();
    for (start, count, example) in [
        (
            "datasets of one file share bands",
            1,
            "subdir '', bands {3} and {1,2,3}",
        ),
        (
            "footprints lie outside",
            1,
            "a0000000-0000-4000-8000-000000000009",
        ),
        ("datasets have a format or a mapping", 2, "exponent NaN"),
        ("variables have a format", 1, "rgb: (UINT8 [9 -> 300]"),
        ("consolidation parameters", 2, "exponent 0"),
        (
            "layouts have sizes",
            1,
            "tiles: block_x_size must be positive",
        ),
        ("datasets are hidden although", 1, "(TODELETE)"),
    ] {
        let finding = of(&findings, start).unwrap_or_else(|| panic!("{start}: {findings:#?}"));
        assert_eq!(finding.count, count, "{finding:?}");
        assert!(
            finding.examples.iter().any(|text| text.contains(example)),
            "{finding:?}"
        );
    }
}

#[tokio::test]
async fn files_are_listed_by_pages() {
    let scratch = reference!();
    let mut conn = migrate::connect(&connect_options(&scratch.url()).unwrap())
        .await
        .unwrap();
    let (mut files, mut last) = (Vec::new(), None::<String>);
    loop {
        let page = migrate::files(&mut conn, last.as_deref(), 2).await.unwrap();
        let Some(StoredFile { uri, .. }) = page.last() else {
            break;
        };
        last = Some(uri.clone());
        files.extend(page.into_iter().map(|file| (file.uri, file.managed)));
    }
    let expected = [
        ("/data/empty.tif", false),
        ("/data/managed/m.tif", true),
        ("/data/old.tif", false),
        ("/elsewhere/a.tif", false),
        ("gs://bucket/far.tif", true),
    ];
    assert_eq!(
        files,
        expected.map(|(uri, managed)| (uri.to_owned(), managed))
    );
}

#[tokio::test]
async fn locks_of_jobs_that_are_over_are_released_and_others_kept() {
    let scratch = reference!();
    migrate::run(&scratch.url()).await.unwrap();
    let mut conn = migrate::connect(&connect_options(&scratch.url()).unwrap())
        .await
        .unwrap();
    let stale = migrate::stale_locks(&mut conn).await.unwrap();
    let found: Vec<_> = stale
        .iter()
        .map(|lock| (lock.job, lock.state.as_str(), lock.datasets))
        .collect();
    let failed = JobId::parse(&format!("{JOB}3")).unwrap();
    assert_eq!(found, [(failed, "FAILED", 1)]);

    let repair = migrate::repair(&mut conn).await.unwrap();
    assert_eq!(repair.released, stale);
    // one of the lock released, one of the lock of the untidy job, which was not noted
    assert_eq!(repair.corrected, 2);
    let hidden = DatasetId::parse(&format!("{DATASET}4")).unwrap();
    assert_eq!(repair.hidden, [hidden]);
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT d.id::text, d.status::text FROM geocube.datasets d
         JOIN geocube.locked_datasets l ON l.dataset_id = d.id AND l.job_id = d.locked_by_job_id",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap();
    assert_eq!(rows, [(format!("{DATASET}3"), "ACTIVE".to_owned())]);
    let status: String =
        sqlx::query_scalar("SELECT status::text FROM geocube.datasets WHERE id::text = $1")
            .bind(format!("{DATASET}4"))
            .fetch_one(&mut conn)
            .await
            .unwrap();
    assert_eq!(status, "TODELETE", "only a person knows");

    let again = migrate::repair(&mut conn).await.unwrap();
    assert_eq!((again.released.len(), again.corrected), (0, 0));
}
