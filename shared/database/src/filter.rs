//! Conditions of searches.

use crate::convert;
use domain::{Pattern, RecordFilters, TagFilters, TimeRange};
use sqlx::{Postgres, QueryBuilder, postgres::types::PgHstore};
use std::collections::BTreeMap;

/// Page of a list: at most `limit` items (0 for all of them), after `page * limit` others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Number of the page, from 0; without a limit it does not count.
    pub page: u32,
    /// Largest number of items, 0 for all of them.
    pub limit: u32,
}

impl Page {
    /// Items before the page.
    pub(crate) fn offset(self) -> i64 {
        i64::from(self.page) * i64::from(self.limit)
    }

    /// Adds ` LIMIT n OFFSET m`, for at most `most` items of the page.
    pub(crate) fn push(self, sql: &mut QueryBuilder<Postgres>, most: u32) {
        let limit = match self.limit {
            0 => most,
            limit => limit.min(most),
        };
        sql.push(" LIMIT ").push_bind(i64::from(limit));
        sql.push(" OFFSET ").push_bind(self.offset());
    }
}

/// Adds ` = $n`, ` LIKE $n` or ` ILIKE $n` behind an expression.
pub(crate) fn push_match(sql: &mut QueryBuilder<Postgres>, pattern: &Pattern) {
    match pattern {
        Pattern::Exact(text) => sql.push(" = ").push_bind(text.clone()),
        Pattern::Like {
            operand,
            ignore_case,
        } => sql
            .push(if *ignore_case { " ILIKE " } else { " LIKE " })
            .push_bind(operand.clone()),
    };
}

/// Adds ` AND …` for each condition on the record `r`.
pub(crate) fn push_record(sql: &mut QueryBuilder<Postgres>, filters: &RecordFilters) {
    push_tags(sql, &filters.tags);
    push_time(sql, &filters.time);
}

/// Equalities go together as one containment, which the index on tags answers; keys are asked for
/// by `?`, which it answers too, and the values of the rows that are left are matched one by one.
fn push_tags(sql: &mut QueryBuilder<Postgres>, filters: &TagFilters) {
    let mut equal = BTreeMap::new();
    for (key, pattern) in &filters.0 {
        if let Some(Pattern::Exact(value)) = pattern {
            equal.insert(key.clone(), Some(value.clone()));
            continue;
        }
        sql.push(" AND r.tags ? ").push_bind(key.clone());
        if let Some(pattern) = pattern {
            sql.push(" AND (r.tags -> ")
                .push_bind(key.clone())
                .push(")");
            push_match(sql, pattern);
        }
    }
    if !equal.is_empty() {
        sql.push(" AND r.tags @> ").push_bind(PgHstore(equal));
    }
}

/// Adds ` AND …` for each bound on the time of the record `r`.
pub(crate) fn push_time(sql: &mut QueryBuilder<Postgres>, range: &TimeRange) {
    if let Some(from) = range.from {
        sql.push(" AND r.datetime >= ").push_bind(from.naive());
    }
    if let Some(to) = range.to {
        sql.push(" AND r.datetime <= ").push_bind(to.naive());
    }
}

/// Whether nothing is asked of a record.
pub(crate) fn is_empty(filters: &RecordFilters) -> bool {
    filters.tags.0.is_empty() && filters.time == TimeRange::default()
}

/// Adds ` AND …`: the stored footprint `a` and the area share at least one point of the plane.
///
/// Their distance tells it for any footprint. A test of intersection fails where one of them crosses
/// or overlaps itself, be it that of somebody else.
pub(crate) fn push_touches(sql: &mut QueryBuilder<Postgres>, area: &domain::MultiPolygon) {
    sql.push(" AND ST_DWithin(a.geom, ");
    push_lonlat(sql, area);
    sql.push(", 0)");
}

/// Adds the multi-polygon as a geometry in longitude and latitude.
pub(crate) fn push_lonlat(sql: &mut QueryBuilder<Postgres>, area: &domain::MultiPolygon) {
    sql.push("ST_GeomFromEWKB(")
        .push_bind(convert::lonlat(area))
        .push(")");
}
