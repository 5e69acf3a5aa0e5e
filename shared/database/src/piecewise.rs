//! Lists that are read piece by piece, so that neither their length nor a slow reader costs anything.

use crate::{Database, Page, Result};
use futures::{Stream, stream};
use sqlx::PgConnection;
use std::future::Future;

/// Items of one piece: what a list holds in memory, whatever its length.
pub(crate) const PIECE: u64 = 1000;

/// A list being read. Each piece is a statement of its own that starts where the one before ended.
pub trait Piecewise: Send + 'static {
    /// What the list is made of.
    type Item: Send;

    /// Whether everything was read.
    fn is_over(&self) -> bool;

    /// The next items, none at the end.
    fn next(
        &mut self,
        conn: &mut PgConnection,
    ) -> impl Future<Output = Result<Vec<Self::Item>>> + Send;
}

/// The whole list, with a connection for the time of each piece only: none waits for the reader.
pub fn pieces<L: Piecewise>(
    list: L,
    db: Database,
) -> impl Stream<Item = Result<Vec<L::Item>>> + Send + 'static {
    stream::try_unfold((list, db), |(mut list, db)| async move {
        if list.is_over() {
            return Ok(None);
        }
        let piece = {
            let mut conn = db.read().await?;
            list.next(&mut conn).await?
        };
        Ok((!piece.is_empty()).then_some((piece, (list, db))))
    })
}

/// How much of a list is still to read.
#[derive(Debug)]
pub(crate) struct Rest {
    /// Items; `None` for all of them.
    items: Option<u64>,
    exhausted: bool,
}

impl Rest {
    pub(crate) fn of(page: Page) -> Self {
        Self {
            items: (page.limit > 0).then(|| u64::from(page.limit)),
            exhausted: false,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.exhausted || self.items == Some(0)
    }

    /// What a statement asks for that may find `most` items.
    pub(crate) fn at_most(&self, most: u64) -> u64 {
        self.items.map_or(most, |items| items.min(most))
    }

    /// Takes note of items of a statement that goes on.
    pub(crate) fn pass(&mut self, count: u64) {
        self.items = self.items.map(|items| items.saturating_sub(count));
    }

    /// Takes note of the end of a statement, which is the last one when it found less than it asked
    /// for.
    pub(crate) fn end_statement(&mut self, found: u64, asked: u64) {
        self.exhausted = found < asked;
    }
}

#[cfg(test)]
mod tests {
    use super::{PIECE, Rest};
    use crate::Page;

    /// The sizes that are asked for of a list of `length`.
    fn asked(limit: u32, mut length: u64) -> Vec<u64> {
        let mut rest = Rest::of(Page { page: 0, limit });
        let mut sizes = Vec::new();
        while !rest.is_over() {
            let size = rest.at_most(PIECE);
            let count = size.min(length);
            rest.pass(count);
            rest.end_statement(count, size);
            length -= count;
            sizes.push(size);
        }
        sizes
    }

    #[test]
    fn pieces_end_with_the_list_or_with_its_limit() {
        assert_eq!(asked(0, 0), [PIECE]);
        assert_eq!(asked(0, 999), [PIECE]);
        assert_eq!(asked(0, 1000), [PIECE, PIECE]);
        assert_eq!(asked(10, 1000), [10]);
        assert_eq!(asked(10, 3), [10]);
        assert_eq!(asked(2500, 9000), [PIECE, PIECE, 500]);
        assert_eq!(asked(2000, 9000), [PIECE, PIECE]);
    }
}
