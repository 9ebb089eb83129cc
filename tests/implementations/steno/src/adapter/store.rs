//! steno's store: it takes every write, and each is pending until it is let go.

use std::sync::Arc;

use steno041::{SagaCachedState, SagaCreateParams, SagaId, SagaNodeEvent, SecStore};

use super::world::World;

/// The steps that make the cached state of the saga durable.
pub const UNWINDING: &str = "unwinding_lands";
pub const DONE: &str = "done_lands";

#[derive(Debug)]
pub struct Store(pub Arc<World>);

#[async_trait::async_trait]
impl SecStore for Store {
    async fn saga_create(&self, _: SagaCreateParams) -> anyhow::Result<()> {
        unreachable!("every saga is taken up with a log, if only an empty one")
    }

    async fn record_event(&self, event: SagaNodeEvent) {
        self.0.append(event).await;
    }

    async fn saga_update(&self, _: SagaId, state: SagaCachedState) {
        let step = match state {
            SagaCachedState::Unwinding => UNWINDING,
            SagaCachedState::Done => DONE,
            SagaCachedState::Running => unreachable!("steno writes that state with saga_create only"),
        };
        self.0.held((step, None)).await;
    }
}
