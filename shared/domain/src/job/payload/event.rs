//! Events: of workers about their tasks, and of jobs.

use crate::job::{JobStatus, TaskStatus};
use crate::names::name_or_number;
use crate::{EventId, JobId, RunId, TaskId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Result of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskEvent {
    /// Job of the task.
    pub job_id: JobId,
    /// The task.
    pub task_id: TaskId,
    /// How it ended.
    pub status: TaskStatus,
    /// Why; empty when it succeeded.
    pub error: String,
    /// Attempt of the order, from 1.
    #[serde(default = "first", deserialize_with = "attempt")]
    pub attempt: i32,
    /// Run that ended, for diagnosis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
}

impl TaskEvent {
    /// Text of `"type"`.
    pub const TYPE: &'static str = "task_event";

    /// JSON form.
    pub fn to_json(&self) -> Vec<u8> {
        super::to_json(Self::TYPE, self)
    }
}

/// Event of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "JobEventFields", try_from = "JobEventFields")]
pub struct JobEvent {
    /// The job.
    pub job_id: JobId,
    /// What happened.
    pub status: JobStatus,
    /// Set once by the publisher, the same on each delivery.
    pub event_id: Option<EventId>,
    /// Revision of the job when the event was published: all but a cancel counts for that one only.
    pub seq: Option<i64>,
}

impl JobEvent {
    /// Text of `"type"`.
    pub const TYPE: &'static str = "job_event";

    /// An event with an identity of its own.
    pub fn new(job_id: JobId, status: JobStatus, seq: i64) -> Self {
        Self {
            job_id,
            status,
            event_id: Some(EventId::new()),
            seq: Some(seq),
        }
    }

    /// JSON form.
    pub fn to_json(&self) -> Vec<u8> {
        super::to_json(Self::TYPE, self)
    }
}

#[derive(Serialize, Deserialize)]
struct JobEventFields {
    job_id: JobId,
    status: StatusNumber,
    error: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event_id: Option<EventId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seq: Option<i64>,
}

impl From<JobEvent> for JobEventFields {
    fn from(event: JobEvent) -> Self {
        Self {
            job_id: event.job_id,
            status: StatusNumber(event.status.number()),
            error: event.status.error().to_owned(),
            event_id: event.event_id,
            seq: event.seq,
        }
    }
}

impl TryFrom<JobEventFields> for JobEvent {
    type Error = String;

    fn try_from(fields: JobEventFields) -> Result<Self, String> {
        let status = JobStatus::from_number(fields.status.0, &fields.error).ok_or(
            "error: expected a text for an event of failure, and an empty one for the others",
        )?;
        Ok(Self {
            job_id: fields.job_id,
            status,
            event_id: fields.event_id,
            seq: fields.seq,
        })
    }
}

/// Number of a [`JobStatus`], written as its name.
struct StatusNumber(usize);

impl Serialize for StatusNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(JobStatus::NAMES[self.0])
    }
}

impl<'de> Deserialize<'de> for StatusNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let known = |number: i32| {
            usize::try_from(number)
                .ok()
                .filter(|number| *number < JobStatus::NAMES.len())
        };
        name_or_number(deserializer, "a job status", JobStatus::number_of, known).map(Self)
    }
}

impl Serialize for TaskStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for TaskStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        name_or_number(
            deserializer,
            "a task status",
            Self::from_name,
            Self::from_number,
        )
    }
}

/// Attempt of a message that does not tell.
pub(super) fn first() -> i32 {
    1
}

/// Reads an attempt number, at least 1.
pub(super) fn attempt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    let value = i32::deserialize(deserializer)?;
    if value < 1 {
        let found = de::Unexpected::Signed(value.into());
        return Err(de::Error::invalid_value(found, &"an attempt of at least 1"));
    }
    Ok(value)
}
