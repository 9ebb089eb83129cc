//! A conformance adapter to copy: `sagacheck conform --cmd target/debug/adapter`; docs/conformance.md explains it.
//! REPLACE marks what belongs to its example.

mod process;
mod tiny;

use process::{Outside, Process, EVENTS};
use serde_json::{json, Map, Value};
use std::io::{stdin, stdout, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

/// REPLACE: what it can do, where it can be held, what happens on its own, what can be seen.
fn hello() -> Value {
    let bodies = ["take_effect", "succeed", "fail", "remove_effect", "succeed_undo", "fail_undo"];
    let steps: Vec<&str> = EVENTS.iter().map(|e| e.2).chain(bodies).chain(["ask_status", "crash", "recover"]).collect();
    json!({"protocol": 1, "implementation": "tiny", "version": "1", "language": "Rust", "steps": steps,
        "capabilities": ["failure", "undo", "crash", "status", "start-records"],
        "internal": ["kick_off", "take_success", "take_failure", "take_undo_success", "take_undo_failure",
                     "unwinding_lands", "finish", "done_lands", "read_result"],
        "shows": ["pc", "panic", "lock", "log", "log_copy", "work", "undo_work", "effect", "runs", "undo_runs"]})
}

/// Answers messages. What is outside outlives a crash; the process does not.
#[derive(Default)]
struct Adapter {
    saga: Value,
    labels: Vec<String>,
    outside: Arc<Mutex<Outside>>,
    process: Option<Process>,
}

impl Adapter {
    fn answer(&mut self, message: Value) -> Value {
        match message["command"].as_str() {
            Some("hello") => hello(),
            Some("load") => self.load(message),
            Some("step") => self.step(message["step"].as_str().unwrap(), &message["node"]),
            _ => json!({"outcome": "taken"}),
        }
    }

    /// Begins with a new saga.
    fn load(&mut self, message: Value) -> Value {
        self.labels = serde_json::from_value(message["labels"].clone()).unwrap();
        self.saga = message;
        let (n, contract) = (self.labels.len(), self.saga["environment"]["contract"] != "dropped");
        self.process = None;
        self.outside =
            Arc::new(Mutex::new(Outside { log: vec![], effects: vec![false; n], runs: vec![[0; 2]; n], contract }));
        let several = |related: &Value| related.as_array().unwrap().len() > 1;
        let relations = ["parents", "children"].map(|name| self.saga["relations"][name].as_array().unwrap());
        if relations.into_iter().flatten().any(several) {
            return json!({"outcome": "not supported", "reason": "it runs chains only", "offers": [], "state": {}});
        }
        self.process = Some(Process::start(&self.outside));
        self.seen("taken")
    }

    /// Takes a step that is on offer.
    fn step(&mut self, step: &str, node: &Value) -> Value {
        if !self.offers().contains(&json!({"step": step, "node": node})) {
            return self.seen("refused");
        }
        match (step, &mut self.process) {
            ("ask_status", Some(process)) => drop(process.status.lock().unwrap().clone()), // REPLACE: your status query
            ("crash", _) => self.crash(),
            (_, None) => self.process = Some(Process::start(&self.outside)),
            (_, Some(process)) => process.take(step),
        }
        self.seen("taken")
    }

    /// The process is gone; a run counts from here on if its completion is durable. REPLACE: as yours dies.
    fn crash(&mut self) {
        self.process = None;
        let outside = &mut *self.outside.lock().unwrap();
        outside.runs.fill([0; 2]);
        for (n, event) in outside.log.iter().filter(|(_, event)| !event.ends_with("STARTED")) {
            outside.runs[*n][event.starts_with("UNDO") as usize] = 1;
        }
    }

    /// What can be asked for now.
    fn offers(&self) -> Vec<Value> {
        let Some(Process { held: (at, n), .. }) = &self.process else {
            return vec![json!({"step": "recover", "node": null})];
        };
        let stands = self.outside.lock().unwrap().effects[*n];
        let has = |predicate: &str| self.saga["predicates"][predicate][*n] == true;
        let steps = match *at {
            "rest" => vec![],
            "run" => vec![if stands || !has("has_undo") { "succeed" } else { "take_effect" }, "fail"],
            "undo_run" if stands => vec!["remove_effect", "fail_undo"],
            "undo_run" => vec!["succeed_undo"],
            lands => vec![lands],
        };
        let possible = |s: &&str| (*s != "fail" || has("may_fail")) && (*s != "fail_undo" || has("may_fail_undo"));
        let of_node = steps.into_iter().filter(possible).map(|s| json!({"step": s, "node": self.labels[*n]}));
        of_node.chain(["ask_status", "crash"].map(|s| json!({"step": s, "node": null}))).collect()
    }

    /// What is on offer, and what can be seen; leave out what cannot.
    fn seen(&self, outcome: &str) -> Value {
        let offers = self.offers();
        let outside = self.outside.lock().unwrap();
        let mut log = vec!["NEVER_STARTED"; self.labels.len()];
        for &(n, event) in &outside.log {
            log[n] = if EVENTS.iter().any(|e| (e.0, e.1) == (event, log[n])) { event } else { "ILLEGAL" };
        }
        let runs = |undo: usize| self.each(|n| ["NO", "ONCE", "TWICE"][outside.runs[n][undo].min(2)].into());
        let mut state = json!({"log": self.each(|n| log[n].into()), "effect": self.each(|n| outside.effects[n].into()),
            "runs": runs(0), "undo_runs": runs(1), "panic": "NONE", "lock": "FREE", "pc": "DOWN"}); // no assertions, no lock
        if let Some(Process { status, held: (at, held), .. }) = &self.process {
            let status = status.lock().unwrap();
            let landing = EVENTS.iter().find(|e| e.2 == *at).map(|e| e.3);
            let stage = if *at == "rest" { "NONE" } else { landing.unwrap_or("RUN") };
            let work = |of: bool| self.each(|n| if n == *held && of { stage } else { "NONE" }.into());
            state["pc"] = if *at == "rest" { "REST" } else { "RECEIVE" }.into();
            state["log_copy"] = self.each(|n| status[n].into());
            state["work"] = work(!at.starts_with("undo"));
            state["undo_work"] = work(at.starts_with("undo"));
        }
        json!({"outcome": outcome, "offers": offers, "state": state})
    }

    fn each(&self, value: impl Fn(usize) -> Value) -> Value {
        self.labels.iter().enumerate().map(|(n, label)| (label.clone(), value(n))).collect::<Map<_, _>>().into()
    }
}

/// Answers each line with a line; with an argument on a connection to the driver that waits at that HOST:PORT.
fn main() {
    let connection = std::env::args().nth(1).map(|address| TcpStream::connect(address).expect("a driver waits there"));
    let (lines, mut replies): (Box<dyn BufRead>, Box<dyn Write>) = match connection {
        Some(stream) => (Box::new(BufReader::new(stream.try_clone().unwrap())), Box::new(stream)),
        None => (Box::new(stdin().lock()), Box::new(stdout())),
    };
    let mut adapter = Adapter::default();
    for line in lines.lines() {
        let reply = adapter.answer(serde_json::from_str(&line.unwrap()).expect("a message is JSON"));
        replies.write_all(format!("{reply}\n").as_bytes()).unwrap();
        replies.flush().unwrap();
    }
}
