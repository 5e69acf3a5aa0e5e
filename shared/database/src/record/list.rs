//! Lists of records, read piece by piece.

mod pace;
mod piece;
mod read_ahead;
mod seek;

use super::RecordRow;
use crate::piecewise::{PIECE, Piecewise, Rest};
use crate::{Page, Result, filter};
use domain::{Aoi, Instant, Pattern, Record, RecordFilters, RecordId};
use futures::TryStreamExt;
use piece::Piece;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};

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
    /// Records that make a piece, judged by the one before.
    fitting: u64,
}

impl Listing {
    /// A list that is not begun.
    pub fn new(query: Query) -> Self {
        let rest = Rest::of(query.page);
        Self {
            query,
            last: None,
            rest,
            fitting: PIECE,
        }
    }

    /// The next piece, of at most `most` records, and whether its statement has more of them.
    async fn read_piece(
        &mut self,
        conn: &mut PgConnection,
        most: u64,
    ) -> Result<(Vec<Record>, bool)> {
        let asked = self.rest.at_most(most.min(self.fitting));
        let mut sql = self.statement(asked);
        let mut rows = sql.build().fetch(conn);
        let (mut piece, mut found) = (Piece::default(), 0);
        while found < asked && !piece.is_full() {
            let Some(row) = rows.try_next().await? else {
                break;
            };
            piece.push(RecordRow::from_row(&row)?)?;
            found += 1;
        }
        drop(rows);
        let is_cut = found < asked && piece.is_full();
        let records = self.pass(piece);
        if !is_cut {
            self.rest.end_statement(found, asked);
        }
        Ok((records, is_cut))
    }

    /// Puts a piece behind and answers its records.
    fn pass(&mut self, piece: Piece) -> Vec<Record> {
        self.fitting = piece.fitting();
        let records = piece.into_records();
        if let Some(record) = records.last() {
            self.last = Some((record.time, record.id));
        }
        self.rest.pass(records.len() as u64);
        records
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
            filter::push_touches(&mut sql, aoi);
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
        // the driver reads what a statement has more before the next one
        let (records, _is_cut) = self.read_piece(conn, PIECE).await?;
        Ok(records)
    }
}
