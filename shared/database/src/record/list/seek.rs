//! Deep pages: where one begins is counted along the index on time, without reading records.

use super::Query;
use crate::filter;
use domain::TagFilters;
use sqlx::{Postgres, QueryBuilder};

/// From this offset on, counting along the index is worth a statement of its own.
const FAR: i64 = 10_000;

/// Records before a page among which those of its first instant are looked for.
const NEAR: i64 = 1000;

/// Records to skip when the page of a query is far and its beginning can be counted in the index.
pub(super) fn far(query: &Query) -> Option<i64> {
    let indexed =
        query.name.is_none() && query.aoi.is_none() && query.filters.tags == TagFilters::default();
    Some(query.page.offset()).filter(|skipped| indexed && *skipped >= FAR)
}

/// Adds the tables `first`, the first instant of the page (no row after the end of the list), and
/// `start`, that instant and how many records of the same instant come before the page.
pub(super) fn push_start(sql: &mut QueryBuilder<Postgres>, query: &Query, skipped: i64) {
    let time = &query.filters.time;
    sql.push("WITH tail AS MATERIALIZED (SELECT r.datetime FROM geocube.records r WHERE true");
    filter::push_time(sql, time);
    sql.push(" ORDER BY r.datetime LIMIT ")
        .push_bind(NEAR + 1)
        .push(" OFFSET ")
        .push_bind(skipped - NEAR);
    sql.push("), first AS MATERIALIZED (SELECT datetime FROM tail ORDER BY datetime OFFSET ")
        .push_bind(NEAR)
        .push(
            "), start AS MATERIALIZED (
             SELECT f.datetime, CASE
                 WHEN (SELECT min(datetime) FROM tail) < f.datetime
                 THEN (SELECT count(*) FROM tail t WHERE t.datetime = f.datetime) - 1
                 ELSE ",
        )
        .push_bind(skipped)
        .push(" - (SELECT count(*) FROM geocube.records r WHERE r.datetime < f.datetime");
    filter::push_time(sql, time);
    sql.push(") END AS ties FROM first f) ");
}
