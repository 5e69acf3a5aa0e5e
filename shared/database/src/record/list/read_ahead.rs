//! A list that is read ahead of its reader.

use super::Listing;
use super::pace::{Pace, Taken};
use super::piece::Piece;
use crate::piecewise::{PIECE, Piecewise};
use crate::record::RecordRow;
use crate::{Database, Result};
use domain::Record;
use futures::{Stream, TryStreamExt, stream};
use sqlx::FromRow;
use std::time::Instant;
use tokio::sync::mpsc::{self, Sender, error::SendTimeoutError};
use tracing::Instrument;

/// Pieces that wait for the reader.
const AHEAD: usize = 2;

type Pieces = Sender<Result<Vec<Record>>>;

impl Listing {
    /// The whole list, piece by piece, read while the pieces before are used.
    ///
    /// A reader that falls behind holds no connection: the statement is given up, and the list goes
    /// on by statements of one piece. Statements are short enough for the bound on their time.
    pub fn stream(self, db: Database) -> impl Stream<Item = Result<Vec<Record>>> + Send + 'static {
        let (pieces, mut read) = mpsc::channel(AHEAD);
        tokio::spawn(self.read(db, pieces).in_current_span());
        stream::poll_fn(move |context| read.poll_recv(context))
    }

    async fn read(mut self, db: Database, pieces: Pieces) {
        let mut pace = Pace::new(db.statement_timeout());
        while !self.is_over() {
            let goes_on = if pace.is_in_step() {
                self.read_in_step(&db, &pieces, &mut pace).await
            } else {
                self.read_and_wait(&db, &pieces, pace.size()).await
            };
            match goes_on {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) if error.is_statement_timeout() && pace.slow_down() => {}
                // nobody reads any more when it cannot be sent
                Err(error) => return drop(pieces.send(Err(error)).await),
            }
        }
    }

    /// Reads one piece; whether there is still a reader.
    async fn read_and_wait(&mut self, db: &Database, pieces: &Pieces, size: u64) -> Result<bool> {
        let mut conn = db.read().await?;
        let (piece, is_cut) = self.read_piece(&mut conn, size.min(PIECE)).await?;
        if is_cut {
            conn.discard();
        } else {
            drop(conn);
        }
        Ok(piece.is_empty() || pieces.send(Ok(piece)).await.is_ok())
    }

    /// Reads many pieces by one statement, as long as the reader keeps pace; whether there is still
    /// a reader.
    async fn read_in_step(
        &mut self,
        db: &Database,
        pieces: &Pieces,
        pace: &mut Pace,
    ) -> Result<bool> {
        let asked = self.rest.at_most(pace.size());
        let mut sql = self.statement(asked);
        let mut conn = db.read().await?;
        let begin = Instant::now();
        let mut rows = sql.build().fetch(&mut *conn);
        let (mut found, mut first) = (0, None);
        loop {
            let mut piece = Piece::default();
            let mut is_over = false;
            while !is_over && !piece.is_full() {
                let Some(row) = rows.try_next().await? else {
                    is_over = true;
                    break;
                };
                first.get_or_insert_with(|| begin.elapsed());
                pace.begin();
                piece.push(RecordRow::from_row(&row)?)?;
                found += 1;
                is_over = found == asked;
            }
            let piece = self.pass(piece);
            let all = begin.elapsed();
            let taken = Taken {
                found,
                first: first.unwrap_or(all),
                all,
            };
            if is_over {
                self.rest.end_statement(found, asked);
                drop(rows);
                drop(conn);
                pace.learn(taken);
                return Ok(piece.is_empty() || pieces.send(Ok(piece)).await.is_ok());
            }
            let refused = match pieces.send_timeout(Ok(piece), pace.patience()).await {
                Ok(()) if !pace.is_spent(begin.elapsed()) => continue,
                Ok(()) => None,
                Err(refused) => Some(refused),
            };
            drop(rows);
            conn.discard();
            pace.learn(taken);
            return match refused {
                None => Ok(true),
                Some(SendTimeoutError::Closed(_)) => Ok(false),
                Some(SendTimeoutError::Timeout(piece)) => {
                    pace.fall_behind();
                    Ok(pieces.send(piece).await.is_ok())
                }
            };
        }
    }
}
