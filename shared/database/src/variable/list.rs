//! Lists of variables, read piece by piece.

use super::{INSTANCES, SELECT, grouped};
use crate::piecewise::{Piecewise, Rest};
use crate::{Page, Result, filter};
use domain::{Pattern, Variable};
use sqlx::{PgConnection, Postgres, QueryBuilder};

/// A list of variables by name, being read. The page counts variables.
#[derive(Debug)]
pub struct Listing {
    name: Option<Pattern>,
    page: Page,
    last: Option<String>,
    rest: Rest,
}

impl Listing {
    /// A list that is not begun.
    pub fn new(name: Option<Pattern>, page: Page) -> Self {
        Self {
            name,
            page,
            last: None,
            rest: Rest::of(page),
        }
    }

    fn statement(&self, size: u64) -> QueryBuilder<Postgres> {
        // the limit counts variables, not rows of the join
        let mut sql = QueryBuilder::new(SELECT);
        sql.push(" FROM (SELECT * FROM geocube.variable_definitions WHERE true");
        if let Some(name) = &self.name {
            sql.push(" AND name");
            filter::push_match(&mut sql, name);
        }
        if let Some(last) = &self.last {
            sql.push(" AND name > ").push_bind(last.clone());
        }
        sql.push(" ORDER BY name LIMIT ").push_bind(size as i64);
        if self.last.is_none() {
            sql.push(" OFFSET ").push_bind(self.page.offset());
        }
        sql.push(") v")
            .push(INSTANCES)
            .push(" ORDER BY v.name, i.name");
        sql
    }
}

impl Piecewise for Listing {
    type Item = Variable;

    fn is_over(&self) -> bool {
        self.rest.is_over()
    }

    /// The next variables, with all their instances.
    async fn next(&mut self, conn: &mut PgConnection) -> Result<Vec<Variable>> {
        let size = self.rest.piece();
        let rows = self
            .statement(size)
            .build_query_as()
            .fetch_all(conn)
            .await?;
        let variables = grouped(rows)?;
        if let Some(last) = variables.last() {
            self.last = Some(last.definition.name.clone());
        }
        self.rest.took(variables.len() as u64, size);
        Ok(variables)
    }
}
