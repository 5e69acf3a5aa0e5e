//! Lists of records, read piece by piece.

mod pace;
mod read_ahead;
mod seek;

use super::RecordRow;
use crate::piecewise::{PIECE, Piecewise, Rest};
use crate::{Page, Result, filter};
use domain::{Aoi, Instant, Pattern, Record, RecordFilters, RecordId};
use sqlx::{PgConnection, Postgres, QueryBuilder};

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

/// A list being read, by time then id. A statement starts where the one before ended.
#[derive(Debug)]
pub struct Listing {
    query: Query,
    last: Option<(Instant, RecordId)>,
    rest: Rest,
}

impl Listing {
    /// A list that is not begun.
    pub fn new(query: Query) -> Self {
        let rest = Rest::of(query.page);
        Self {
            query,
            last: None,
            rest,
        }
    }

    /// The next piece, of at most `most` records.
    async fn read_piece(&mut self, conn: &mut PgConnection, most: u64) -> Result<Vec<Record>> {
        let size = self.rest.at_most(most);
        let rows: Vec<RecordRow> = self
            .statement(size)
            .build_query_as()
            .fetch_all(conn)
            .await?;
        let records: Vec<Record> = rows
            .into_iter()
            .map(TryInto::try_into)
            .collect::<Result<_>>()?;
        self.pass(&records);
        self.rest.end_statement(records.len() as u64, size);
        Ok(records)
    }

    /// Puts records behind.
    fn pass(&mut self, records: &[Record]) {
        if let Some(record) = records.last() {
            self.last = Some((record.time, record.id));
        }
        self.rest.pass(records.len() as u64);
    }

    fn statement(&self, size: u64) -> QueryBuilder<Postgres> {
        let query = &self.query;
        let far = seek::far(query).filter(|_| self.last.is_none());
        let mut sql = QueryBuilder::new("");
        if let Some(skipped) = far {
            seek::push_start(&mut sql, query, skipped);
        }
        sql.push("SELECT r.id, r.name, r.datetime, r.tags, r.aoi_id, ");
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
        if far.is_some() {
            sql.push(" AND r.datetime >= (SELECT datetime FROM first)");
        }
        sql.push(" ORDER BY r.datetime, r.id LIMIT ")
            .push_bind(size as i64);
        match (far, self.last) {
            (Some(_), _) => {
                sql.push(" OFFSET (SELECT ties FROM start)");
            }
            (None, None) => {
                sql.push(" OFFSET ").push_bind(query.page.offset());
            }
            (None, Some(_)) => {}
        }
        sql
    }
}

impl Piecewise for Listing {
    type Item = Record;

    fn is_over(&self) -> bool {
        self.rest.is_over()
    }

    async fn next(&mut self, conn: &mut PgConnection) -> Result<Vec<Record>> {
        self.read_piece(conn, PIECE).await
    }
}
