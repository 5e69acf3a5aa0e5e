//! Layouts: how areas are cut into files, and files organised.

use crate::hstore::{Hstore, HstoreRef};
use crate::{Error, Result, answer, convert, filter};
use domain::{Entity, Layout, Pattern};
use sqlx::{PgConnection, Postgres, QueryBuilder};

/// Stores a layout.
///
/// # Errors
/// [`domain::Error::AlreadyExists`] `Layout with name: <name>`.
pub async fn create(conn: &mut PgConnection, layout: &Layout) -> Result<()> {
    // the unique key has one of two names, after the history of the database
    let stored = sqlx::query(
        "INSERT INTO geocube.layouts (name, grid_flags, grid_parameters, block_x_size, block_y_size,
             max_records, overviews_min_size, interlacing_pattern)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) DO NOTHING",
    )
    .bind(&layout.name)
    .bind(&layout.grid_flags)
    .bind(HstoreRef(&layout.grid_parameters))
    .bind(size("block_x_size", layout.block_x_size)?)
    .bind(size("block_y_size", layout.block_y_size)?)
    .bind(size("max_records", layout.max_records)?)
    .bind(layout.overviews_min_size)
    .bind(&layout.interlacing_pattern)
    .execute(conn)
    .await?;
    if stored.rows_affected() == 0 {
        return Err(domain::Error::already_exists(Entity::Layout, "name", &layout.name).into());
    }
    Ok(())
}

/// A layout.
///
/// # Errors
/// [`domain::Error::NotFound`] `Layout with name: <name>`.
pub async fn get(conn: &mut PgConnection, name: &str) -> Result<Layout> {
    let mut sql = QueryBuilder::<Postgres>::new(SELECT);
    sql.push(" WHERE name = ").push_bind(name.to_owned());
    let row: Option<LayoutRow> = sql.build_query_as().fetch_optional(conn).await?;
    row.ok_or_else(|| domain::Error::not_found(Entity::Layout, "name", name))?
        .try_into()
}

/// Layouts by name.
///
/// # Errors
/// [`domain::Error::LimitExceeded`] when there are more than `most`, or more than fit into one answer.
pub async fn list(
    conn: &mut PgConnection,
    name: Option<&Pattern>,
    most: u32,
) -> Result<Vec<Layout>> {
    let mut sql = QueryBuilder::<Postgres>::new(SELECT);
    if let Some(name) = name {
        sql.push(" WHERE name");
        filter::push_match(&mut sql, name);
    }
    sql.push(" ORDER BY name LIMIT ")
        .push_bind(i64::from(most) + 1);
    let rows = sql.build_query_as().fetch(conn);
    let rows = answer::collect(rows, "layouts", most, LayoutRow::bytes).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Deletes a layout; an unknown name is a success.
///
/// # Errors
/// [`domain::Error::InUse`] `layouts and container_layouts with name: <name>` when files follow it.
pub async fn delete(conn: &mut PgConnection, name: &str) -> Result<()> {
    sqlx::query("DELETE FROM geocube.layouts WHERE name = $1")
        .bind(name)
        .execute(conn)
        .await?;
    Ok(())
}

const SELECT: &str =
    "SELECT name, grid_flags, grid_parameters, block_x_size, block_y_size, max_records,
    overviews_min_size, interlacing_pattern FROM geocube.layouts";

fn size(field: &str, value: u32) -> Result<i32> {
    Ok(i32::try_from(value).map_err(|_| {
        domain::Error::invalid(format!("{field}: {value}, expected at most {}", i32::MAX))
    })?)
}

#[derive(sqlx::FromRow)]
struct LayoutRow {
    name: String,
    grid_flags: Option<Vec<String>>,
    grid_parameters: Option<Hstore>,
    block_x_size: i32,
    block_y_size: i32,
    max_records: i32,
    overviews_min_size: Option<i32>,
    interlacing_pattern: String,
}

impl LayoutRow {
    /// Bytes of the texts.
    fn bytes(&self) -> usize {
        let flags = self.grid_flags.iter().flatten().map(String::len);
        let parameters = self.grid_parameters.iter().flat_map(|pairs| &pairs.0);
        let parameters = parameters.map(|(key, value)| key.len() + value.len());
        self.name.len() + self.interlacing_pattern.len() + flags.chain(parameters).sum::<usize>()
    }
}

impl TryFrom<LayoutRow> for Layout {
    type Error = Error;

    fn try_from(row: LayoutRow) -> Result<Self> {
        let size = |column: &str, value: i32| {
            u32::try_from(value)
                .map_err(|_| Error::corrupt(format!("column {column} holds {value}")))
        };
        Ok(Self {
            name: row.name,
            grid_flags: row.grid_flags.unwrap_or_default(),
            grid_parameters: convert::notes(row.grid_parameters),
            block_x_size: size("block_x_size", row.block_x_size)?,
            block_y_size: size("block_y_size", row.block_y_size)?,
            max_records: size("max_records", row.max_records)?,
            // absent in layouts of a database with a long history
            overviews_min_size: row.overviews_min_size.unwrap_or(-1),
            interlacing_pattern: row.interlacing_pattern,
        })
    }
}
