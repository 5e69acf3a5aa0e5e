//! What an adopted database holds that this program would not have stored.

use super::{locks, rules};
use crate::Result;
use sqlx::PgConnection;

/// Examples of one finding.
pub(super) const EXAMPLES: usize = 20;

/// Something to know of before or after an adoption; none of it prevents one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is, as a sentence about rows.
    pub what: &'static str,
    /// How many there are.
    pub count: u64,
    /// Some of them, each with what is wrong.
    pub examples: Vec<String>,
}

/// Locations of a container, as stored.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct StoredFile {
    /// Where it is.
    pub uri: String,
    /// Whether the service owns it.
    pub managed: bool,
}

/// Looks for rows that break rules of today: overlapping bands, values that cannot be mapped,
/// footprints outside the globe, locks that nobody holds. Works before an adoption, too.
pub async fn survey(conn: &mut PgConnection) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (what, sql) in ROWS {
        let found: Vec<(String, i64)> = sqlx::query_as(sql)
            .bind(EXAMPLES as i64)
            .fetch_all(&mut *conn)
            .await?;
        if let Some((_, count)) = found.first() {
            findings.push(Finding {
                what,
                count: crate::convert::count(*count),
                examples: found.into_iter().map(|(text, _)| text).collect(),
            });
        }
    }
    findings.extend(rules::survey(conn).await?);
    let stale = locks::stale_locks(conn).await?;
    if !stale.is_empty() {
        findings.push(Finding {
            what: "jobs that are over still hold datasets (geocube migrate --repair)",
            count: stale.len() as u64,
            examples: stale
                .iter()
                .map(|lock| {
                    let (name, job, state) = (&lock.name, lock.job, &lock.state);
                    format!("{name} ({job}, {state}): {} dataset(s)", lock.datasets)
                })
                .collect(),
        });
    }
    Ok(findings)
}

/// Files after one of them, by URI; none at the end.
pub async fn files(
    conn: &mut PgConnection,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<StoredFile>> {
    Ok(sqlx::query_as(
        "SELECT uri, managed FROM geocube.containers WHERE $1::text IS NULL OR uri > $1 ORDER BY uri LIMIT $2",
    )
    .bind(after)
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?)
}

/// Each statement answers examples, at most `$1`, and the number of all with each of them.
const ROWS: [(&str, &str); 5] = [
    (
        "datasets of one file share bands",
        "SELECT format('%s and %s: %s, subdir ''%s'', bands %s and %s', a.id, b.id, a.container_uri, a.subdir, a.bands, b.bands),
             count(*) OVER ()
         FROM (
             SELECT container_uri, subdir FROM geocube.datasets GROUP BY container_uri, subdir HAVING count(*) > 1
         ) several
         JOIN geocube.datasets a USING (container_uri, subdir)
         JOIN geocube.datasets b USING (container_uri, subdir)
         WHERE a.id < b.id AND a.bands && b.bands
         ORDER BY a.container_uri, a.id LIMIT $1",
    ),
    (
        "footprints lie outside the globe or are not finite",
        "SELECT id::text, count(*) OVER () FROM geocube.aoi a
         WHERE geom IS NULL OR EXISTS (
             SELECT FROM ST_DumpPoints(a.geom) p
             WHERE NOT (ST_X(p.geom) BETWEEN -180 AND 180 AND ST_Y(p.geom) BETWEEN -90 AND 90)
         ) ORDER BY id LIMIT $1",
    ),
    (
        "footprints of datasets lie outside the globe or are not finite",
        "SELECT id::text, count(*) OVER () FROM geocube.datasets d
         WHERE NOT (ST_XMin(geom) >= -180 AND ST_XMax(geom) <= 180 AND ST_YMin(geom) >= -90 AND ST_YMax(geom) <= 90)
         ORDER BY id LIMIT $1",
    ),
    (
        "datasets whose lock is not noted in their row, or the other way round (geocube migrate --repair)",
        "SELECT d.id::text, count(*) OVER () FROM geocube.datasets d
         LEFT JOIN geocube.locked_datasets l ON l.dataset_id = d.id
         WHERE d.locked_by_job_id IS DISTINCT FROM l.job_id ORDER BY d.id LIMIT $1",
    ),
    (
        "datasets are hidden although no job holds them",
        "SELECT format('%s (%s)', d.id, d.status), count(*) OVER () FROM geocube.datasets d
         WHERE d.status <> 'ACTIVE' AND NOT EXISTS (
             SELECT FROM geocube.locked_datasets l WHERE l.dataset_id = d.id
         ) ORDER BY d.id LIMIT $1",
    ),
];
