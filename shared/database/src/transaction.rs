//! Transactions.

use crate::{Database, Error, Result};
use futures::future::BoxFuture;
use sqlx::{PgConnection, Postgres, Transaction};
use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};
use uuid::Uuid;

/// A transaction, rolled back when it is dropped without [`Tx::commit`].
#[derive(Debug)]
pub struct Tx(Transaction<'static, Postgres>);

impl Tx {
    pub(crate) fn new(transaction: Transaction<'static, Postgres>) -> Self {
        Self(transaction)
    }

    /// Makes the changes permanent.
    pub async fn commit(self) -> Result<()> {
        Ok(self.0.commit().await?)
    }

    /// Forgets the changes.
    pub async fn rollback(self) -> Result<()> {
        Ok(self.0.rollback().await?)
    }
}

impl Deref for Tx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}

/// Runs of a transaction before its conflict is reported.
const TRIES: u32 = 3;

/// An error of a transaction that may tell that the transaction should be run again.
pub trait Conflict: From<Error> {
    /// Whether another transaction was in the way.
    fn is_conflict(&self) -> bool;
}

impl Conflict for Error {
    fn is_conflict(&self) -> bool {
        Error::is_conflict(self)
    }
}

/// Runs `work` in a transaction and commits it, up to three times when another transaction is in
/// the way (deadlock or serialization failure).
///
/// `work` must be free of effects outside the database. Each run owns what it needs: clone into its
/// future what is not `Copy`.
///
/// ```no_run
/// # async fn example(db: &database::Database, id: domain::RecordId) -> database::Result<u64> {
/// database::in_transaction(db, |tx| Box::pin(async move {
///     database::record::delete(tx, &[id], false).await
/// })).await
/// # }
/// ```
///
/// # Errors
/// What `work` or the commit fails with.
pub async fn in_transaction<T, E, F>(db: &Database, mut work: F) -> Result<T, E>
where
    E: Conflict,
    F: for<'c> FnMut(&'c mut PgConnection) -> BoxFuture<'c, Result<T, E>>,
{
    let mut tries = 1;
    loop {
        match once(db, &mut work).await {
            Err(error) if error.is_conflict() && tries < TRIES => {
                tracing::debug!(
                    tries,
                    "transaction lost against another one, running it again"
                );
                tokio::time::sleep(pause(tries)).await;
                tries += 1;
            }
            result => return result,
        }
    }
}

async fn once<T, E, F>(db: &Database, work: &mut F) -> Result<T, E>
where
    E: Conflict,
    F: for<'c> FnMut(&'c mut PgConnection) -> BoxFuture<'c, Result<T, E>>,
{
    let mut tx = db.begin().await?;
    let value = work(&mut tx).await?;
    tx.commit().await?;
    Ok(value)
}

/// A random pause that grows with the tries, so that the same transactions do not meet again.
fn pause(tries: u32) -> Duration {
    let bound = 10 << tries;
    Duration::from_millis((Uuid::new_v4().as_u128() % bound) as u64)
}
