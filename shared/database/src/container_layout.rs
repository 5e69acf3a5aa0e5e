//! Which files follow which layout.

use crate::{Result, convert, dataset, filter};
use domain::{Error, InstanceId, MultiPolygon, RecordSelection, Uri};
use sqlx::{PgConnection, Postgres, QueryBuilder};

/// Datasets whose files are looked up.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Instance of the datasets.
    pub instance: InstanceId,
    /// Their records.
    pub records: RecordSelection,
    /// Area that the footprint of the record shares at least one point with.
    pub aoi: Option<MultiPolygon>,
}

/// A layout and files that follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowedLayout {
    /// Name of the layout.
    pub name: String,
    /// At least one, each once.
    pub uris: Vec<Uri>,
}

/// The layouts by name, with the files that hold a dataset of the query, whatever its status.
///
/// # Errors
/// [`Error::LimitExceeded`] when there are more than `bound` files.
pub async fn find(
    conn: &mut PgConnection,
    query: &Query,
    bound: u32,
) -> Result<Vec<FollowedLayout>> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "SELECT DISTINCT l.layout_name, l.container_uri FROM geocube.container_layouts l
         JOIN geocube.datasets d ON d.container_uri = l.container_uri",
    );
    if query.aoi.is_some() || dataset::needs_record(&query.records) {
        sql.push(dataset::RECORD);
    }
    if query.aoi.is_some() {
        sql.push(" JOIN geocube.aoi a ON a.id = r.aoi_id");
    }
    sql.push(" WHERE d.instance_id = ")
        .push_bind(query.instance.uuid());
    dataset::push_selection(&mut sql, &query.records);
    if let Some(aoi) = &query.aoi {
        sql.push(" AND ST_Intersects(a.geom, ");
        filter::push_lonlat(&mut sql, aoi);
        sql.push(")");
    }
    sql.push(" ORDER BY l.layout_name, l.container_uri LIMIT ")
        .push_bind(i64::from(bound) + 1);
    let rows: Vec<(String, String)> = sql.build_query_as().fetch_all(conn).await?;
    if rows.len() > bound as usize {
        let text = format!(
            "the search finds more than {bound} files: narrow the area, the times or the tags"
        );
        return Err(Error::LimitExceeded(text).into());
    }
    grouped(rows)
}

/// Rows of the same layout follow each other.
fn grouped(rows: Vec<(String, String)>) -> Result<Vec<FollowedLayout>> {
    let mut layouts: Vec<FollowedLayout> = Vec::new();
    for (name, uri) in rows {
        let uri = convert::uri(uri)?;
        match layouts.last_mut() {
            Some(layout) if layout.name == name => layout.uris.push(uri),
            _ => layouts.push(FollowedLayout {
                name,
                uris: vec![uri],
            }),
        }
    }
    Ok(layouts)
}
