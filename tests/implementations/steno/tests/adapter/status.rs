//! What an observer is told, and when.

use serde_json::Value;

use crate::talk::{Saga, Talk, JOIN};
use crate::BOTH_RUN;

#[test]
fn a_query_waits_while_a_worker_writes_and_is_answered_when_the_write_lands() {
    let mut talk = Talk::about(&JOIN);
    talk.take("start_lands(start) success_lands(start) start_lands(b)");
    assert_eq!(talk.ask("ask_status"), "pending");
    assert_eq!(talk.seen("lock"), "WORKER");
    assert_eq!(talk.seen_of("log_copy", "a"), &Value::Null);
    assert_eq!(talk.offers(), ["crash", "fail(b)", "start_lands(a)", "take_effect(b)"]);
    talk.take("start_lands(a)");
    assert_eq!(talk.seen("lock"), "FREE");
    assert_eq!(talk.seen_of("log_copy", "start"), "SUCCEEDED");
    assert_eq!(talk.seen_of("log_copy", "a"), "STARTED");
    assert_eq!(talk.seen_of("log_copy", "c"), "NEVER_STARTED");
    assert!(talk.offers().contains(&"ask_status".to_owned()));
}

#[test]
fn a_query_waits_while_the_loop_writes() {
    for write in ["unwinding", "done"] {
        let mut talk = Talk::about(&Saga { actions: &["a"], edges: &[], without_undo: &["a"] });
        talk.take("start_lands(start) success_lands(start) start_lands(a)");
        talk.take(if write == "done" {
            "succeed(a) success_lands(a) start_lands(end) success_lands(end)"
        } else {
            "fail(a) failure_lands(a)"
        });
        assert_eq!(talk.seen("pc"), &format!("WRITE_{}", write.to_uppercase()));
        assert_eq!(talk.ask("ask_status"), "pending");
        assert_eq!(talk.seen("lock"), "LOOP");
        talk.take(&format!("{write}_lands"));
        assert_eq!(talk.seen("panic"), "NONE");
    }
}

#[test]
fn a_query_is_answered_at_once_while_nobody_writes_and_only_then_the_log_in_memory_is_seen() {
    let mut talk = Talk::about(&JOIN);
    talk.take(BOTH_RUN);
    talk.take("ask_status");
    assert_eq!(talk.seen("lock"), "FREE");
    assert_eq!(talk.seen_of("log_copy", "b"), "STARTED");
    talk.take("take_effect(b)");
    assert_eq!(talk.seen("lock"), &Value::Null);
    assert_eq!(talk.seen_of("log_copy", "b"), &Value::Null);
}

#[test]
fn an_answer_does_not_show_what_may_have_been_recorded_after_it() {
    let mut talk = Talk::about(&JOIN);
    talk.take("start_lands(start)");
    assert_eq!(talk.ask("ask_status"), "pending");
    talk.take("success_lands(start)");
    assert_eq!(talk.seen_of("work", "b"), "WRITE_START");
    assert_eq!(talk.seen_of("log_copy", "b"), &Value::Null);
    assert_eq!(talk.seen_of("log_copy", "start"), "SUCCEEDED");
}
