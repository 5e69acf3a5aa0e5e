//! What a list holds in memory at a time.

use crate::Result;
use crate::piecewise::PIECE;
use crate::record::RecordRow;
use domain::Record;

/// Bytes of geometry that make a piece full.
const BYTES: usize = 4 << 20;

/// Records that go to the reader together: fewer when their footprints are large.
#[derive(Debug, Default)]
pub(super) struct Piece {
    records: Vec<Record>,
    bytes: usize,
}

impl Piece {
    /// Whether nothing is to be added.
    pub(super) fn is_full(&self) -> bool {
        self.records.len() as u64 >= PIECE || self.bytes >= BYTES
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: RecordRow) -> Result<()> {
        self.bytes += row.aoi.as_ref().map_or(0, Vec::len);
        self.records.push(row.try_into()?);
        Ok(())
    }

    /// How many records make a piece, if they are like those of this one.
    pub(super) fn fitting(&self) -> u64 {
        let fitting = (BYTES * self.records.len()).checked_div(self.bytes);
        fitting.map_or(PIECE, |fitting| (fitting as u64).clamp(1, PIECE))
    }

    /// The records.
    pub(super) fn into_records(self) -> Vec<Record> {
        self.records
    }
}

#[cfg(test)]
mod tests {
    use super::{BYTES, Piece};
    use crate::piecewise::PIECE;
    use domain::{AoiId, Instant, Record, RecordId, Tags};

    /// A piece of records whose footprints have so many bytes together.
    fn piece(records: usize, bytes: usize) -> Piece {
        let record = || Record {
            id: RecordId::new(),
            name: "r".to_owned(),
            time: Instant::from_timestamp(0, 0).unwrap(),
            tags: Tags::default(),
            aoi_id: AoiId::new(),
            aoi: None,
        };
        Piece {
            records: std::iter::repeat_with(record).take(records).collect(),
            bytes,
        }
    }

    #[test]
    fn a_piece_is_full_by_the_number_or_by_the_bytes_of_its_records() {
        for (records, bytes, full, fitting) in [
            (0, 0, false, PIECE),
            (999, 0, false, PIECE),
            (1000, 0, true, PIECE),
            (999, 93 * 999, false, PIECE),
            (3, BYTES - 1, false, 3),
            (3, BYTES, true, 3),
            (3, 2 * BYTES, true, 1),
            (1, 9 * BYTES, true, 1),
        ] {
            let piece = piece(records, bytes);
            assert_eq!(
                (piece.is_full(), piece.fitting()),
                (full, fitting),
                "{records} {bytes}"
            );
        }
    }
}
