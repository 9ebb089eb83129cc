//! A conversation with the adapter, as the tests have it.

use serde_json::{json, Value};
use steno_schedules::adapter::Adapter;

/// A saga of actions: their names, the edges between them, and which of them have no undo.
pub struct Saga {
    pub actions: &'static [&'static str],
    pub edges: &'static [(&'static str, &'static str)],
    pub without_undo: &'static [&'static str],
}

/// Two nodes in parallel, and one after both.
pub const JOIN: Saga = Saga { actions: &["a", "b", "c"], edges: &[("a", "c"), ("b", "c")], without_undo: &[] };

impl Saga {
    /// The message that loads it. The edges of the start come first, then those given, then those into the end.
    pub fn load(&self) -> Value {
        let mut labels = vec!["start"];
        labels.extend(self.actions);
        labels.push("end");
        let index = |name: &str| labels.iter().position(|label| *label == name).expect("a node of the saga");
        let first = self.actions.iter().filter(|name| self.edges.iter().all(|(_, to)| to != *name));
        let last = self.actions.iter().filter(|name| self.edges.iter().all(|(from, _)| from != *name));
        let mut edges: Vec<_> = first.map(|name| ("start", *name)).collect();
        edges.extend(self.edges);
        edges.extend(last.map(|name| (*name, "end")));
        let edges: Vec<_> = edges.iter().map(|(from, to)| json!([index(from), index(to), null])).collect();
        let mut nodes = vec![json!({"Start": {"params": null}})];
        let action = |name: &&str| json!({"Action": {"name": name, "label": name, "action_name": name}});
        nodes.extend(self.actions.iter().map(action));
        nodes.push(json!("End"));
        let is_action: Vec<_> = labels.iter().map(|label| self.actions.contains(label)).collect();
        let has_undo: Vec<_> =
            labels.iter().map(|label| self.actions.contains(label) && !self.without_undo.contains(label)).collect();
        let document = json!({
            "saga_name": "saga",
            "start_node": 0,
            "end_node": labels.len() - 1,
            "graph": {"nodes": nodes, "node_holes": [], "edge_property": "directed", "edges": edges},
        });
        load(document, &labels, &is_action, &has_undo)
    }
}

/// The message that loads a saga of which every action may fail.
pub fn load(document: Value, labels: &[&str], is_action: &[bool], has_undo: &[bool]) -> Value {
    let predicates =
        json!({"is_action": is_action, "has_undo": has_undo, "may_fail": is_action, "may_fail_undo": has_undo});
    json!({
        "command": "load",
        "document": document,
        "labels": labels,
        "relations": {},
        "predicates": predicates,
        "environment": {},
    })
}

/// A conversation in which a saga is loaded.
pub struct Talk {
    adapter: Adapter,
    /// The last reply.
    pub reply: Value,
}

impl Talk {
    pub fn about(saga: &Saga) -> Talk {
        Talk::with(&saga.load())
    }

    pub fn with(load: &Value) -> Talk {
        let mut talk = Talk { adapter: Adapter::default(), reply: Value::Null };
        talk.say(load);
        talk
    }

    fn say(&mut self, message: &Value) {
        let (reply, _) = self.adapter.ask(&message.to_string());
        self.reply = serde_json::from_str(&reply).expect("a reply is JSON");
        assert_eq!(self.reply.get("error"), None, "after {message}");
    }

    /// Asks for a step, written as `crash` or `fail(a)`; returns the outcome.
    pub fn ask(&mut self, step: &str) -> String {
        let (name, node) = match step.strip_suffix(')').and_then(|step| step.split_once('(')) {
            Some((name, node)) => (name, Some(node)),
            None => (step, None),
        };
        self.say(&json!({"command": "step", "step": name, "node": node}));
        self.reply["outcome"].as_str().expect("an outcome").to_owned()
    }

    /// Takes steps, separated by spaces, each of which must be on offer.
    pub fn take(&mut self, steps: &str) {
        for step in steps.split_whitespace() {
            let offers = self.offers();
            assert!(offers.iter().any(|offer| offer == step), "{step} is not among {offers:?}");
            assert_eq!(self.ask(step), "taken", "{step}");
        }
    }

    /// The steps on offer, written like those asked for.
    pub fn offers(&self) -> Vec<String> {
        let offers = self.reply["offers"].as_array().expect("a list of offers");
        let name = |offer: &Value| offer["step"].as_str().expect("a step has a name").to_owned();
        offers
            .iter()
            .map(|offer| match offer["node"].as_str() {
                Some(node) => format!("{}({node})", name(offer)),
                None => name(offer),
            })
            .collect()
    }

    /// A variable of the whole.
    pub fn seen(&self, variable: &str) -> &Value {
        &self.reply["state"][variable]
    }

    /// A variable of a node.
    pub fn seen_of(&self, variable: &str, node: &str) -> &Value {
        &self.reply["state"][variable][node]
    }
}
