//! Records of given ids, read piece by piece.

use super::get;
use crate::Result;
use crate::piecewise::{PIECE, Piecewise};
use domain::{Record, RecordId};
use sqlx::PgConnection;
use std::collections::HashSet;

/// The records of some ids being read, in their order, each once, without geometry.
#[derive(Debug)]
pub struct ById {
    ids: Vec<RecordId>,
    read: usize,
}

impl ById {
    /// A list that is not begun.
    pub fn new(ids: &[RecordId]) -> Self {
        let mut seen = HashSet::with_capacity(ids.len());
        let ids = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
        Self { ids, read: 0 }
    }

    /// Whether a missing record may show after others were answered.
    pub fn has_several_pieces(&self) -> bool {
        self.ids.len() > PIECE as usize
    }
}

impl Piecewise for ById {
    type Item = Record;

    fn is_over(&self) -> bool {
        self.read == self.ids.len()
    }

    /// The next records; [`domain::Error::NotFound`] for one that does not exist.
    async fn next(&mut self, conn: &mut PgConnection) -> Result<Vec<Record>> {
        let end = self.ids.len().min(self.read + PIECE as usize);
        let records = get(conn, &self.ids[self.read..end]).await?;
        self.read = end;
        Ok(records)
    }
}
