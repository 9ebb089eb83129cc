//! A process: a runtime and a client of steno, which live until a crash.
//!
//! The runtime has one thread, and a clock that stands still while anything can happen. A sleep therefore ends when
//! every task is held, waits for something that is held, or is finished, and it takes no time.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use steno041::{sec, SagaId, SagaNodeEvent, SagaResult, SagaStateView, SecClient, SecStore};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::saga::Saga;
use super::store::Store;
use super::world::World;
use crate::panics::heard;
use crate::Panic;

/// A process that has taken up a saga.
pub struct Process {
    client: Arc<SecClient>,
    /// Whoever waits for the saga, until it has ended.
    waiter: Option<JoinHandle<SagaResult>>,
    /// An observer that waits for the status.
    observer: Option<JoinHandle<Answer>>,
    /// The events in memory when the saga ended.
    result: Option<Vec<SagaNodeEvent>>,
    runtime: Runtime,
}

/// The status that an observer was given.
pub struct Answer {
    /// The events in memory.
    pub events: Vec<SagaNodeEvent>,
    /// Whether it was read under the lock, not from what steno keeps of a saga that has ended.
    pub locked: bool,
}

/// Why a process has not taken up a saga.
#[derive(Debug)]
pub enum Trouble {
    /// steno refused, and said why.
    Refused(String),
    Panicked(Panic),
}

impl Process {
    /// Takes up a saga from the durable log (empty for a new one), up to where steno says that it can be started.
    pub fn take_up(saga: &Saga, world: &Arc<World>) -> Result<Process, Trouble> {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime with one thread");
        let store = Arc::new(Store(Arc::clone(world))) as Arc<dyn SecStore>;
        let (document, registry) = (saga.document.clone(), Arc::new(saga.registry(world)));
        let events = world.look().events.clone();
        let ((client, taken), panics) = heard(|| {
            runtime.block_on(async {
                let client = Arc::new(sec(slog::Logger::root(slog::Discard, slog::o!()), store));
                let asking = Arc::clone(&client);
                let asked = tokio::spawn(async move {
                    asking.saga_resume(saga_id(), Arc::new(()), document, registry, events).await
                });
                (client, asked.await)
            })
        });
        if let Some(panic) = panics.into_iter().next() {
            return Err(Trouble::Panicked(panic));
        }
        match taken.expect("who asked has not panicked") {
            Err(refusal) => Err(Trouble::Refused(format!("{refusal:#}"))),
            Ok(ending) => {
                let starting = Arc::clone(&client);
                let waiter = runtime.spawn(async move {
                    starting.saga_start(saga_id()).await.expect("a saga that was taken up can be started");
                    ending.await
                });
                Ok(Process { client, waiter: Some(waiter), observer: None, result: None, runtime })
            }
        }
    }

    /// Runs until nothing more happens; returns the first panic on the way.
    pub fn run_until_idle(&mut self) -> Option<Panic> {
        let ((), panics) = heard(|| self.runtime.block_on(async { sleep(Duration::from_millis(1)).await }));
        if panics.is_empty() {
            if let Some(result) = self.now(|process| &mut process.waiter) {
                self.result = Some(result.saga_log.events().to_vec());
            }
        }
        panics.into_iter().next()
    }

    /// An observer asks for the status.
    pub fn ask_status(&mut self) {
        let client = Arc::clone(&self.client);
        self.observer = Some(self.runtime.spawn(async move {
            let view = client.saga_get(saga_id()).await.expect("steno knows the saga that it runs");
            Answer {
                events: view.state.status().log().events().to_vec(),
                locked: !matches!(view.state, SagaStateView::Done { .. }),
            }
        }));
    }

    /// What the observer was told, once.
    pub fn answer(&mut self) -> Option<Answer> {
        self.now(|process| &mut process.observer)
    }

    /// Whether an observer waits for the status.
    pub fn is_asked(&self) -> bool {
        self.observer.is_some()
    }

    /// The events in memory when the saga ended, if it has.
    pub fn result(&self) -> Option<&[SagaNodeEvent]> {
        self.result.as_deref()
    }

    /// How many tasks of steno there are beside the one that runs all sagas: its workers.
    pub fn workers(&self) -> usize {
        let ours = usize::from(self.waiter.is_some()) + usize::from(self.observer.is_some());
        self.runtime.metrics().num_alive_tasks() - ours - 1
    }

    /// What a task came to, if it is finished; then it is taken.
    fn now<T>(&mut self, task: impl Fn(&mut Process) -> &mut Option<JoinHandle<T>>) -> Option<T> {
        let finished = task(self).take_if(|task| task.is_finished())?;
        Some(self.runtime.block_on(finished).expect("a task of ours panics only if steno does"))
    }
}

/// Any will do, as long as every process means the same saga.
fn saga_id() -> SagaId {
    serde_json::from_value(json!("5a6a0000-0000-4000-8000-000000000001")).expect("a saga is named by a UUID")
}
