//! Stored values held against the rules for new ones: those of the domain, never a copy of them.

use super::Finding;
use super::survey::EXAMPLES;
use crate::{Result, convert};
use domain::{DataFormat, DataMapping, Layout, ValueRange};
use sqlx::{PgConnection, Row};

/// Each group of rows with the same values, by a name that leads to it.
struct Values {
    what: &'static str,
    /// Answers label, rows, dtype, `no_data`, min, max, mapped min and max, exponent.
    sql: &'static str,
}

const VALUES: [Values; 3] = [
    Values {
        what: "datasets have a format or a mapping that is refused today",
        sql: "SELECT min(id::text), count(*), dtype::text, no_data, min_value, max_value, real_min_value, real_max_value,
                  exponent
              FROM geocube.datasets GROUP BY 3, 4, 5, 6, 7, 8, 9 ORDER BY 1",
    },
    Values {
        what: "variables have a format that is refused today",
        sql: "SELECT name, 1::bigint, dtype::text, no_data, min_value, max_value, 0::float8, 1::float8, 1::float8
              FROM geocube.variable_definitions ORDER BY 1",
    },
    Values {
        what: "consolidation parameters have a format or an exponent that is refused today",
        sql: "SELECT id::text, 1::bigint, dtype::text, no_data, min_value, max_value, 0::float8, 1::float8, exponent
              FROM geocube.consolidation_params ORDER BY 1",
    },
];

/// Values that could not be stored today.
pub(super) async fn survey(conn: &mut PgConnection) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for Values { what, sql } in VALUES {
        let mut finding = Finding {
            what,
            count: 0,
            examples: Vec::new(),
        };
        for row in sqlx::query(sql).fetch_all(&mut *conn).await? {
            let (label, rows): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            let dtype: String = row.try_get(2)?;
            let mut numbers = [0.0; 6];
            for (index, number) in numbers.iter_mut().enumerate() {
                *number = row.try_get(3 + index)?;
            }
            if let Err(error) = mapping(&dtype, numbers)? {
                finding.note(format!("{label}: {error}"), convert::count(rows));
            }
        }
        findings.push(finding);
    }
    findings.push(layouts(conn).await?);
    findings.retain(|finding| finding.count > 0);
    Ok(findings)
}

fn mapping(dtype: &str, numbers: [f64; 6]) -> Result<domain::Result<DataMapping>> {
    let [no_data, min, max, range_min, range_max, exponent] = numbers;
    let stored = convert::format(dtype, no_data, min, max)?;
    let range = ValueRange {
        min: range_min,
        max: range_max,
    };
    Ok(DataFormat::try_new(stored.dtype, no_data, min, max)
        .and_then(|format| DataMapping::try_new(format, range, exponent)))
}

async fn layouts(conn: &mut PgConnection) -> Result<Finding> {
    let mut finding = Finding {
        what: "layouts have sizes that are refused today",
        count: 0,
        examples: Vec::new(),
    };
    let rows: Vec<(String, i32, i32, i32, Option<i32>)> = sqlx::query_as(
        "SELECT name, block_x_size, block_y_size, max_records, overviews_min_size FROM geocube.layouts ORDER BY 1",
    )
    .fetch_all(conn)
    .await?;
    for (name, width, height, records, overviews) in rows {
        let checked = Layout::positive("block_x_size", width.into())
            .and_then(|_| Layout::positive("block_y_size", height.into()))
            .and_then(|_| Layout::positive("max_records", records.into()))
            .and_then(|_| Layout::min_overview(overviews.unwrap_or(-1).into()));
        if let Err(error) = checked {
            finding.note(format!("{name}: {error}"), 1);
        }
    }
    Ok(finding)
}

impl Finding {
    fn note(&mut self, example: String, rows: u64) {
        self.count += rows;
        if self.examples.len() < EXAMPLES {
            self.examples.push(example);
        }
    }
}
