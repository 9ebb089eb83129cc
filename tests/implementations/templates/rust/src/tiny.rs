//! The example: an executor of chains, one node after the other. Your own executor stands in its place.

use std::sync::{Arc, Mutex};

/// What the executor needs: a durable log, and actions.
pub trait World {
    /// Makes an event durable.
    fn write(&self, node: usize, event: &'static str);
    /// Runs the action, or undo action; whether it succeeded.
    fn act(&self, node: usize, undo: bool) -> bool;
}

pub struct Tiny<W> {
    pub world: W,
    /// Memory: the last event of each node, rebuilt from the durable log.
    pub status: Arc<Mutex<Vec<&'static str>>>,
}

impl<W: World> Tiny<W> {
    /// Goes forward until an action fails, and then back until an undo action fails.
    pub fn run(&self) {
        let nodes = self.status.lock().unwrap().len();
        for n in 0..nodes {
            if ["NEVER_STARTED", "STARTED"].contains(&self.status(n)) {
                self.one(n, "STARTED", "SUCCEEDED", "FAILED");
            }
            if self.status(n) != "SUCCEEDED" {
                break;
            }
        }
        if self.status(nodes - 1) == "SUCCEEDED" {
            return;
        }
        for n in (0..nodes).rev() {
            if ["SUCCEEDED", "UNDO_STARTED"].contains(&self.status(n)) {
                self.one(n, "UNDO_STARTED", "UNDO_FINISHED", "UNDO_FAILED");
            }
            if self.status(n) == "UNDO_FAILED" {
                return;
            }
        }
    }

    fn one(&self, n: usize, start: &'static str, success: &'static str, failure: &'static str) {
        if self.status(n) != start {
            self.record(n, start);
            self.world.write(n, start);
        }
        let end = if self.world.act(n, start == "UNDO_STARTED") { success } else { failure };
        self.world.write(n, end);
        self.record(n, end);
    }

    fn status(&self, n: usize) -> &'static str {
        self.status.lock().unwrap()[n]
    }

    fn record(&self, n: usize, event: &'static str) {
        self.status.lock().unwrap()[n] = event;
    }
}
