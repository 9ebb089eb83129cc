//! What is no message, and what a conversation is like.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{json, Value};
use steno_schedules::adapter::Adapter;

use crate::talk::{Talk, JOIN};

/// What the program replies to these lines, and its exit code.
fn said(lines: &[u8]) -> (Vec<Value>, i32) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_steno-adapter"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    program.stdin.take().expect("a pipe").write_all(lines).expect("the program reads, or has replied");
    let output = program.wait_with_output().expect("the program ends");
    let lines = String::from_utf8(output.stdout).expect("replies are text");
    let replies = lines.lines().map(|line| serde_json::from_str(line).expect("a reply is JSON")).collect();
    (replies, output.status.code().expect("the program ends on its own"))
}

fn lines(messages: &[Value]) -> Vec<u8> {
    messages.iter().map(|message| format!("{message}\n")).collect::<String>().into_bytes()
}

fn assert_refused(messages: &[u8], part: &str) {
    let (replies, code) = said(messages);
    let error = replies.last().and_then(|reply| reply["error"].as_str()).unwrap_or_else(|| panic!("{replies:?}"));
    assert!(error.contains(part), "{error}");
    assert_eq!(code, 2);
}

#[test]
fn a_conversation_ends_well() {
    let hello = json!({"command": "hello", "protocol": 1});
    let step = json!({"command": "step", "step": "start_lands", "node": "start"});
    let (replies, code) = said(&lines(&[hello, JOIN.load(), step, json!({"command": "end"})]));
    assert_eq!(replies[0]["protocol"], 1);
    assert_eq!(replies[0]["version"], "0.4.1");
    assert_eq!(replies[1]["outcome"], "taken");
    assert_eq!(replies[2]["state"]["log"]["start"], "STARTED");
    assert_eq!((&replies[3], code), (&json!({"outcome": "taken"}), 0));
}

#[test]
fn what_is_no_message_ends_the_conversation_with_an_error() {
    assert_refused(b"{\n", "this is no message");
    assert_refused(b"\xff\n", "this is no message");
    assert_refused(&lines(&[json!({"command": "go"})]), "go");
    assert_refused(&lines(&[json!({"command": "step", "step": "crash", "node": null})]), "before a saga is loaded");
    let nobody = json!({"command": "step", "step": "fail", "node": "nobody"});
    assert_refused(&lines(&[JOIN.load(), nobody]), "no node \"nobody\"");
}

#[test]
fn a_load_that_does_not_fit_together_ends_the_conversation_with_an_error() {
    let changed = |change: fn(&mut Value)| {
        let mut load = JOIN.load();
        change(&mut load);
        lines(&[load])
    };
    assert_refused(&changed(|load| load["document"] = Value::Null), "no saga of steno");
    assert_refused(&changed(|load| load["labels"] = json!(["start"])), "1 labels for 5 nodes");
    assert_refused(&changed(|load| load["labels"][1] = json!("b")), "\"b\" twice");
    assert_refused(&changed(|load| load["predicates"]["may_fail"] = json!([])), "0 values of may_fail");
    assert_refused(&changed(|load| load["document"]["end_node"] = json!("x")), "steno cannot read");
}

#[test]
fn a_saga_that_steno_cannot_have_is_not_supported() {
    let mut load = JOIN.load();
    let edges = load["document"]["graph"]["edges"].as_array_mut().expect("a list of edges");
    edges.push(json!([1, 4, null]));
    let talk = Talk::with(&load);
    assert_eq!(talk.reply["outcome"], "not supported");
    let reason = talk.reply["reason"].as_str().expect("a reason");
    assert!(reason.contains("expected saga to end with exactly one node"), "{reason}");
}

#[test]
fn a_step_that_is_not_on_offer_is_refused_and_nothing_is_done() {
    let mut talk = Talk::about(&JOIN);
    let before = talk.reply["state"].clone();
    for step in ["fail(a)", "start_lands(b)", "recover", "no_such_step"] {
        assert_eq!(talk.ask(step), "refused");
        assert_eq!(talk.reply["state"], before);
    }
}

/// The next of a sequence of numbers that looks like chance.
fn next(seed: &mut u64) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) as usize
}

#[test]
fn the_same_messages_have_the_same_replies() {
    let mut adapter = Adapter::default();
    let mut conversation = Vec::new();
    let mut seed = 1;
    for _ in 0..30 {
        let mut message = JOIN.load().to_string();
        for _ in 0..60 {
            let (reply, goes_on) = adapter.ask(&message);
            assert!(goes_on, "{reply}");
            let offers = serde_json::from_str::<Value>(&reply).expect("a reply is JSON")["offers"].take();
            conversation.push((message, reply));
            let Some(offers) = offers.as_array().filter(|offers| !offers.is_empty()) else { break };
            let offer = &offers[next(&mut seed) % offers.len()];
            message = json!({"command": "step", "step": offer["step"], "node": offer["node"]}).to_string();
        }
    }
    assert!(conversation.len() > 1000, "the walks are too short to say anything");
    let mut again = Adapter::default();
    for (message, reply) in &conversation {
        assert_eq!(again.ask(message).0, *reply);
    }
}
