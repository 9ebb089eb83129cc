//! The saga that is run: its document as steno takes it, and its actions.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::{json, Value};
use steno041::{
    Action, ActionContext, ActionError, ActionName, ActionRegistry, ActionResult, SagaDag, SagaType, UndoResult,
};

use super::event::Job;
use super::message::Load;
use super::world::World;

/// A saga, and what its actions may do; lists have an item for each node.
#[derive(Debug)]
pub struct Saga {
    /// As it is stored, with an action of its own for every action node.
    pub document: Value,
    pub labels: Vec<String>,
    pub is_action: Vec<bool>,
    pub has_undo: Vec<bool>,
    pub may_fail: Vec<bool>,
    pub may_fail_undo: Vec<bool>,
    /// Whether an action that fails leaves no effect.
    pub contract: bool,
}

impl Saga {
    /// The saga of a message. The error is a sentence that says what is wrong with it.
    pub fn read(message: Load) -> Result<Saga, String> {
        let Load { mut document, labels, predicates, environment } = message;
        let Some(nodes) = document.pointer_mut("/graph/nodes").and_then(Value::as_array_mut) else {
            return Err("the document of load has no list graph.nodes, so it is no saga of steno".to_owned());
        };
        if nodes.len() != labels.len() {
            return Err(format!("load has {} labels for {} nodes", labels.len(), nodes.len()));
        }
        if let Some(label) = labels.iter().enumerate().find_map(|(n, l)| labels[..n].contains(l).then_some(l)) {
            return Err(format!("load has the label {label:?} twice"));
        }
        let is_action: Vec<_> = nodes.iter().map(|node| node.get("Action").is_some()).collect();
        for (name, truth) in predicates.lists() {
            if truth.len() != labels.len() {
                return Err(format!("load has {} values of {name} for {} nodes", truth.len(), labels.len()));
            }
        }
        for (n, node) in nodes.iter_mut().enumerate() {
            if let Some(action) = node.get_mut("Action").and_then(Value::as_object_mut) {
                action.insert("action_name".to_owned(), json!(n.to_string()));
            }
        }
        if let Err(error) = serde_json::from_value::<SagaDag>(document.clone()) {
            return Err(format!("steno cannot read the document of load: {error}"));
        }
        let contract = environment.get("contract").is_none_or(|contract| contract == "kept");
        let (has_undo, may_fail, may_fail_undo) = (predicates.has_undo, predicates.may_fail, predicates.may_fail_undo);
        Ok(Saga { document, labels, is_action, has_undo, may_fail, may_fail_undo, contract })
    }

    /// The actions, as steno looks them up.
    pub fn registry(&self, world: &Arc<World>) -> ActionRegistry<Told> {
        let mut registry = ActionRegistry::new();
        for node in (0..self.labels.len()).filter(|n| self.is_action[*n]) {
            registry.register(Arc::new(Body { node, has_undo: self.has_undo[node], world: Arc::clone(world) }));
        }
        registry
    }
}

/// Sagas whose actions do what they are told.
#[derive(Debug)]
pub struct Told;

impl SagaType for Told {
    type ExecContextType = ();
}

/// The action of a node, and its undo action. Without one, the undo does nothing: nobody holds it, and it succeeds.
#[derive(Debug)]
struct Body {
    node: usize,
    has_undo: bool,
    world: Arc<World>,
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl Action<Told> for Body {
    fn do_it(&self, _: ActionContext<Told>) -> BoxFuture<'_, ActionResult> {
        Box::pin(async {
            if self.world.told(self.node, Job::Do).await {
                Ok(Arc::new(Value::Null))
            } else {
                Err(ActionError::action_failed(json!("told to fail")))
            }
        })
    }

    fn undo_it(&self, _: ActionContext<Told>) -> BoxFuture<'_, UndoResult> {
        Box::pin(async {
            if self.has_undo {
                anyhow::ensure!(self.world.told(self.node, Job::Undo).await, "told to fail");
            } else {
                self.world.begin(self.node, Job::Undo);
            }
            Ok(())
        })
    }

    fn name(&self) -> ActionName {
        ActionName::new(self.node.to_string())
    }
}
