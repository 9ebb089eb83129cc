//! `could not determine state` (R3): a query in the moment in which the loop has taken a task out of its set and has not
//! propagated its completion yet. Executed with steno 0.4.1, through its public interface, on one thread.
//!
//! Between the two (lines 969 and 980 of `saga_exec.rs`) the loop only awaits the worker's task, which has ended, so
//! one saga alone never comes to a stop there. But all sagas of a `SecClient` share one task, and with it tokio's budget
//! of a poll: when another saga of that client has used it up, the loop has to wait, and a query that is queued for the
//! lock gets it. Saga 2 does that here on purpose, in its write of the durable log; a store that does much work in one
//! poll does it by chance.

use std::collections::BTreeMap;
use std::future::{poll_fn, Future};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use serde_json::{json, Value};
use steno041::{
    sec, Action, ActionContext, ActionError, ActionFunc, ActionRegistry, DagBuilder, Node, SagaCachedState,
    SagaCreateParams, SagaDag, SagaId, SagaName, SagaNodeEvent, SagaType, SecClient, SecStore,
};
use tokio::sync::oneshot;

const UNDER_TEST: u32 = 1;
const NEIGHBOUR: u32 = 2;

#[derive(Debug, Default)]
struct Held {
    /// The writes of the saga under test that wait to be let go.
    writes: BTreeMap<(u32, &'static str), oneshot::Sender<()>>,
    neighbour: Option<Waker>,
    /// Whether the neighbour uses up the budget when it is polled.
    greedy: bool,
}

#[derive(Debug, Default)]
struct Store(Mutex<Held>);

impl Store {
    /// The neighbour's write: it never ends. Greedy, it is polled three times, and uses up the budget at the last.
    fn poll_neighbour(&self, polls: &mut u32, context: &mut Context<'_>) -> Poll<()> {
        let mut held = self.0.lock().unwrap();
        if !held.greedy {
            held.neighbour = Some(context.waker().clone());
            return Poll::Pending;
        }
        *polls += 1;
        if *polls < 3 {
            context.waker().wake_by_ref();
        } else if *polls == 3 {
            while pin!(tokio::task::consume_budget()).poll(context).is_ready() {}
        }
        Poll::Pending
    }
}

#[async_trait::async_trait]
impl SecStore for Store {
    async fn saga_create(&self, _: SagaCreateParams) -> anyhow::Result<()> {
        unreachable!("every saga is taken up with a log, if only an empty one")
    }

    async fn record_event(&self, event: SagaNodeEvent) {
        if event.saga_id == saga(NEIGHBOUR) {
            let mut polls = 0;
            poll_fn(|context| self.poll_neighbour(&mut polls, context)).await;
        }
        let (let_go, held) = oneshot::channel();
        let write = (event.node_id.into(), event.event_type.label());
        self.0.lock().unwrap().writes.insert(write, let_go);
        held.await.expect("whoever lets it go says so");
    }

    async fn saga_update(&self, _: SagaId, _: SagaCachedState) {}
}

#[derive(Debug)]
struct Plain;

impl SagaType for Plain {
    type ExecContextType = ();
}

async fn act(_: ActionContext<Plain>) -> Result<(), ActionError> {
    Ok(())
}

async fn undo(_: ActionContext<Plain>) -> anyhow::Result<()> {
    Ok(())
}

fn saga(number: u32) -> SagaId {
    serde_json::from_value(json!(format!("5a6a0000-0000-4000-8000-00000000000{number}"))).expect("a UUID")
}

async fn begin(client: &SecClient, number: u32) {
    let action: Arc<dyn Action<Plain>> = ActionFunc::new_action("act", act, undo);
    let mut builder = DagBuilder::new(SagaName::new("saga"));
    builder.append_parallel(vec![Node::action("a", "a", &*action), Node::action("b", "b", &*action)]);
    builder.append(Node::action("c", "c", &*action));
    let dag = SagaDag::new(builder.build().expect("a saga that steno can build"), Value::Null);
    let mut registry = ActionRegistry::new();
    registry.register(action);
    let stored = serde_json::to_value(dag).expect("a saga can be stored");
    let result = client.saga_resume(saga(number), Arc::new(()), stored, Arc::new(registry), vec![]).await;
    client.saga_start(saga(number)).await.expect("a saga that was taken up can be started");
    tokio::spawn(result.expect("an empty log is legal"));
    idle().await;
}

/// The clock stands still while anything can happen, so this comes back when nothing can.
async fn idle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Lets the first write go that is held, and with it, if asked to, the neighbour.
async fn land(store: &Store, with_neighbour: bool) {
    {
        let mut held = store.0.lock().unwrap();
        let (_, let_go) = held.writes.pop_first().expect("a write is held");
        let_go.send(()).expect("it waits");
        if with_neighbour {
            held.greedy = true;
            held.neighbour.take().expect("the neighbour writes").wake();
        }
    }
    idle().await;
}

/// Whether a query is answered that is asked while the last of two successes is written. Before that: `started` and
/// `succeeded` of start, `started` of a and b, and of the first of the two `succeeded`, whose report the loop takes
/// when the lock is free.
fn is_answered(with_neighbour: bool) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime with one thread").block_on(async {
        let store = Arc::new(Store::default());
        let client =
            Arc::new(sec(slog::Logger::root(slog::Discard, slog::o!()), Arc::clone(&store) as Arc<dyn SecStore>));
        begin(&client, UNDER_TEST).await;
        begin(&client, NEIGHBOUR).await;
        for _ in 0..5 {
            land(&store, false).await;
        }
        // The client must outlive the query: without one, steno's coordinator spins in its loop (sec.rs).
        let asking = Arc::clone(&client);
        let query = tokio::spawn(async move { asking.saga_get(saga(UNDER_TEST)).await.is_ok() });
        idle().await;
        assert!(!query.is_finished(), "the lock is held while the write is pending");
        land(&store, with_neighbour).await;
        query.is_finished() && query.await.is_ok_and(|answered| answered)
    })
}

#[test]
fn v041_answers_a_query_that_one_saga_alone_makes_wait() {
    assert!(is_answered(false));
}

#[test]
fn v041_panics_when_another_saga_has_used_up_the_poll() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (place, otherwise) = (Arc::clone(&seen), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |info| {
        let at = info.location().map(|place| (place.file().to_owned(), place.line()));
        place.lock().unwrap().extend(at);
    }));
    let answered = is_answered(true);
    std::panic::set_hook(otherwise);
    assert!(!answered);
    let (file, line) = seen.lock().unwrap().first().cloned().expect("a panic");
    assert!(file.ends_with("saga_exec.rs"), "{file}");
    assert_eq!(line, 1610);
}
