//! The process of the executor, which here is a thread: held where it writes to its durable log, which here is a
//! vector, and where an action does something. REPLACE marks what belongs to this example.

use crate::tiny::{Tiny, World}; // REPLACE: your executor; it needs a store and actions that the adapter can hold
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::{panic, thread};

/// REPLACE: the events of your log: what each comes after, the step in which it lands, and where its worker is before.
pub const EVENTS: [(&str, &str, &str, &str); 6] = [
    ("STARTED", "NEVER_STARTED", "start_lands", "WRITE_START"),
    ("SUCCEEDED", "STARTED", "success_lands", "WRITE_OK"),
    ("FAILED", "STARTED", "failure_lands", "WRITE_FAIL"),
    ("UNDO_STARTED", "SUCCEEDED", "undo_start_lands", "WRITE_START"),
    ("UNDO_FINISHED", "UNDO_STARTED", "undo_success_lands", "WRITE_OK"),
    ("UNDO_FAILED", "UNDO_STARTED", "undo_failure_lands", "WRITE_FAIL"),
];

/// What outlives a crash, and how often each action, and undo action, has run.
#[derive(Default)]
pub struct Outside {
    pub log: Vec<(usize, &'static str)>,
    pub effects: Vec<bool>,
    pub runs: Vec<[usize; 2]>,
    pub contract: bool,
}

/// What the executor is given in place of its store and its actions.
struct Gate {
    came: Sender<(&'static str, usize)>,
    go: Receiver<String>,
    outside: Arc<Mutex<Outside>>,
}

impl Gate {
    fn hold(&self, at: &'static str, n: usize) -> String {
        self.came.send((at, n)).unwrap();
        self.go.recv().unwrap_or_else(|_| panic::resume_unwind(Box::new("crash")))
        // of the thread
    }
}

impl World for Gate {
    fn write(&self, n: usize, event: &'static str) {
        self.hold(EVENTS.iter().find(|e| e.0 == event).unwrap().2, n);
        self.outside.lock().unwrap().log.push((n, event));
    }

    fn act(&self, n: usize, undo: bool) -> bool {
        self.outside.lock().unwrap().runs[n][undo as usize] += 1;
        loop {
            let step = self.hold(if undo { "undo_run" } else { "run" }, n);
            let outside = &mut *self.outside.lock().unwrap();
            match step.as_str() {
                "take_effect" | "remove_effect" => outside.effects[n] = step == "take_effect",
                _ => {
                    outside.effects[n] &= step != "fail" || !outside.contract;
                    return step.starts_with("succeed");
                }
            }
        }
    }
}

/// The process: its memory, what lets it go, and where it is held: at a step, in an action, or at rest.
pub struct Process {
    pub status: Arc<Mutex<Vec<&'static str>>>,
    go: Sender<String>,
    came: Receiver<(&'static str, usize)>,
    pub held: (&'static str, usize),
}

impl Process {
    /// Takes the saga up from the durable log, and goes on until it is held. REPLACE: as yours does.
    pub fn start(outside: &Arc<Mutex<Outside>>) -> Process {
        let ((here, came), (go, there)) = (channel(), channel());
        let mut status = vec!["NEVER_STARTED"; outside.lock().unwrap().effects.len()];
        outside.lock().unwrap().log.iter().for_each(|&(n, event)| status[n] = event);
        let status = Arc::new(Mutex::new(status));
        let gate = Gate { came: here, go: there, outside: outside.clone() };
        let executor = Tiny { world: gate, status: status.clone() };
        thread::spawn(move || (executor.run(), executor.world.hold("rest", 0)));
        let mut process = Process { status, go, came, held: ("", 0) };
        process.wait();
        process
    }

    /// Lets it go, to take this step.
    pub fn take(&mut self, step: &str) {
        self.go.send(step.to_string()).unwrap();
        self.wait();
    }

    /// Until nothing more happens on its own: the one thread is held. REPLACE: when is yours quiet?
    fn wait(&mut self) {
        self.held = self.came.recv().expect("the executor has failed");
    }
}
