//! The conversation: which message may come when, and what is declared.

use std::panic::{catch_unwind, AssertUnwindSafe};

use super::message::{Hello, Load, Message, Now, Offer, Reply, PROTOCOL};
use super::run::{Run, ASK_STATUS, CRASH, RECOVER, TAKEN};
use super::saga::Saga;
use super::seen::{state, SHOWS};
use super::Step;

const CAPABILITIES: [&str; 6] = ["failure", "undo", "crash", "status", "start-records", "subsagas"];

/// What can be held, or brought about.
const STEPS: [&str; 17] = [
    CRASH,
    RECOVER,
    ASK_STATUS,
    "take_effect",
    "succeed",
    "fail",
    "remove_effect",
    "succeed_undo",
    "fail_undo",
    "start_lands",
    "success_lands",
    "failure_lands",
    "undo_start_lands",
    "undo_success_lands",
    "undo_failure_lands",
    "unwinding_lands",
    "done_lands",
];

/// What happens on its own: between two calls of the store or of an action there is nothing of ours.
const INTERNAL: [&str; 20] = [
    "kick_off",
    "take_success",
    "take_failure",
    "take_undo_success",
    "take_undo_failure",
    "join",
    "propagate_success",
    "propagate_failure",
    "propagate_undo_success",
    "propagate_undo_failure",
    "test_parent",
    "finish",
    "read_result",
    "end_status",
    "record_start",
    "record_success",
    "record_failure",
    "record_undo_start",
    "record_undo_success",
    "record_undo_failure",
];

/// Answers one message after the other; runs one saga at a time.
#[derive(Default)]
pub struct Adapter {
    run: Option<Run>,
}

impl Adapter {
    /// Answers a message, a line of text, with a line of text; and whether the conversation goes on.
    pub fn ask(&mut self, line: &str) -> (String, bool) {
        let answered = catch_unwind(AssertUnwindSafe(|| self.reply(line)));
        let reply = match answered {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => Reply::Error { error },
            Err(_) => Reply::Error { error: "the adapter itself panicked; see its standard error".to_owned() },
        };
        let goes_on = matches!(reply, Reply::Hello(_) | Reply::Now(_));
        (serde_json::to_string(&reply).expect("a reply has only text for keys"), goes_on)
    }

    /// The error is a sentence that says why the adapter cannot go on.
    fn reply(&mut self, line: &str) -> Result<Reply, String> {
        let message = serde_json::from_str(line).map_err(|error| format!("this is no message: {error}"))?;
        match message {
            Message::Hello { .. } => Ok(Reply::Hello(hello())),
            Message::Load(load) => self.load(load).map(Reply::Now),
            Message::Step { step, node } => self.step(&step, node.as_deref()).map(Reply::Now),
            Message::End => {
                self.run = None;
                Ok(Reply::End { outcome: TAKEN })
            }
        }
    }

    fn load(&mut self, load: Load) -> Result<Now, String> {
        self.run = None;
        match Run::begin(Saga::read(load)?)? {
            Err(reason) => Ok(Now { outcome: "not supported", reason: Some(reason), ..Now::default() }),
            Ok(run) => {
                let internal = Some(unheld(&run.saga).map(|step| named(step, &run.saga)).collect());
                let now = Now { internal, ..now(TAKEN, &run) };
                self.run = Some(run);
                Ok(now)
            }
        }
    }

    fn step(&mut self, step: &str, label: Option<&str>) -> Result<Now, String> {
        let run = self.run.as_mut().ok_or_else(|| format!("the step {step:?} comes before a saga is loaded"))?;
        let node = match label {
            None => None,
            Some(label) => {
                let index = run.saga.labels.iter().position(|known| known == label);
                Some(index.ok_or_else(|| format!("the saga has no node {label:?}"))?)
            }
        };
        let outcome = run.take(step, node)?;
        Ok(now(outcome, run))
    }
}

fn hello() -> Hello {
    Hello {
        protocol: PROTOCOL,
        implementation: "steno",
        version: "0.4.1",
        language: "Rust",
        capabilities: &CAPABILITIES,
        steps: &STEPS,
        internal: &INTERNAL,
        waits: &[ASK_STATUS],
        shows: &SHOWS,
    }
}

/// What nobody can hold in this saga: how nodes without an action of ours end, and undo actions that do nothing.
fn unheld(saga: &Saga) -> impl Iterator<Item = Step> + '_ {
    let nodes = 0..saga.labels.len();
    let succeed = nodes.clone().filter(|n| !saga.is_action[*n]).map(|n| ("succeed", Some(n)));
    succeed.chain(nodes.filter(|n| !saga.has_undo[*n]).map(|n| ("succeed_undo", Some(n))))
}

fn now(outcome: &'static str, run: &Run) -> Now {
    let offers = run.offers().into_iter().map(|step| named(step, &run.saga)).collect();
    Now { outcome, offers, state: state(run), ..Now::default() }
}

fn named((step, node): Step, saga: &Saga) -> Offer {
    Offer { step, node: node.map(|n| saga.labels[n].clone()) }
}
