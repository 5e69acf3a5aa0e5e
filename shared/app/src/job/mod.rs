//! Jobs: consolidation and deletion, from the call that creates them to their end.
//!
//! A job advances by events. [`App::handle_job_event`](crate::App::handle_job_event) saves the new
//! state together with the lease of its entry action, performs the action, and saves its end
//! together with the follow-up event in the outbox. A crash anywhere leaves an event that is
//! delivered again, and every step can be repeated.

mod action;
mod backlog;
mod clean;
mod command;
mod create;
mod dead_letter;
mod event;
pub(crate) mod failure;
mod list;
mod outbox;
mod push;
mod snapshot;
mod sweep;
mod task_event;
mod unknown_files;

pub use backlog::Backlog;
pub use create::{NewConsolidation, NewDeletion};
pub use event::Handled;
pub use list::JobQuery;
pub use push::PushAnswer;
pub(crate) use push::refuse;
pub use snapshot::JobSnapshot;
pub use sweep::Swept;
pub(crate) use task_event::Gathering;
