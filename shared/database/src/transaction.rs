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
    ///
    /// # Errors
    /// [`Error::OutcomeUnknown`] when the connection is lost before the server answers: the changes
    /// may be permanent, so that the same work must not be done again blindly.
    pub async fn commit(self) -> Result<()> {
        let committed = self.0.commit().await;
        committed.map_err(|error| Error::from(error).during_commit())
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
/// the way (deadlock or serialization failure). Nothing else is run again; above all not a commit
/// whose outcome is unknown.
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
    let mut tries = Tries::default();
    loop {
        match once(db, &mut work).await {
            Err(error) => {
                if !tries.pause_after(&error).await {
                    return Err(error);
                }
            }
            done => return done,
        }
    }
}

/// As [`in_transaction`], but what `work` changes is forgotten.
///
/// # Errors
/// What `work` fails with.
pub async fn in_rolled_back<T, F>(db: &Database, mut work: F) -> Result<T>
where
    F: for<'c> FnMut(&'c mut PgConnection) -> BoxFuture<'c, Result<T>>,
{
    let mut tries = Tries::default();
    loop {
        let mut tx = db.begin().await?;
        let result = work(&mut tx).await;
        tx.rollback().await?;
        match result {
            Err(error) => {
                if !tries.pause_after(&error).await {
                    return Err(error);
                }
            }
            done => return done,
        }
    }
}

/// As [`in_transaction`], for work that stores by a single statement: it needs no transaction around
/// it, which saves two round trips.
///
/// # Errors
/// What `work` fails with; [`Error::OutcomeUnknown`] when the connection is lost meanwhile.
pub async fn in_statement<T, F>(db: &Database, mut work: F) -> Result<T>
where
    F: for<'c> FnMut(&'c mut PgConnection) -> BoxFuture<'c, Result<T>>,
{
    let mut tries = Tries::default();
    loop {
        let result = {
            let mut conn = db.write().await?;
            work(&mut conn).await.map_err(Error::during_commit)
        };
        match result {
            Err(error) => {
                if !tries.pause_after(&error).await {
                    return Err(error);
                }
            }
            done => return done,
        }
    }
}

/// Counts how often the same work met a conflict.
#[derive(Debug, Default)]
pub struct Tries(u32);

impl Tries {
    /// Whether work that failed is to be done again: it met a conflict, and not too often. Then waits
    /// for a random time that grows with the tries, so that the same transactions do not meet again.
    pub async fn pause_after(&mut self, error: &impl Conflict) -> bool {
        self.0 += 1;
        if !error.is_conflict() || self.0 >= TRIES {
            return false;
        }
        tracing::debug!(
            tries = self.0,
            "lost against another transaction, trying again"
        );
        let bound = 10 << self.0;
        let pause = Duration::from_millis((Uuid::new_v4().as_u128() % bound) as u64);
        tokio::time::sleep(pause).await;
        true
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
