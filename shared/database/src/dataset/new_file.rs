//! Files that are indexed for the first time.

use super::{INSERT, NewDataset, bind};
use crate::{Result, container};
use domain::{Container, Uri};
use sqlx::{AssertSqlSafe, PgConnection, Row};
use std::collections::HashSet;

/// A file that is perhaps not known so far, and what is to be stored of it.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// The file; its own datasets do not count.
    pub container: Container,
    /// The spelling that was given.
    pub given: Uri,
    /// Datasets in it.
    pub datasets: Vec<NewDataset>,
}

/// Stores a container that is not known so far and its datasets, all or nothing, by one statement.
/// Answers false, and stores nothing, when the container is known, be it under another spelling of
/// its file: the one that was given, or those of [`container::name_of`].
///
/// Of several callers that give the same container, one goes on at a time.
///
/// # Errors
/// As [`super::insert`].
pub async fn insert_with_container(conn: &mut PgConnection, file: NewFile) -> Result<bool> {
    let stored = insert_with_containers(conn, vec![file]).await?;
    Ok(stored == [true])
}

/// As [`insert_with_container`], for files of which no two are the same: whether each of them was stored. What one is
/// refused for is the end of all.
///
/// # Errors
/// As [`super::insert`].
pub async fn insert_with_containers(
    conn: &mut PgConnection,
    files: Vec<NewFile>,
) -> Result<Vec<bool>> {
    let (mut uris, mut managed, mut classes) = (Vec::new(), Vec::new(), Vec::new());
    let mut names: [Vec<String>; 3] = Default::default();
    let mut datasets = Vec::new();
    for file in files {
        for (column, name) in names.iter_mut().zip(container::names(&file.given)) {
            column.push(name);
        }
        uris.push(file.container.uri.to_string());
        managed.push(file.container.managed);
        classes.push(file.container.storage_class.name());
        datasets.extend(file.datasets);
    }
    // in the order of their names, so that two that store the same files do not wait for each other
    let sql = format!(
        "WITH known AS MATERIALIZED (
             SELECT uri FROM geocube.containers WHERE uri = ANY($25::text[])
         ), created AS (
             INSERT INTO geocube.containers (uri, managed, storage_class)
             SELECT uri, managed, class::geocube.storage_class
             FROM UNNEST($19::text[], $20::bool[], $21::text[], $22::text[], $23::text[], $24::text[])
                 AS new (uri, managed, class, name, canonical, with_scheme)
             WHERE NOT EXISTS (SELECT FROM known WHERE known.uri IN (name, canonical, with_scheme))
             ORDER BY uri ON CONFLICT (uri) DO NOTHING RETURNING uri
         ), added AS ({INSERT} WHERE uri IN (SELECT created.uri FROM created) ORDER BY position)
         SELECT uri FROM created"
    );
    let all_names = names.concat();
    let [given, canonical, with_scheme] = &names;
    let rows = bind(sqlx::query(AssertSqlSafe(sql)), &datasets)
        .bind(&uris)
        .bind(&managed)
        .bind(&classes)
        .bind(given)
        .bind(canonical)
        .bind(with_scheme)
        .bind(&all_names)
        .fetch_all(conn)
        .await?;
    let mut created: HashSet<String> = HashSet::new();
    for row in &rows {
        created.insert(row.try_get(0)?);
    }
    Ok(uris.iter().map(|uri| created.contains(uri)).collect())
}
