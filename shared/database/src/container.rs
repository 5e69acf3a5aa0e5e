//! Containers: files that hold datasets.

use crate::{Result, convert, dataset};
use domain::{Container, Dataset, Entity, Error, StorageClass, StoreKind, Uri};
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};

/// The containers of some URIs, in their order, each once, with all their datasets in order of
/// creation. A file has one container, whichever of its spellings is given.
///
/// # Errors
/// [`Error::NotFound`] `Container with uri: <uri>` for the first one that is unknown,
/// [`Error::LimitExceeded`] when they have more than `bound` datasets.
pub async fn get(conn: &mut PgConnection, uris: &[Uri], bound: u32) -> Result<Vec<Container>> {
    let names: Vec<[String; 3]> = uris.iter().map(names).collect();
    let texts: Vec<&str> = names.iter().flatten().map(String::as_str).collect();
    let rows: Vec<ContainerRow> = sqlx::query_as(
        "SELECT uri, managed, storage_class::text FROM geocube.containers WHERE uri = ANY($1)",
    )
    .bind(&texts)
    .fetch_all(&mut *conn)
    .await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        found.insert(row.uri.clone(), row.container()?);
    }
    let mut seen = HashSet::new();
    let mut containers = Vec::with_capacity(found.len());
    for (uri, names) in uris.iter().zip(&names) {
        let stored = names.iter().find(|name| found.contains_key(*name));
        let stored = stored.ok_or_else(|| Error::not_found(Entity::Container, "uri", uri))?;
        if seen.insert(stored) {
            containers.push(found[stored].clone());
        }
    }
    let stored: Vec<Uri> = containers.iter().map(|found| found.uri.clone()).collect();
    let mut datasets: HashMap<Uri, Vec<Dataset>> = HashMap::new();
    let all =
        dataset::of_containers(conn, &stored, u64::from(bound) + 1, dataset::MAX_BYTES).await?;
    if all.len() > bound as usize {
        let text = format!(
            "the containers have more than {bound} datasets, at most as many fit into one answer (maxPageSize): ask for fewer containers"
        );
        return Err(Error::LimitExceeded(text).into());
    }
    for dataset in all {
        let of_file = datasets.entry(dataset.source.uri.clone()).or_default();
        of_file.push(dataset);
    }
    for container in &mut containers {
        container.datasets = datasets.remove(&container.uri).unwrap_or_default();
    }
    Ok(containers)
}

/// The name under which a file is to be indexed: the one that it is stored under, whichever its
/// spelling, else the canonical one.
pub async fn name_of(conn: &mut PgConnection, uri: &Uri) -> Result<Uri> {
    let names = names(uri);
    let stored: Vec<String> =
        sqlx::query_scalar("SELECT uri FROM geocube.containers WHERE uri = ANY($1)")
            .bind(&names[..])
            .fetch_all(conn)
            .await?;
    match names.into_iter().find(|name| stored.contains(name)) {
        Some(stored) => Ok(Uri::from_stored(stored)),
        None => Ok(uri.canonical()),
    }
}

/// Those of some URIs whose file the catalogue knows, under the given text, the canonical one or
/// `file://` before it.
pub async fn known(conn: &mut PgConnection, uris: &[Uri]) -> Result<HashSet<Uri>> {
    let names: Vec<[String; 3]> = uris.iter().map(names).collect();
    let texts: Vec<&str> = names.iter().flatten().map(String::as_str).collect();
    let found: Vec<String> =
        sqlx::query_scalar("SELECT uri FROM geocube.containers WHERE uri = ANY($1)")
            .bind(&texts)
            .fetch_all(conn)
            .await?;
    let found: HashSet<String> = found.into_iter().collect();
    let known = uris
        .iter()
        .zip(&names)
        .filter(|(_, names)| names.iter().any(|name| found.contains(name)));
    Ok(known.map(|(uri, _)| uri.clone()).collect())
}

/// The texts under which a file may be indexed.
pub(crate) fn names(uri: &Uri) -> [String; 3] {
    let canonical = uri.canonical();
    let with_scheme = match canonical.scheme().kind() {
        StoreKind::Local => format!("file://{canonical}"),
        StoreKind::Objects | StoreKind::Unknown => canonical.to_string(),
    };
    [uri.to_string(), canonical.to_string(), with_scheme]
}

/// The container of a URI with its datasets, created when it is unknown, locked until the end of
/// the transaction: of several callers that index the same file, one goes on at a time.
///
/// `managed` and `storage_class` count for a new container only.
pub async fn lock_or_create(
    conn: &mut PgConnection,
    uri: &Uri,
    managed: bool,
    storage_class: StorageClass,
) -> Result<Container> {
    let created: Option<ContainerRow> = sqlx::query_as(
        "INSERT INTO geocube.containers (uri, managed, storage_class)
         VALUES ($1, $2, $3::geocube.storage_class) ON CONFLICT (uri) DO NOTHING
         RETURNING uri, managed, storage_class::text",
    )
    .bind(uri.as_str())
    .bind(managed)
    .bind(storage_class.name())
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(created) = created {
        // nobody sees it before the end of the transaction, so it has no dataset
        return created.container();
    }
    let row: Option<ContainerRow> = sqlx::query_as(
        "SELECT uri, managed, storage_class::text FROM geocube.containers WHERE uri = $1 FOR UPDATE",
    )
    .bind(uri.as_str())
    .fetch_optional(&mut *conn)
    .await?;
    // deleted by somebody else between the two statements
    let row = row.ok_or(crate::Error::LostRace("the container"))?;
    let mut container = row.container()?;
    container.datasets =
        dataset::of_containers(conn, std::slice::from_ref(uri), u64::MAX, usize::MAX).await?;
    Ok(container)
}

/// Removes those of some containers that have no dataset, with their links to layouts; the URIs of
/// the managed ones, whose files are to be deleted.
pub async fn delete_empty(conn: &mut PgConnection, uris: &[Uri]) -> Result<Vec<Uri>> {
    let texts: Vec<&str> = uris.iter().map(Uri::as_str).collect();
    // the rows are locked before the test, so that nobody adds a dataset between the two
    sqlx::query("SELECT FROM geocube.containers WHERE uri = ANY($1) ORDER BY uri FOR UPDATE")
        .bind(&texts)
        .execute(&mut *conn)
        .await?;
    let deleted: Vec<(String, bool)> = sqlx::query_as(
        "DELETE FROM geocube.containers c WHERE uri = ANY($1)
         AND NOT EXISTS (SELECT FROM geocube.datasets d WHERE d.container_uri = c.uri)
         RETURNING uri, managed",
    )
    .bind(&texts)
    .fetch_all(conn)
    .await?;
    let mut managed: Vec<String> = deleted
        .into_iter()
        .filter(|(_, managed)| *managed)
        .map(|(uri, _)| uri)
        .collect();
    managed.sort();
    Ok(managed.into_iter().map(Uri::from_stored).collect())
}

/// Notes that files follow a layout, whatever they followed before.
///
/// # Errors
/// [`Error::NotFound`] for an unknown layout.
pub async fn set_layout(conn: &mut PgConnection, uris: &[Uri], layout: &str) -> Result<()> {
    let texts: Vec<&str> = uris.iter().map(Uri::as_str).collect();
    sqlx::query(
        "INSERT INTO geocube.container_layouts (container_uri, layout_name)
         SELECT DISTINCT uri, $2 FROM UNNEST($1::text[]) AS given (uri)
         ON CONFLICT (container_uri) DO UPDATE SET layout_name = EXCLUDED.layout_name",
    )
    .bind(&texts)
    .bind(layout)
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct ContainerRow {
    uri: String,
    managed: bool,
    storage_class: Option<String>,
}

impl ContainerRow {
    fn container(self) -> Result<Container> {
        let storage_class = match &self.storage_class {
            Some(name) => convert::name("storage_class", name, StorageClass::from_name)?,
            None => StorageClass::default(),
        };
        Ok(Container {
            uri: Uri::from_stored(self.uri),
            managed: self.managed,
            storage_class,
            datasets: Vec::new(),
        })
    }
}
