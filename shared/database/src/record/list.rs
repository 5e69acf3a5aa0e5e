//! Lists of records, read piece by piece.

use super::RecordRow;
use crate::{Database, Page, Result, filter};
use domain::{Aoi, Instant, Pattern, Record, RecordFilters, RecordId};
use futures::{Stream, stream};
use sqlx::{PgConnection, Postgres, QueryBuilder};

/// Records of one piece: what a list holds in memory, whatever its length.
const PIECE: u64 = 1000;

/// What a list is limited to; conditions are combined with AND.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// Name.
    pub name: Option<Pattern>,
    /// Tags and time.
    pub filters: RecordFilters,
    /// Area that the footprint shares at least one point with, in the plane of longitude and latitude.
    pub aoi: Option<Aoi>,
    /// Part of the list.
    pub page: Page,
    /// Whether the geometry of the footprint is wanted.
    pub with_aoi: bool,
}

/// A list being read, by time then id. Each piece is a statement of its own that starts where the
/// one before ended, so that no connection waits for a slow reader.
#[derive(Debug)]
pub struct Listing {
    query: Query,
    last: Option<(Instant, RecordId)>,
    /// Records still to read; `None` for all of them.
    rest: Option<u64>,
    over: bool,
}

impl Listing {
    /// A list that is not begun.
    pub fn new(query: Query) -> Self {
        let rest = (query.page.limit > 0).then(|| u64::from(query.page.limit));
        Self {
            query,
            last: None,
            rest,
            over: false,
        }
    }

    /// The next records, none at the end.
    pub async fn next(&mut self, conn: &mut PgConnection) -> Result<Vec<Record>> {
        let size = self.rest.map_or(PIECE, |rest| rest.min(PIECE));
        if self.over || size == 0 {
            return Ok(Vec::new());
        }
        let rows: Vec<RecordRow> = self
            .statement(size)
            .build_query_as()
            .fetch_all(conn)
            .await?;
        let records: Vec<Record> = rows
            .into_iter()
            .map(TryInto::try_into)
            .collect::<Result<_>>()?;
        let count = records.len() as u64;
        self.last = records.last().map(|record| (record.time, record.id));
        self.rest = self.rest.map(|rest| rest - count);
        self.over = count < size;
        Ok(records)
    }

    /// The whole list, piece by piece, with a connection for each piece only.
    pub fn stream(self, db: Database) -> impl Stream<Item = Result<Vec<Record>>> + Send + 'static {
        stream::try_unfold((self, db), |(mut listing, db)| async move {
            if listing.over || listing.rest == Some(0) {
                return Ok(None);
            }
            let records = {
                let mut conn = db.read().await?;
                listing.next(&mut conn).await?
            };
            Ok((!records.is_empty()).then_some((records, (listing, db))))
        })
    }

    fn statement(&self, size: u64) -> QueryBuilder<Postgres> {
        let query = &self.query;
        let mut sql = QueryBuilder::new("SELECT r.id, r.name, r.datetime, r.tags, r.aoi_id, ");
        sql.push(if query.with_aoi {
            "ST_AsEWKB(a.geom)"
        } else {
            "NULL::bytea"
        });
        sql.push(" AS aoi FROM geocube.records r");
        if query.with_aoi || query.aoi.is_some() {
            sql.push(" JOIN geocube.aoi a ON a.id = r.aoi_id");
        }
        sql.push(" WHERE true");
        if let Some(name) = &query.name {
            sql.push(" AND r.name");
            filter::push_match(&mut sql, name);
        }
        filter::push_record(&mut sql, &query.filters);
        if let Some(aoi) = &query.aoi {
            sql.push(" AND ST_Intersects(a.geom, ");
            filter::push_lonlat(&mut sql, aoi);
            sql.push(")");
        }
        if let Some((time, id)) = self.last {
            sql.push(" AND (r.datetime, r.id) > (")
                .push_bind(time.naive());
            sql.push(", ").push_bind(id.uuid()).push(")");
        }
        sql.push(" ORDER BY r.datetime, r.id LIMIT ")
            .push_bind(size as i64);
        if self.last.is_none() {
            sql.push(" OFFSET ").push_bind(query.page.offset());
        }
        sql
    }
}
