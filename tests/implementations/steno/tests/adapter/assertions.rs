//! How to lead steno 0.4.1 into its assertions, and one schedule that does not.

use crate::talk::{Saga, Talk, JOIN};
use crate::{BOTH_RUN, C_FAILS};

/// The last of these steps lets steno panic; then the process is dead.
fn assert_panics(talk: &Talk, name: &str) {
    assert_eq!(talk.seen("panic"), name);
    assert_eq!(talk.offers(), ["crash"]);
}

#[test]
fn node_error_when_a_status_query_waits_for_the_write_of_a_failure() {
    let mut talk = Talk::about(&JOIN);
    talk.take(BOTH_RUN);
    talk.take("fail(b)");
    assert_eq!(talk.ask("ask_status"), "pending");
    talk.take("failure_lands(b)");
    assert_panics(&talk, "NODE_ERROR");
}

#[test]
fn node_error_without_an_observer_when_two_actions_fail() {
    let mut talk = Talk::about(&JOIN);
    talk.take(BOTH_RUN);
    talk.take("fail(a) fail(b) failure_lands(a) failure_lands(b)");
    assert_panics(&talk, "NODE_ERROR");
}

#[test]
fn undo_error_when_a_status_query_waits_for_the_write_of_an_undo_failure() {
    let mut talk = Talk::about(&JOIN);
    talk.take(BOTH_RUN);
    talk.take(C_FAILS);
    talk.take("undo_start_lands(b) fail_undo(b) undo_start_lands(a)");
    assert_eq!(talk.ask("ask_status"), "pending");
    talk.take("undo_failure_lands(b)");
    assert_panics(&talk, "UNDO_ERROR");
}

#[test]
fn stuck_again_when_a_second_undo_action_fails() {
    let mut talk = Talk::about(&JOIN);
    talk.take(BOTH_RUN);
    talk.take(C_FAILS);
    talk.take("undo_start_lands(b) fail_undo(b) undo_start_lands(a) fail_undo(a)");
    talk.take("undo_failure_lands(b) undo_failure_lands(a)");
    assert_panics(&talk, "STUCK_AGAIN");
    talk.take("crash recover");
    assert_panics(&talk, "RECOVERY_STUCK_AGAIN");
}

#[test]
fn revisited_on_a_transitive_edge() {
    let edges = &[("a", "b"), ("a", "c"), ("b", "c")];
    let mut talk = Talk::about(&Saga { actions: &["a", "b", "c"], edges, without_undo: &[] });
    talk.take("start_lands(start) success_lands(start) start_lands(a) fail(a) failure_lands(a)");
    assert_panics(&talk, "REVISITED");
}

/// One task runs the loop and answers observers. The loop takes the report of a worker whose task has ended, and
/// joins and propagates it without letting go of the thread, so no observer finds a node between two maps.
#[test]
fn a_status_query_never_finds_a_node_whose_report_is_taken_but_not_propagated() {
    let mut talk = Talk::about(&JOIN);
    talk.take(BOTH_RUN);
    talk.take("take_effect(a) take_effect(b) succeed(a) succeed(b) success_lands(a)");
    assert_eq!(talk.seen_of("work", "b"), "WRITE_OK");
    assert_eq!(talk.ask("ask_status"), "pending");
    talk.take("success_lands(b)");
    assert_eq!(talk.seen("panic"), "NONE");
    assert_eq!(talk.seen_of("log_copy", "b"), "SUCCEEDED");
    assert_eq!(talk.seen_of("work", "c"), "WRITE_START");
}
