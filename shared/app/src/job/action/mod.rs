//! Entry actions: what is done on entering a state.
//!
//! Each may run twice, for instance after a crash: its last transaction, which also records its end
//! and posts what follows, either happened or did not. All of its transactions check that it still
//! has the lease of the job.

mod cancel;
mod delete_datasets;
mod delete_files;
mod index;
mod prepare;
mod release;
mod retry;
mod roll_back;
mod running;
mod send;
mod start_deletion;
mod swap;

pub(super) use prepare::ingestion_storage;
pub(super) use running::{LEASE, Running};

use super::failure;
use super::outbox::Posted;
use crate::{Error, Result};
use domain::job::{ActionEnd, EntryAction};
use running::Stop;

/// Runs an entry action to its end; the messages that are to be published then.
pub(super) async fn perform(running: Running, entry: EntryAction) -> Result<Posted> {
    let heartbeat = running.keep_lease();
    let ended = run(&running, entry).await;
    drop(heartbeat);
    match ended {
        Ok(posted) => Ok(posted),
        Err(Stop::Superseded) => {
            tracing::info!("the entry action is replaced by a newer event");
            Ok(Posted::default())
        }
        Err(Stop::Error(error)) if error.is_retryable() && !took_too_long(&error) => {
            running.tell(&error).await;
            running.give_back().await;
            Err(error)
        }
        Err(Stop::Error(error)) => {
            tracing::warn!(error = failure::text(&error), "the entry action failed");
            running.fail(entry, error).await
        }
    }
}

/// Whether a statement exceeded its time: it would do so again for ever, unseen by whoever waits for
/// the job, so that the job has to tell.
fn took_too_long(error: &Error) -> bool {
    match error {
        Error::Unavailable { source, .. } => source
            .downcast_ref::<database::Error>()
            .is_some_and(database::Error::is_statement_timeout),
        Error::Domain(_)
        | Error::DeadlineExceeded(_)
        | Error::Cancelled(_)
        | Error::Internal { .. } => false,
    }
}

async fn run(running: &Running, entry: EntryAction) -> Result<Posted, Stop> {
    match entry {
        EntryAction::Start => {
            running
                .end(entry, running.begin().await?, ActionEnd::Complete)
                .await
        }
        EntryAction::PrepareOrders => prepare::prepare_orders(running).await,
        EntryAction::SendOrders => send::send_orders(running).await,
        EntryAction::IndexOutputs => index::index_outputs(running).await,
        EntryAction::SwapDatasets => swap::swap_datasets(running).await,
        EntryAction::StartDeletion => start_deletion::start_deletion(running).await,
        EntryAction::CancelTasks => cancel::cancel_tasks(running).await,
        EntryAction::RetryFailedTasks | EntryAction::RetryUnfinishedTasks => {
            retry::reset_tasks(running, entry).await
        }
        EntryAction::RollBackConsolidation => roll_back::roll_back_consolidation(running).await,
        EntryAction::HideDatasets => delete_datasets::hide_datasets(running).await,
        EntryAction::RemoveDatasets => delete_datasets::remove_datasets(running).await,
        EntryAction::DeleteFiles => delete_files::delete_files(running).await,
        EntryAction::RollBackDeletion => delete_datasets::roll_back_deletion(running).await,
        EntryAction::ReleaseLocks => release::release_locks(running).await,
    }
}
