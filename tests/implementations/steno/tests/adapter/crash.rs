//! What a crash leaves, and what recovery refuses.

use crate::talk::{Saga, Talk, JOIN};
use crate::BOTH_RUN;

#[test]
fn what_was_held_never_lands_and_what_landed_stays() {
    let mut talk = Talk::about(&JOIN);
    talk.take(BOTH_RUN);
    talk.take("take_effect(a) succeed(a) crash");
    assert_eq!(talk.seen("pc"), "DOWN");
    assert_eq!(talk.offers(), ["recover"]);
    assert_eq!(talk.seen_of("log", "a"), "STARTED");
    assert_eq!(talk.seen_of("effect", "a"), true);
    assert_eq!(talk.seen_of("runs", "a"), "NO");
    talk.take("recover");
    assert_eq!(talk.offers(), ["ask_status", "crash", "fail(a)", "fail(b)", "succeed(a)", "take_effect(b)"]);
    assert_eq!(talk.seen_of("runs", "a"), "ONCE");
}

/// omicron #10531
#[test]
fn recovery_refuses_a_log_in_which_a_parent_is_undone_and_its_child_never_started() {
    let mut talk = Talk::about(&JOIN);
    talk.take(BOTH_RUN);
    talk.take("take_effect(a) succeed(a) success_lands(a) fail(b) failure_lands(b) unwinding_lands");
    talk.take("undo_start_lands(a) remove_effect(a) succeed_undo(a) undo_success_lands(a) crash recover");
    assert_eq!(talk.seen("pc"), "REFUSED");
    assert_eq!(talk.seen("panic"), "NONE");
    assert!(talk.offers().is_empty());
}

#[test]
fn a_saga_that_is_done_writes_its_cached_state_again_and_rests() {
    let mut talk = Talk::about(&Saga { actions: &["a"], edges: &[], without_undo: &["a"] });
    talk.take("start_lands(start) success_lands(start) start_lands(a) succeed(a) success_lands(a)");
    talk.take("start_lands(end) success_lands(end) crash recover");
    assert_eq!(talk.seen("pc"), "WRITE_DONE");
    talk.take("done_lands");
    assert_eq!(talk.seen("pc"), "REST");
    assert_eq!(talk.seen_of("log_copy", "end"), "SUCCEEDED");
    assert_eq!(talk.offers(), ["ask_status", "crash"]);
}
