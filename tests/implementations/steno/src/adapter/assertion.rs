//! Which assertion of steno 0.4.1 a panic is, by the names of the specification.

use crate::Panic;

/// Line of `src/saga_exec.rs`, a part of the message, the assertion.
const EXECUTOR: [(u32, &str, &str); 24] = [
    (95, "node_errors.contains_key", "FINISHED_TWICE"),
    (103, "!live_state.stopping", "BAD_DONE"),
    (104, "left == right", "BAD_DONE"),
    (105, "left == right", "BAD_DONE"),
    (151, "node_outputs.contains_key", "FINISHED_TWICE"),
    (212, "!live_state.stopping", "BAD_DONE"),
    (276, "already undoing or undone node", "REVISITED"),
    (297, "SagaCachedState::Unwinding", "STUCK_AGAIN"),
    (1001, "Option::unwrap()", "LOCK_BUSY"),
    (1198, "starting node in bad state", "BAD_START"),
    (1257, "undoing node in bad state", "BAD_UNDO_START"),
    (1350, "attempted to get result", "RESULT_BUSY"),
    (1355, "expected an action to have failed", "NO_CAUSE"),
    (1399, "Option::unwrap()", "NO_CAUSE"),
    (1587, "node_errors.contains_key", "NODE_ERROR"),
    (1590, "undo_errors.contains_key", "UNDO_ERROR"),
    (1610, "could not determine node state", "UNDETERMINED"),
    (1613, "left == right", "TWO_STATES"),
    (1620, "!self.stopping", "BAD_DONE"),
    (1621, "queue_todo.is_empty", "BAD_DONE"),
    (1622, "queue_undo.is_empty", "BAD_DONE"),
    (1623, "self.exec_state", "BAD_DONE"),
    (1631, "SagaCachedState::Unwinding", "STUCK_AGAIN"),
    (2206, "IllegalEventForState", "BAD_EVENT"),
];

/// What `expect_none` of `src/rust_features.rs` says; its line is the same for all.
const EXPECTED_NONE: [(&str, &str); 4] = [
    ("node finished twice (storing output)", "FINISHED_TWICE"),
    ("node finished twice (storing error)", "FINISHED_TWICE"),
    ("undo node failed twice (storing error)", "FINISHED_TWICE"),
    ("node already undone", "UNDONE_TWICE"),
];

/// The name of the assertion that failed, if the specification has one for it.
pub fn name(panic: &Panic, recovering: bool) -> Option<&'static str> {
    let running = match panic.file.rsplit(['/', '\\']).next()? {
        "saga_exec.rs" => {
            EXECUTOR.iter().find(|(line, part, _)| panic.line == *line && panic.message.contains(part))?.2
        }
        "rust_features.rs" => EXPECTED_NONE.iter().find(|(message, _)| panic.message == *message)?.1,
        _ => return None,
    };
    match (running, recovering) {
        (_, false) => Some(running),
        ("BAD_DONE", true) => Some("RECOVERY_BAD_DONE"),
        ("STUCK_AGAIN", true) => Some("RECOVERY_STUCK_AGAIN"),
        (_, true) => None,
    }
}
