//! What outlives a process (the durable log, the effects of actions), how often actions have run, and what is held.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use steno041::SagaNodeEvent;
use tokio::sync::oneshot;

use super::event::{Job, Kind, NEVER_STARTED};
use super::Step;

/// The world around the executor, shared by the adapter with the store and the actions of the process.
#[derive(Debug)]
pub struct World(Mutex<Inner>);

/// Lists have an item for each node.
#[derive(Debug)]
pub struct Inner {
    /// The events that are durable, and what they say of each node.
    pub events: Vec<SagaNodeEvent>,
    pub log: Vec<&'static str>,
    /// Whether the effect of the action stands.
    pub effects: Vec<bool>,
    /// How often the action, and the undo action, has run since the last crash; a run whose completion was durable at
    /// the crash counts.
    pub runs: Vec<(u32, u32)>,
    /// The writes that are pending, by the step that makes them durable.
    pub writes: BTreeMap<Step, oneshot::Sender<()>>,
    /// The actions and undo actions that run, and wait to be told whether they succeed.
    pub bodies: BTreeMap<(usize, Job), oneshot::Sender<bool>>,
    /// The nodes of which an event was handed to the store since the adapter last emptied this.
    pub recorded: BTreeSet<usize>,
}

impl World {
    pub fn new(nodes: usize) -> World {
        World(Mutex::new(Inner {
            events: Vec::new(),
            log: vec![NEVER_STARTED; nodes],
            effects: vec![false; nodes],
            runs: vec![(0, 0); nodes],
            writes: BTreeMap::new(),
            bodies: BTreeMap::new(),
            recorded: BTreeSet::new(),
        }))
    }

    /// Everything; not to be kept over a point where the executor runs.
    pub fn look(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The store is asked to append an event, which it does when it is let.
    pub async fn append(&self, event: SagaNodeEvent) {
        let kind = Kind::of(&event.event_type);
        let node = u32::from(event.node_id) as usize;
        self.look().recorded.insert(node);
        self.held((kind.lands, Some(node))).await;
        let mut world = self.look();
        kind.follow(&mut world.log[node]);
        world.events.push(event);
    }

    /// A write waits until it is let go.
    pub async fn held(&self, step: Step) {
        let (let_go, going) = oneshot::channel();
        self.look().writes.insert(step, let_go);
        until(going).await;
    }

    /// An action or undo action begins to run, and waits until it is told whether it succeeds.
    pub async fn told(&self, node: usize, job: Job) -> bool {
        let (tell, told) = oneshot::channel();
        self.begin(node, job);
        self.look().bodies.insert((node, job), tell);
        until(told).await
    }

    /// An action or undo action begins to run.
    pub fn begin(&self, node: usize, job: Job) {
        let (runs, undo_runs) = &mut self.look().runs[node];
        *if job == Job::Do { runs } else { undo_runs } += 1;
    }

    /// The process is gone, and with it all that was pending.
    pub fn crash(&self) {
        let mut world = self.look();
        world.writes.clear();
        world.bodies.clear();
        let completed = |status: &&str| {
            let done = !matches!(*status, NEVER_STARTED | "STARTED");
            (u32::from(done), u32::from(matches!(*status, "UNDO_FINISHED" | "UNDO_FAILED")))
        };
        world.runs = world.log.iter().map(completed).collect();
    }
}

/// What is sent; for ever, if the sender is gone, which it is only in a process that is gone too.
async fn until<T>(sent: oneshot::Receiver<T>) -> T {
    match sent.await {
        Ok(value) => value,
        Err(_) => std::future::pending().await,
    }
}
