//! A process that runs a saga. Compiled once for each version of steno: `super::steno` says which.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{json, Value};
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::steno::{
    sec, Action, ActionContext, ActionError, ActionFunc, ActionRegistry, DagBuilder, Node, SagaCachedState,
    SagaCreateParams, SagaDag, SagaId, SagaName, SagaNodeEvent, SagaResult, SagaType, SecClient, SecStore,
};
use crate::panics::heard;
use crate::{Answer, End, Ended, Event, Plan, Saga};

/// Takes up `saga` with the durable log `log` and runs it as far as it gets. If it comes to no end, the process dies.
pub fn run(saga: &Saga, plan: &Plan, log: &[Event]) -> Ended {
    let stored = stored(saga);
    let store = Arc::new(Store {
        nodes: nodes(saga, &stored),
        log: Mutex::new(log.to_vec()),
        plan: plan.clone(),
        writing_done: watch::Sender::new(false),
    });
    let ((end, answers, observed), panics) = heard(|| {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime with one thread").block_on(live(stored, plan, Arc::clone(&store)))
    });
    let log = store.log.lock().unwrap().clone();
    Ended { end, log, panics, answers, observed }
}

async fn live(stored: Value, plan: &Plan, store: Arc<Store>) -> (End, bool, Vec<Answer>) {
    let client = Arc::new(sec(slog::Logger::root(slog::Discard, slog::o!()), Arc::clone(&store) as Arc<dyn SecStore>));
    let observers: Vec<_> = (0..plan.observers)
        .map(|_| tokio::spawn(observe(Arc::clone(&client), store.writing_done.subscribe())))
        .collect();
    let log = store.events();
    let waiter = tokio::spawn(wait_for(Arc::clone(&client), stored, Arc::new(plan.clone()), log));
    nothing_more_happens().await;

    let end = if waiter.is_finished() { waiter.await.unwrap_or(End::Panicked) } else { End::Died };
    let mut observed = Vec::new();
    for observer in observers {
        observed.extend(now(observer).await);
    }
    let question = tokio::spawn(async move { client.saga_get(saga_id()).await.map(drop) });
    nothing_more_happens().await;
    (end, now(question).await.is_some(), observed)
}

/// The clock stands still while anything can happen, so this comes back when only the process's death can.
async fn nothing_more_happens() {
    sleep(Duration::from_secs(3600)).await;
}

/// What `task` came to, if it is not waiting for ever and did not panic.
async fn now<T>(task: JoinHandle<T>) -> Option<T> {
    if task.is_finished() {
        task.await.ok()
    } else {
        None
    }
}

async fn wait_for(client: Arc<SecClient>, stored: Value, plan: Arc<Plan>, log: Vec<SagaNodeEvent>) -> End {
    let mut registry = ActionRegistry::new();
    registry.register(action());
    match client.saga_resume(saga_id(), plan, stored, Arc::new(registry), log).await {
        Err(refusal) => End::Refused(format!("{refusal:#}")),
        Ok(result) => {
            client.saga_start(saga_id()).await.expect("a saga that was taken up can be started");
            end(result.await)
        }
    }
}

fn end(result: SagaResult) -> End {
    match result.kind {
        Ok(_) => End::Succeeded,
        Err(error) => match error.undo_failure {
            None => End::Undone(error.error_node_name.as_ref().to_owned()),
            Some((node, _)) => End::Stuck(node.as_ref().to_owned()),
        },
    }
}

/// Asks for the saga as soon as Done is being written.
async fn observe(client: Arc<SecClient>, mut writing_done: watch::Receiver<bool>) -> Answer {
    writing_done.wait_for(|writing| *writing).await.expect("the store outlives its observers");
    client.saga_get(saga_id()).await.expect("the saga is known");
    if *writing_done.borrow() {
        Answer::WhileDoneWasWritten
    } else {
        Answer::AfterDoneWasWritten
    }
}

/// Any will do, as long as every process means the same saga.
fn saga_id() -> SagaId {
    serde_json::from_value(json!("5a6a0000-0000-4000-8000-000000000001")).expect("a saga is named by a UUID")
}

// The saga: every node has the same action, and the plan says what it does.

#[derive(Debug)]
struct Planned;

impl SagaType for Planned {
    type ExecContextType = Plan;
}

fn action() -> Arc<dyn Action<Planned>> {
    ActionFunc::new_action("planned", act, undo)
}

async fn act(context: ActionContext<Planned>) -> Result<(), ActionError> {
    if context.user_data().fails.contains(&context.node_label().as_str()) {
        return Err(ActionError::action_failed(json!("as planned")));
    }
    Ok(())
}

async fn undo(context: ActionContext<Planned>) -> anyhow::Result<()> {
    let (plan, node) = (context.user_data(), context.node_label());
    if let Some((_, seconds)) = plan.undo_takes.iter().find(|(name, _)| *name == node) {
        sleep(Duration::from_secs(*seconds)).await;
    }
    anyhow::ensure!(!plan.undo_fails.contains(&node.as_str()), "as planned");
    Ok(())
}

fn dag(saga: &Saga) -> SagaDag {
    let mut builder = DagBuilder::new(SagaName::new("saga"));
    for stage in saga.stages {
        builder.append_parallel(stage.iter().map(|name| Node::action(*name, *name, &*action())).collect());
    }
    SagaDag::new(builder.build().expect("a saga that steno can build"), Value::Null)
}

fn index(dag: &SagaDag, node: &str) -> usize {
    dag.get_index(node).expect("a node of the saga").index()
}

/// The saga as it is stored, which is how recovery takes it.
fn stored(saga: &Saga) -> Value {
    let dag = dag(saga);
    let mut stored = serde_json::to_value(&dag).expect("a saga can be stored");
    if let Some(edge) = saga.edge {
        let edges = stored["graph"]["edges"].as_array_mut().expect("a stored graph has a list of edges");
        edges.insert(edge.place, json!([index(&dag, edge.from), index(&dag, edge.to), null]));
    }
    stored
}

/// The names of the nodes, as the durable log numbers them.
fn nodes(saga: &Saga, stored: &Value) -> BTreeMap<u64, String> {
    let dag = dag(saga);
    let ends = [("start", "start_node"), ("end", "end_node")];
    let ends = ends.map(|(name, key)| (stored[key].as_u64().expect("a stored saga names its ends"), name.to_owned()));
    let named = saga.stages.iter().copied().flatten().map(|name| (index(&dag, name) as u64, (*name).to_owned()));
    ends.into_iter().chain(named).collect()
}

// The store.

#[derive(Debug)]
struct Store {
    nodes: BTreeMap<u64, String>,
    log: Mutex<Vec<Event>>,
    plan: Plan,
    writing_done: watch::Sender<bool>,
}

impl Store {
    /// The durable log, as steno wants it for recovery.
    fn events(&self) -> Vec<SagaNodeEvent> {
        let log = self.log.lock().unwrap();
        let events = log.iter().map(|event| serde_json::from_value(event.stored.clone()));
        events.collect::<Result<_, _>>().expect("what was stored can be read")
    }
}

#[async_trait::async_trait]
impl SecStore for Store {
    async fn saga_create(&self, _: SagaCreateParams) -> anyhow::Result<()> {
        unreachable!("every saga is taken up with a log, if only an empty one")
    }

    async fn record_event(&self, event: SagaNodeEvent) {
        let kind = event.event_type.label().to_owned();
        let stored = serde_json::to_value(&event).expect("an event can be stored");
        let node = self.nodes[&stored["node_id"].as_u64().expect("nodes are numbered")].clone();
        if self.plan.unwritten.contains(&(&node, &kind)) {
            std::future::pending::<()>().await;
        }
        self.log.lock().unwrap().push(Event { node, kind, stored });
    }

    async fn saga_update(&self, _: SagaId, state: SagaCachedState) {
        if state == SagaCachedState::Done && self.plan.observers > 0 {
            self.writing_done.send_replace(true);
            sleep(Duration::from_secs(1)).await;
            self.writing_done.send_replace(false);
        }
    }
}
