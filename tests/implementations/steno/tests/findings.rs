//! What `docs/findings.md` says was executed. The name of each test is the claim, and begins with the version.
//!
//! | tests | section of `docs/findings.md` |
//! | --- | --- |
//! | `stuck_again` | STUCK_AGAIN: the second undo failure |
//! | `revisited` | REVISITED: a parent that the walk has already dealt with |
//! | `busy` | LOCK_BUSY and RESULT_BUSY: the lock taken without waiting |
//! | `stuck_again_in_recovery` | RECOVERY_STUCK_AGAIN: two undo failures in the log |
//! | `refused` | Refused logs (omicron #10531) |
//!
//! Each module states a schedule once and runs it with both versions. Lines are those of `src/saga_exec.rs` of the
//! version.

use steno_schedules::{Ended, Panic, Saga};

/// Two nodes in parallel, and one after both.
const JOIN: Saga = Saga { stages: &[&["a", "b"], &["c"]], edge: None };

/// The first panic of a process, which must be in the executor; also asserts that it took the task that runs all sagas
/// of the process with it.
fn executor_panic(ended: &Ended) -> &Panic {
    let panic = ended.panics.first().unwrap_or_else(|| panic!("no panic: {ended:#?}"));
    assert!(panic.file.ends_with("saga_exec.rs"), "{panic}");
    assert!(!ended.answers, "the process still answers after {panic}");
    panic
}

fn assert_no_panic(ended: &Ended) {
    assert_eq!(ended.panics, []);
    assert!(ended.answers, "the process does not answer: {ended:#?}");
}

mod stuck_again {
    use super::{assert_no_panic, executor_panic, JOIN};
    use steno_schedules::{v041, v050, End, Ended, Plan, Process, Saga};

    /// The last of three nodes fails, and so do both undo actions, after as many seconds as given.
    fn two_undo_failures(run: Process, undo_takes: &'static [(&'static str, u64)]) -> Ended {
        let plan = Plan { fails: &["c"], undo_fails: &["a", "b"], undo_takes, ..Plan::default() };
        let ended = run(&JOIN, &plan, &[]);
        for node in ["a", "b"] {
            let durable = ended.log.iter().any(|event| event.kind == "undo_failed" && event.node == node);
            assert!(durable, "the undo failure of {node} is not durable");
        }
        ended
    }

    /// Two undo actions fail one after the other while a third, which then succeeds, is still running.
    fn a_third_still_runs(run: Process) -> Ended {
        let saga = Saga { stages: &[&["a", "b", "c"], &["d"]], edge: None };
        let undo_takes = &[("a", 1), ("b", 2), ("c", 3)];
        let ended = run(&saga, &Plan { fails: &["d"], undo_fails: &["a", "b"], undo_takes, ..Plan::default() }, &[]);
        let last = ended.events_after(ended.log.len() - 3);
        assert_eq!(last, ["undo_failed of a", "undo_failed of b", "undo_finished of c"]);
        ended
    }

    fn assert_panics_in_propagate(ended: &Ended) {
        let panic = executor_panic(ended);
        assert_eq!(panic.line, 297, "{panic}");
        assert!(panic.message.contains("exec_state == SagaCachedState::Unwinding"), "{panic}");
        assert_eq!(ended.end, End::Panicked);
    }

    fn assert_stuck(ended: &Ended) {
        assert_no_panic(ended);
        assert!(matches!(ended.end, End::Stuck(_)), "{:?}", ended.end);
    }

    #[test]
    fn v041_panics_on_the_second_undo_failure() {
        assert_panics_in_propagate(&two_undo_failures(v041::run, &[]));
    }

    #[test]
    fn v041_panics_on_the_second_undo_failure_if_a_is_first() {
        assert_panics_in_propagate(&two_undo_failures(v041::run, &[("a", 1), ("b", 2)]));
    }

    #[test]
    fn v041_panics_on_the_second_undo_failure_if_b_is_first() {
        assert_panics_in_propagate(&two_undo_failures(v041::run, &[("b", 1), ("a", 2)]));
    }

    #[test]
    fn v041_does_not_panic_on_the_second_undo_failure_while_a_third_undo_action_runs() {
        assert_stuck(&a_third_still_runs(v041::run));
    }

    #[test]
    fn v050_does_not_panic_on_the_second_undo_failure() {
        assert_stuck(&two_undo_failures(v050::run, &[]));
    }

    #[test]
    fn v050_does_not_panic_on_the_second_undo_failure_if_a_is_first() {
        assert_stuck(&two_undo_failures(v050::run, &[("a", 1), ("b", 2)]));
    }

    #[test]
    fn v050_does_not_panic_on_the_second_undo_failure_if_b_is_first() {
        assert_stuck(&two_undo_failures(v050::run, &[("b", 1), ("a", 2)]));
    }

    #[test]
    fn v050_does_not_panic_on_the_second_undo_failure_while_a_third_undo_action_runs() {
        assert_stuck(&a_third_still_runs(v050::run));
    }
}

mod revisited {
    use super::{assert_no_panic, executor_panic};
    use steno_schedules::{v041, v050, Edge, End, Ended, Plan, Process, Saga};

    /// A chain a, b, c with an edge a→c at this place in the list, which begins with a→b and b→c; a fails.
    fn with_edge_at(run: Process, place: usize) -> Ended {
        let edge = Some(Edge { from: "a", to: "c", place });
        let ended =
            run(&Saga { stages: &[&["a"], &["b"], &["c"]], edge }, &Plan { fails: &["a"], ..Plan::default() }, &[]);
        assert_eq!(ended.events_after(2)[..2], ["started of a", "failed of a"]);
        ended
    }

    fn assert_panics_in_walk(ended: &Ended, line: u32) {
        let panic = executor_panic(ended);
        assert_eq!(panic.line, line, "{panic}");
        assert!(panic.message.contains("already undoing or undone node"), "{panic}");
        assert_eq!(ended.end, End::Panicked);
        assert_eq!(ended.log.len(), 4, "nothing follows the failure");
    }

    fn assert_undone(ended: &Ended) {
        assert_no_panic(ended);
        assert_eq!(ended.end, End::Undone("a".to_owned()));
    }

    #[test]
    fn v041_panics_on_a_transitive_edge_older_than_both_others() {
        assert_panics_in_walk(&with_edge_at(v041::run, 0), 276);
    }

    #[test]
    fn v041_panics_on_a_transitive_edge_between_the_others() {
        assert_panics_in_walk(&with_edge_at(v041::run, 1), 276);
    }

    #[test]
    fn v041_does_not_panic_on_a_transitive_edge_newer_than_both_others() {
        assert_undone(&with_edge_at(v041::run, 2));
    }

    #[test]
    fn v050_panics_on_a_transitive_edge_older_than_both_others() {
        assert_panics_in_walk(&with_edge_at(v050::run, 0), 278);
    }

    #[test]
    fn v050_panics_on_a_transitive_edge_between_the_others() {
        assert_panics_in_walk(&with_edge_at(v050::run, 1), 278);
    }

    #[test]
    fn v050_does_not_panic_on_a_transitive_edge_newer_than_both_others() {
        assert_undone(&with_edge_at(v050::run, 2));
    }
}

mod busy {
    use super::assert_no_panic;
    use steno_schedules::{v041, v050, Answer, End, Plan, Process, Saga};

    /// So many observers ask while Done is being written; their answers have to wait, because the lock is held.
    fn assert_observers_wait(run: Process, observers: usize) {
        let ended = run(&Saga { stages: &[&["a"]], edge: None }, &Plan { observers, ..Plan::default() }, &[]);
        assert_no_panic(&ended);
        assert_eq!(ended.end, End::Succeeded);
        assert_eq!(ended.observed, vec![Answer::AfterDoneWasWritten; observers]);
    }

    #[test]
    fn v041_does_not_panic_if_a_query_is_pending_while_done_is_written() {
        assert_observers_wait(v041::run, 1);
    }

    #[test]
    fn v041_does_not_panic_if_several_queries_are_pending_while_done_is_written() {
        assert_observers_wait(v041::run, 5);
    }

    #[test]
    fn v050_does_not_panic_if_a_query_is_pending_while_done_is_written() {
        assert_observers_wait(v050::run, 1);
    }

    #[test]
    fn v050_does_not_panic_if_several_queries_are_pending_while_done_is_written() {
        assert_observers_wait(v050::run, 5);
    }
}

mod stuck_again_in_recovery {
    use super::{assert_no_panic, executor_panic, JOIN};
    use steno_schedules::{v041, v050, End, Event, Plan, Process};

    /// The log that a process leaves in which the last of three nodes and both undo actions failed.
    fn log_of_two_undo_failures(run: Process) -> Vec<Event> {
        let ended = run(&JOIN, &Plan { fails: &["c"], undo_fails: &["a", "b"], ..Plan::default() }, &[]);
        assert_eq!(ended.log.iter().filter(|event| event.kind == "undo_failed").count(), 2);
        ended.log
    }

    #[test]
    fn v041_panics_at_every_restart_on_the_log_of_two_undo_failures_that_it_left() {
        let mut log = log_of_two_undo_failures(v041::run);
        for _ in 0..3 {
            let ended = v041::run(&JOIN, &Plan::default(), &log);
            let panic = executor_panic(&ended);
            assert_eq!(panic.line, 1631, "{panic}");
            assert!(panic.message.contains("exec_state == SagaCachedState::Unwinding"), "{panic}");
            assert_eq!(ended.end, End::Panicked);
            assert_eq!(ended.log, log, "nothing is added to the log");
            log = ended.log;
        }
    }

    #[test]
    fn v050_recovers_the_log_of_two_undo_failures_that_it_left() {
        let ended = v050::run(&JOIN, &Plan::default(), &log_of_two_undo_failures(v050::run));
        assert_no_panic(&ended);
        assert!(matches!(ended.end, End::Stuck(_)), "{:?}", ended.end);
    }

    #[test]
    fn v050_recovers_the_log_of_two_undo_failures_that_v041_left() {
        let ended = v050::run(&JOIN, &Plan::default(), &log_of_two_undo_failures(v041::run));
        assert_no_panic(&ended);
        assert!(matches!(ended.end, End::Stuck(_)), "{:?}", ended.end);
    }
}

mod refused {
    use super::{assert_no_panic, JOIN};
    use steno_schedules::{v041, v050, End, Ended, Event, Plan, Process};

    /// One of the two parents of a join succeeds and the other fails; the process dies while the first is being undone.
    fn log_of_a_join(run: Process) -> Vec<Event> {
        let plan = Plan { fails: &["b"], unwritten: &[("a", "undo_finished")], ..Plan::default() };
        let ended = run(&JOIN, &plan, &[]);
        assert_eq!(ended.end, End::Died);
        assert_no_panic_so_far(&ended);
        assert_eq!(ended.events_after(ended.log.len() - 1), ["undo_started of a"]);
        ended.log
    }

    /// One of two siblings fails, and the process dies before the other has started; the next dies while the node
    /// before both is being undone.
    fn log_of_siblings(run: Process) -> Vec<Event> {
        let plan = Plan { fails: &["b"], unwritten: &[("a", "started")], ..Plan::default() };
        let first = run(&JOIN, &plan, &[]);
        assert_eq!(first.end, End::Died);
        assert_no_panic_so_far(&first);
        assert_eq!(first.events_after(2), ["started of b", "failed of b"]);
        let plan = Plan { unwritten: &[("start", "undo_finished")], ..Plan::default() };
        let second = run(&JOIN, &plan, &first.log);
        assert_eq!(second.end, End::Died);
        assert_no_panic_so_far(&second);
        assert_eq!(second.events_after(first.log.len()), ["undo_started of start"]);
        second.log
    }

    /// A process that waits for a write need not answer: both versions hold the lock over it.
    fn assert_no_panic_so_far(ended: &Ended) {
        assert_eq!(ended.panics, []);
    }

    /// Recovery refuses the log at the node that has this number (a, b, c are 0, 1, 2), because it never started.
    fn assert_refused_at(ended: &Ended, number: u32) {
        assert_no_panic_so_far(ended);
        let End::Refused(why) = &ended.end else { panic!("not refused: {:?}", ended.end) };
        assert!(why.contains(&format!("node NodeIndex({number}): load status is \"NeverStarted\"")), "{why}");
        assert!(why.contains("illegal for parent load status \"UndoStarted"), "{why}");
    }

    fn assert_recovered_and_undone(ended: &Ended) {
        assert_no_panic(ended);
        assert_eq!(ended.end, End::Undone("b".to_owned()));
        assert_eq!(ended.events_after(ended.log.len() - 1), ["undo_finished of start"]);
    }

    #[test]
    fn v041_refuses_a_log_of_a_join_that_it_left() {
        assert_refused_at(&v041::run(&JOIN, &Plan::default(), &log_of_a_join(v041::run)), 2);
    }

    #[test]
    fn v041_refuses_a_log_of_siblings_that_it_left() {
        assert_refused_at(&v041::run(&JOIN, &Plan::default(), &log_of_siblings(v041::run)), 0);
    }

    #[test]
    fn v050_recovers_a_log_of_a_join_that_it_left() {
        assert_recovered_and_undone(&v050::run(&JOIN, &Plan::default(), &log_of_a_join(v050::run)));
    }

    #[test]
    fn v050_recovers_a_log_of_siblings_that_it_left() {
        assert_recovered_and_undone(&v050::run(&JOIN, &Plan::default(), &log_of_siblings(v050::run)));
    }

    #[test]
    fn v050_recovers_a_log_of_a_join_that_v041_left() {
        assert_recovered_and_undone(&v050::run(&JOIN, &Plan::default(), &log_of_a_join(v041::run)));
    }

    #[test]
    fn v050_recovers_a_log_of_siblings_that_v041_left() {
        assert_recovered_and_undone(&v050::run(&JOIN, &Plan::default(), &log_of_siblings(v041::run)));
    }
}
