//! Log messages whose texts clients parse: kept byte for byte.

use super::TaskStatus;
use crate::{Ring, TaskId};
use std::fmt::Write;

/// What was planned for one cell.
#[derive(Clone, Copy, Debug)]
pub struct PreparedCell<'a> {
    /// Number of files to write.
    pub containers: usize,
    /// Number of records in them.
    pub records: usize,
    /// Number of datasets read for them.
    pub datasets: usize,
    /// Address of the cell in its grid.
    pub cell_uri: &'a str,
    /// Outline of the cell, longitudes and latitudes.
    pub geographic: &'a Ring,
    /// The last task created for the cell.
    pub task_id: TaskId,
}

/// Planning, one per cell.
pub fn prepared_cell(cell: &PreparedCell<'_>) -> String {
    format!(
        "Prepare {} container(s) with {} record(s) and {} dataset(s) (Cell:{}, geographic: {}) (id:{})",
        cell.containers,
        cell.records,
        cell.datasets,
        cell.cell_uri,
        coordinates(cell.geographic),
        cell.task_id
    )
}

/// Result of a task.
pub fn task_event(status: TaskStatus, task_id: TaskId, error: &str) -> String {
    format!("TaskEvt received with status {status} (id:{task_id}, err:{error})")
}

/// Hand-over of the replaced datasets.
pub fn deletion_job(datasets: usize, name: &str) -> String {
    format!("Create a deletion job to delete {datasets} dataset(s): {name}")
}

/// `[[lon lat] [lon lat] …]`
fn coordinates(ring: &Ring) -> String {
    let mut text = String::from("[");
    for (index, point) in ring.0.iter().enumerate() {
        let space = if index == 0 { "" } else { " " };
        let _ = write!(text, "{space}[{} {}]", point.x, point.y);
    }
    text.push(']');
    text
}

#[cfg(test)]
mod tests {
    use super::{PreparedCell, deletion_job, prepared_cell, task_event};
    use crate::{Point, Ring, TaskId, job::TaskStatus};

    const ID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

    #[test]
    fn prepared_cells_keep_their_text() {
        let ring = Ring(vec![Point::new(2.5, 48.0), Point::new(-3.25, 1e-7)]);
        let text = prepared_cell(&PreparedCell {
            containers: 2,
            records: 11,
            datasets: 13,
            cell_uri: "3/-7",
            geographic: &ring,
            task_id: TaskId::parse(ID).unwrap(),
        });
        assert_eq!(
            text,
            "Prepare 2 container(s) with 11 record(s) and 13 dataset(s) (Cell:3/-7, geographic: [[2.5 48] [-3.25 0.0000001]]) (id:0f8fad5b-d9cb-469f-a165-70867728950e)"
        );
    }

    #[test]
    fn task_events_keep_their_text() {
        let id = TaskId::parse(ID).unwrap();
        assert_eq!(
            task_event(TaskStatus::TaskSuccessful, id, ""),
            "TaskEvt received with status TaskSuccessful (id:0f8fad5b-d9cb-469f-a165-70867728950e, err:)"
        );
        assert_eq!(
            task_event(TaskStatus::TaskFailed, id, "no such file"),
            "TaskEvt received with status TaskFailed (id:0f8fad5b-d9cb-469f-a165-70867728950e, err:no such file)"
        );
    }

    #[test]
    fn deletion_jobs_keep_their_text() {
        assert_eq!(
            deletion_job(7, "job_deletion_1"),
            "Create a deletion job to delete 7 dataset(s): job_deletion_1"
        );
    }
}
