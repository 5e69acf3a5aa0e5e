//! Which files follow which layout.

use crate::piecewise::Piecewise;
use crate::{Result, dataset, filter};
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
    /// Whether only visible datasets count.
    pub active_only: bool,
}

/// A layout and files that follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowedLayout {
    /// Name of the layout.
    pub name: String,
    /// At least one, each once.
    pub uris: Vec<Uri>,
}

/// The layouts by name, being read one by one, each with the files that hold a dataset of the query: of every status,
/// unless it asks for visible ones.
#[derive(Debug)]
pub struct Listing {
    query: Query,
    bound: u32,
    /// Layouts to come; none before the first statement.
    names: Option<std::vec::IntoIter<String>>,
}

impl Listing {
    /// A list that is not begun, of at most `bound` files for each layout.
    pub fn new(query: Query, bound: u32) -> Self {
        Self {
            query,
            bound,
            names: None,
        }
    }
}

impl Piecewise for Listing {
    type Item = FollowedLayout;

    fn is_over(&self) -> bool {
        self.names
            .as_ref()
            .is_some_and(|names| names.as_slice().is_empty())
    }

    /// The next layout; [`Error::LimitExceeded`] when too many files follow it.
    async fn next(&mut self, conn: &mut PgConnection) -> Result<Vec<FollowedLayout>> {
        let Self {
            query,
            bound,
            names,
        } = self;
        let names = match names {
            Some(names) => names,
            None => names.insert(layouts(conn, query).await?.into_iter()),
        };
        for name in names {
            let uris = files(conn, query, &name, *bound).await?;
            // none any more when they were deleted meanwhile
            if !uris.is_empty() {
                return Ok(vec![FollowedLayout { name, uris }]);
            }
        }
        Ok(Vec::new())
    }
}

async fn layouts(conn: &mut PgConnection, query: &Query) -> Result<Vec<String>> {
    let mut sql = QueryBuilder::new("SELECT DISTINCT l.layout_name");
    push_search(&mut sql, query);
    sql.push(" ORDER BY 1");
    Ok(sql.build_query_scalar().fetch_all(conn).await?)
}

async fn files(
    conn: &mut PgConnection,
    query: &Query,
    layout: &str,
    bound: u32,
) -> Result<Vec<Uri>> {
    let mut sql = QueryBuilder::new("SELECT DISTINCT l.container_uri");
    push_search(&mut sql, query);
    sql.push(" AND l.layout_name = ").push_bind(layout);
    sql.push(" ORDER BY 1 LIMIT ")
        .push_bind(i64::from(bound) + 1);
    let uris: Vec<String> = sql.build_query_scalar().fetch_all(conn).await?;
    if uris.len() > bound as usize {
        let text = format!(
            "the search finds more than {bound} files of the layout {layout} (maxPageSize): narrow the area, the times or the tags"
        );
        return Err(Error::LimitExceeded(text).into());
    }
    Ok(uris.into_iter().map(Uri::from_stored).collect())
}

/// Adds the tables and the conditions of a search.
fn push_search(sql: &mut QueryBuilder<Postgres>, query: &Query) {
    sql.push(
        " FROM geocube.container_layouts l
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
    if query.active_only {
        sql.push(" AND d.status = 'ACTIVE'");
    }
    dataset::push_selection(sql, &query.records);
    if let Some(aoi) = &query.aoi {
        filter::push_touches(sql, aoi);
    }
}
