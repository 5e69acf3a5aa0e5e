//! A list that is read ahead of its reader.

use super::{Listing, PIECE};
use crate::record::RecordRow;
use crate::{Database, Result};
use domain::Record;
use futures::{Stream, TryStreamExt, stream};
use sqlx::FromRow;
use std::time::Duration;
use tokio::sync::mpsc::{self, Sender, error::SendTimeoutError};
use tracing::Instrument;

/// Pieces that wait for the reader.
const AHEAD: usize = 2;

/// How long a statement waits for its reader, holding its connection.
const PATIENCE: Duration = Duration::from_millis(100);

/// Records of the first statement, so that the first piece comes soon.
const FIRST: u64 = 10 * PIECE;

/// Records of the statements after it: few enough for the bound on the time of a statement.
const NEXT: u64 = 100 * PIECE;

type Pieces = Sender<Result<Vec<Record>>>;

impl Listing {
    /// The whole list, piece by piece, read while the pieces before are used.
    ///
    /// A reader that falls behind holds no connection: the statement is given up, and the list goes
    /// on by statements of one piece.
    pub fn stream(self, db: Database) -> impl Stream<Item = Result<Vec<Record>>> + Send + 'static {
        let (pieces, mut read) = mpsc::channel(AHEAD);
        tokio::spawn(self.read(db, pieces).in_current_span());
        stream::poll_fn(move |context| read.poll_recv(context))
    }

    async fn read(mut self, db: Database, pieces: Pieces) {
        let mut in_pace = true;
        while !self.over {
            let goes_on = if in_pace {
                self.read_in_pace(&db, &pieces, &mut in_pace).await
            } else {
                self.read_piece(&db, &pieces).await
            };
            match goes_on {
                Ok(true) => {}
                Ok(false) => return,
                // nobody reads any more when it cannot be sent
                Err(error) => return drop(pieces.send(Err(error)).await),
            }
        }
    }

    /// Reads one piece; whether there is still a reader.
    async fn read_piece(&mut self, db: &Database, pieces: &Pieces) -> Result<bool> {
        let piece = self.next(&mut *db.read().await?).await?;
        Ok(piece.is_empty() || pieces.send(Ok(piece)).await.is_ok())
    }

    /// Reads many pieces by one statement, as long as the reader keeps pace; whether there is still
    /// a reader.
    async fn read_in_pace(
        &mut self,
        db: &Database,
        pieces: &Pieces,
        in_pace: &mut bool,
    ) -> Result<bool> {
        let asked = self.size(if self.last.is_none() { FIRST } else { NEXT });
        let mut sql = self.statement(asked);
        let mut conn = db.read().await?;
        let mut rows = sql.build().fetch(&mut *conn);
        let mut found = 0;
        loop {
            let mut piece = Vec::with_capacity(PIECE.min(asked) as usize);
            while piece.len() < PIECE as usize && found < asked {
                let Some(row) = rows.try_next().await? else {
                    break;
                };
                piece.push(RecordRow::from_row(&row)?.try_into()?);
                found += 1;
            }
            self.pass(&piece);
            if found == asked || piece.len() < PIECE as usize {
                self.end_statement(found, asked);
                drop(rows);
                drop(conn);
                return Ok(piece.is_empty() || pieces.send(Ok(piece)).await.is_ok());
            }
            let Err(refused) = pieces.send_timeout(Ok(piece), PATIENCE).await else {
                continue;
            };
            drop(rows);
            conn.discard();
            return match refused {
                SendTimeoutError::Closed(_) => Ok(false),
                SendTimeoutError::Timeout(piece) => {
                    *in_pace = false;
                    Ok(pieces.send(piece).await.is_ok())
                }
            };
        }
    }
}
