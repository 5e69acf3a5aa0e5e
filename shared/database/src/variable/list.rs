//! Lists of variables, read piece by piece.

use super::{VariableRow, instances};
use crate::piecewise::{PIECE, Piecewise, Rest};
use crate::{Page, Result, filter};
use domain::{NewVariable, Pattern, Variable};
use futures::TryStreamExt;
use sqlx::{PgConnection, Postgres, QueryBuilder};

/// Bytes of definitions, or of instances, that make a piece full.
const BYTES: usize = 4 << 20;

/// A list of variables by name, being read. The page counts variables.
#[derive(Debug)]
pub struct Listing {
    name: Option<Pattern>,
    page: Page,
    last: Option<String>,
    rest: Rest,
    /// Variables that make a piece, judged by the one before.
    fitting: u64,
}

impl Listing {
    /// A list that is not begun.
    pub fn new(name: Option<Pattern>, page: Page) -> Self {
        Self {
            name,
            page,
            last: None,
            rest: Rest::of(page),
            fitting: PIECE,
        }
    }

    /// The next definitions, of at most `asked` variables and as many bytes as a piece has, and their
    /// bytes.
    async fn definitions(
        &self,
        conn: &mut PgConnection,
        asked: u64,
    ) -> Result<(Vec<Variable>, usize)> {
        let mut sql = self.statement(asked);
        let mut rows = sql.build_query_as::<VariableRow>().fetch(conn);
        let (mut variables, mut bytes) = (Vec::new(), 0);
        while bytes < BYTES {
            let Some(row) = rows.try_next().await? else {
                break;
            };
            let variable = Variable::try_from(row)?;
            bytes += bytes_of(&variable.definition);
            variables.push(variable);
        }
        Ok((variables, bytes))
    }

    fn statement(&self, size: u64) -> QueryBuilder<Postgres> {
        let mut sql = super::select();
        sql.push(" WHERE true");
        if let Some(name) = &self.name {
            sql.push(" AND v.name");
            filter::push_match(&mut sql, name);
        }
        if let Some(last) = &self.last {
            sql.push(" AND v.name > ").push_bind(last.clone());
        }
        sql.push(" ORDER BY v.name LIMIT ").push_bind(size as i64);
        if self.last.is_none() {
            sql.push(" OFFSET ").push_bind(self.page.offset());
        }
        sql
    }
}

/// Bytes of the texts of a definition.
fn bytes_of(definition: &NewVariable) -> usize {
    let bands: usize = definition.bands.iter().map(String::len).sum();
    definition.unit.len() + definition.description.len() + bands
}

impl Piecewise for Listing {
    type Item = Variable;

    fn is_over(&self) -> bool {
        self.rest.is_over()
    }

    /// The next variables, with all their instances: fewer when these are large.
    async fn next(&mut self, conn: &mut PgConnection) -> Result<Vec<Variable>> {
        let asked = self.rest.at_most(self.fitting);
        let (mut variables, texts) = self.definitions(conn, asked).await?;
        let is_read = texts < BYTES;
        let found = variables.len();
        let (complete, notes) = instances::add(conn, &mut variables, BYTES).await?;
        // those whose instances are for the next piece are read again with it
        variables.truncate(complete);
        self.fitting = (BYTES * complete)
            .checked_div(texts.max(notes))
            .map_or(PIECE, |fitting| (fitting as u64).clamp(1, PIECE));
        if let Some(last) = variables.last() {
            self.last = Some(last.definition.name.clone());
        }
        self.rest.pass(complete as u64);
        if is_read && complete == found {
            self.rest.end_statement(found as u64, asked);
        }
        Ok(variables)
    }
}
