//! The tasks of a plan, of which few are in memory at a time.

use crate::job::action::running::{Running, Step, Stop};
use database::{planned_task, task};
use domain::job::Task;

/// Tasks, and bytes of their orders, after which a piece is put away.
const TASKS: usize = 200;
const BYTES: usize = 4 << 20;

/// Tasks that are decided: those in memory, after those put away in the database, where nobody sees them.
#[derive(Default)]
pub(super) struct Pieces {
    held: Vec<Task>,
    bytes: usize,
    put_away: bool,
}

impl Pieces {
    /// Adds tasks, and puts away a piece when it is large enough.
    pub(super) async fn add(
        &mut self,
        running: &Running,
        tasks: impl Iterator<Item = Task>,
    ) -> Result<(), Stop> {
        for task in tasks {
            self.bytes += task.payload.len();
            self.held.push(task);
            if self.held.len() >= TASKS || self.bytes >= BYTES {
                self.put_away(running).await?;
            }
        }
        Ok(())
    }

    async fn put_away(&mut self, running: &Running) -> Result<(), Stop> {
        let (id, mut step) = (running.job.id, running.begin().await?);
        if !self.put_away {
            // left by a planning that died
            planned_task::forget(step.conn(), id).await?;
        }
        planned_task::insert(step.conn(), id, running.run(), &self.held).await?;
        step.commit().await?;
        (self.bytes, self.put_away) = (0, true);
        self.held.clear();
        Ok(())
    }

    /// Makes all of them tasks of the job; how many.
    pub(super) async fn store(self, running: &Running, step: &mut Step) -> Result<u64, Stop> {
        let id = running.job.id;
        let promoted = planned_task::promote(step.conn(), id, running.run()).await?;
        planned_task::forget(step.conn(), id).await?;
        task::insert(step.conn(), &self.held).await?;
        Ok(promoted + self.held.len() as u64)
    }
}
