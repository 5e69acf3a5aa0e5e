//! Where a job pauses.

use std::fmt;

/// How a job advances. The numbers are those of the wire contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ExecutionLevel {
    /// The whole machine runs inside the call; not for consolidations.
    Synchronous = 0,
    /// Driven by events, never pauses.
    Asynchronous = 1,
    /// Pauses on states of level [`StepLevel::Critical`].
    StepByStepCritical = 2,
    /// Pauses on states of level critical and major.
    StepByStepMajor = 3,
    /// Pauses on every state but those of level [`StepLevel::Never`].
    StepByStepAll = 4,
}

impl ExecutionLevel {
    /// Every level, in the order of the wire numbers.
    pub const ALL: [Self; 5] = [
        Self::Synchronous,
        Self::Asynchronous,
        Self::StepByStepCritical,
        Self::StepByStepMajor,
        Self::StepByStepAll,
    ];

    /// Level of a wire number.
    pub fn from_number(number: i32) -> Option<Self> {
        usize::try_from(number)
            .ok()
            .and_then(|index| Self::ALL.get(index).copied())
    }

    /// Wire number, also the stored one.
    pub fn number(self) -> i32 {
        self as i32
    }

    /// Name of the wire contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Synchronous => "ExecutionSynchronous",
            Self::Asynchronous => "ExecutionAsynchronous",
            Self::StepByStepCritical => "StepByStepCritical",
            Self::StepByStepMajor => "StepByStepMajor",
            Self::StepByStepAll => "StepByStepAll",
        }
    }

    /// Whether a job of this level waits for the user on entering a state of level `step`.
    pub fn pauses_at(self, step: StepLevel) -> bool {
        self as u8 >= step as u8
    }
}

impl fmt::Display for ExecutionLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How much a state matters to somebody who follows a job step by step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum StepLevel {
    /// Before something costly or irreversible.
    Critical = 2,
    /// Before a step that takes time.
    Major = 3,
    /// Before anything else.
    All = 4,
    /// No pause at all.
    Never = 5,
}
