//! The six events of a node's log: the step that makes one durable, and what the log says before and after it.

use steno041::SagaNodeEventType;

/// What a worker is for: the action of its node, or the undo action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Job {
    Do,
    Undo,
}

/// A kind of event.
#[derive(Debug)]
pub struct Kind {
    /// The step that makes it durable.
    pub lands: &'static str,
    /// The load status that it follows, and the one that it makes.
    pub before: &'static str,
    pub after: &'static str,
    /// Whose it is, and where that worker is while the write is pending.
    pub job: Job,
    pub stage: &'static str,
}

/// The load status of a node without events, and of one whose events are in no legal order.
pub const NEVER_STARTED: &str = "NEVER_STARTED";
const ILLEGAL: &str = "ILLEGAL";

const KINDS: [Kind; 6] = [
    kind("start_lands", NEVER_STARTED, "STARTED", Job::Do, "WRITE_START"),
    kind("success_lands", "STARTED", "SUCCEEDED", Job::Do, "WRITE_OK"),
    kind("failure_lands", "STARTED", "FAILED", Job::Do, "WRITE_FAIL"),
    kind("undo_start_lands", "SUCCEEDED", "UNDO_STARTED", Job::Undo, "WRITE_START"),
    kind("undo_success_lands", "UNDO_STARTED", "UNDO_FINISHED", Job::Undo, "WRITE_OK"),
    kind("undo_failure_lands", "UNDO_STARTED", "UNDO_FAILED", Job::Undo, "WRITE_FAIL"),
];

const fn kind(lands: &'static str, before: &'static str, after: &'static str, job: Job, stage: &'static str) -> Kind {
    Kind { lands, before, after, job, stage }
}

impl Kind {
    /// The kind of an event of steno.
    pub fn of(event: &SagaNodeEventType) -> &'static Kind {
        &KINDS[match event {
            SagaNodeEventType::Started => 0,
            SagaNodeEventType::Succeeded(_) => 1,
            SagaNodeEventType::Failed(_) => 2,
            SagaNodeEventType::UndoStarted => 3,
            SagaNodeEventType::UndoFinished => 4,
            SagaNodeEventType::UndoFailed(_) => 5,
        }]
    }

    /// The kind of event that this step makes durable.
    pub fn that_lands(step: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.lands == step)
    }

    /// The load status after this event; once illegal, always illegal.
    pub fn follow(&self, status: &mut &'static str) {
        *status = if *status == self.before { self.after } else { ILLEGAL };
    }
}
