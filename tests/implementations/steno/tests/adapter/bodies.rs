//! What actions and undo actions offer.

use serde_json::{json, Value};

use crate::talk::{self, Saga, Talk, JOIN};
use crate::{BOTH_RUN, C_FAILS};

#[test]
fn an_action_succeeds_once_its_effect_stands_and_leaves_none_when_it_fails() {
    let mut talk = Talk::about(&JOIN);
    talk.take("start_lands(start) success_lands(start) start_lands(b)");
    assert!(talk.offers().contains(&"take_effect(b)".to_owned()));
    assert!(!talk.offers().contains(&"succeed(b)".to_owned()));
    talk.take("take_effect(b)");
    assert!(talk.offers().contains(&"succeed(b)".to_owned()));
    assert_eq!(talk.seen_of("effect", "b"), true);
    talk.take("fail(b)");
    assert_eq!(talk.seen_of("effect", "b"), false);
}

#[test]
fn an_action_that_breaks_the_contract_leaves_its_effect_when_it_fails() {
    let mut load = JOIN.load();
    load["environment"]["contract"] = "dropped".into();
    let mut talk = Talk::with(&load);
    talk.take("start_lands(start) success_lands(start) start_lands(b) take_effect(b) fail(b)");
    assert_eq!(talk.seen_of("effect", "b"), true);
}

#[test]
fn an_undo_action_succeeds_once_the_effect_is_gone_and_fails_only_before() {
    let mut talk = Talk::about(&JOIN);
    talk.take(BOTH_RUN);
    talk.take(C_FAILS);
    talk.take("undo_start_lands(b)");
    let of_b = |talk: &Talk| talk.offers().into_iter().filter(|offer| offer.ends_with("(b)")).collect::<Vec<_>>();
    assert_eq!(of_b(&talk), ["fail_undo(b)", "remove_effect(b)"]);
    talk.take("remove_effect(b)");
    assert_eq!(of_b(&talk), ["succeed_undo(b)"]);
    assert_eq!(talk.seen_of("undo_work", "b"), "RUN");
    assert_eq!(talk.seen_of("undo_runs", "b"), "ONCE");
}

#[test]
fn an_undo_action_that_is_not_there_is_not_held() {
    let mut talk = Talk::about(&Saga { actions: &["a", "b"], edges: &[("a", "b")], without_undo: &["a"] });
    let unheld = json!({"step": "succeed_undo", "node": "a"});
    assert!(talk.reply["internal"].as_array().is_some_and(|internal| internal.contains(&unheld)));
    talk.take("start_lands(start) success_lands(start) start_lands(a) succeed(a) success_lands(a)");
    talk.take("start_lands(b) fail(b) failure_lands(b) unwinding_lands undo_start_lands(a) undo_success_lands(a)");
    assert_eq!(talk.seen_of("log", "a"), "UNDO_FINISHED");
}

#[test]
fn a_subsaga_runs_and_nobody_holds_its_brackets() {
    let document = json!({
        "saga_name": "outer", "start_node": 0, "end_node": 5,
        "graph": {
            "nodes": [
                {"Start": {"params": null}},
                {"Constant": {"name": "params", "value": null}},
                {"SubsagaStart": {"saga_name": "inner", "params_node_name": "params"}},
                {"Action": {"name": "a", "label": "a", "action_name": "a"}},
                {"SubsagaEnd": {"name": "inner"}},
                "End",
            ],
            "node_holes": [], "edge_property": "directed",
            "edges": [[0, 1, null], [1, 2, null], [2, 3, null], [3, 4, null], [4, 5, null]],
        },
    });
    let labels = ["start", "params", "open", "a", "close", "end"];
    let only_a = labels.map(|label| label == "a");
    let mut talk = Talk::with(&talk::load(document, &labels, &only_a, &only_a));
    for label in ["start", "params", "open"] {
        talk.take(&format!("start_lands({label}) success_lands({label})"));
    }
    talk.take("start_lands(a) take_effect(a) succeed(a) success_lands(a)");
    talk.take("start_lands(close) success_lands(close) start_lands(end) success_lands(end) done_lands");
    assert_eq!(talk.seen("pc"), "REST");
    assert_eq!(talk.seen_of("runs", "open"), &Value::Null);
}
