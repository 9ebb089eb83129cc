//! Sagas, plans, events, ends: the same for every version of steno.

use std::fmt;

use serde_json::Value;

use crate::Panic;

/// A saga in stages: the nodes of a stage run in parallel, after all of the stage before.
#[derive(Clone, Debug, Default)]
pub struct Saga {
    pub stages: &'static [&'static [&'static str]],
    /// An edge that the builder of steno would not make, put into the stored form of the saga.
    pub edge: Option<Edge>,
}

/// An edge, and its place in the list of edges, in which a newer edge comes after an older one.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    pub from: &'static str,
    pub to: &'static str,
    pub place: usize,
}

/// What a process meets on its way.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The nodes whose action fails.
    pub fails: &'static [&'static str],
    /// The nodes whose undo action fails.
    pub undo_fails: &'static [&'static str],
    /// How many seconds an undo action takes, if not none at all.
    pub undo_takes: &'static [(&'static str, u64)],
    /// The events, as node and kind, whose write the process does not live to see: they never become durable, and
    /// whoever waits for the write waits until the process dies.
    pub unwritten: &'static [(&'static str, &'static str)],
    /// How many observers ask for the saga while the cached state Done is being written, which takes a second.
    pub observers: usize,
}

/// An event of the durable log.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub node: String,
    /// The name that steno gives it when it is stored: `started`, `undo_failed`, ...
    pub kind: String,
    /// As it is stored.
    pub stored: Value,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.kind, self.node)
    }
}

/// How a process ended, and what it left.
#[derive(Clone, Debug)]
pub struct Ended {
    pub end: End,
    /// All of the durable log: what the process began from and what it added.
    pub log: Vec<Event>,
    /// Every panic in the process, the oldest first.
    pub panics: Vec<Panic>,
    /// Whether the task that runs all sagas of the process still answers.
    pub answers: bool,
    /// When each observer had its answer.
    pub observed: Vec<Answer>,
}

impl Ended {
    /// The events of the durable log after the first `count`, in words.
    pub fn events_after(&self, count: usize) -> Vec<String> {
        self.log[count..].iter().map(Event::to_string).collect()
    }
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It did not take up the saga: recovery refused the log, and said why.
    Refused(String),
    /// Whoever waited for the saga met a panic.
    Panicked,
    /// It died before the saga was at an end.
    Died,
    /// The saga succeeded.
    Succeeded,
    /// The saga was undone, because of the failure of this node.
    Undone(String),
    /// The saga is stuck, because the undo action of this node failed.
    Stuck(String),
}

/// When an observer had its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    WhileDoneWasWritten,
    AfterDoneWasWritten,
}

/// A process that takes up a saga with a durable log (empty for a new one) and runs it as far as it gets: `run` of
/// [`crate::v041`] or [`crate::v050`].
pub type Process = fn(&Saga, &Plan, &[Event]) -> Ended;
