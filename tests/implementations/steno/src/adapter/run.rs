//! One run: what is offered, and what a step does.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::assertion;
use super::event::Job;
use super::process::{Answer, Process, Trouble};
use super::saga::Saga;
use super::world::World;
use super::Step;
use crate::Panic;

/// A saga that is run, over all its processes.
pub struct Run {
    pub saga: Saga,
    pub world: Arc<World>,
    pub at: At,
    /// The status that an observer was given during the last step.
    pub answer: Option<Answer>,
}

/// What has become of the process.
pub enum At {
    Alive(Process),
    Crashed,
    /// This assertion failed.
    Panicked(&'static str),
    /// The process refused the durable log.
    Refused,
}

/// What came of a step. The error is a panic for which the specification has no name.
pub type Outcome = Result<&'static str, String>;

pub const TAKEN: &str = "taken";
pub const REFUSED: &str = "refused";
const NOT_REACHED: &str = "not reached";
const PENDING: &str = "pending";

pub const CRASH: &str = "crash";
pub const RECOVER: &str = "recover";
pub const ASK_STATUS: &str = "ask_status";

impl Run {
    /// A new saga begins, as the recovery of an empty log. `Ok(Err(reason))`: steno cannot have such a saga.
    pub fn begin(saga: Saga) -> Result<Result<Run, String>, String> {
        let world = Arc::new(World::new(saga.labels.len()));
        let mut run = Run { saga, world, at: At::Crashed, answer: None };
        Ok(match run.recover()? {
            Some(reason) => Err(reason),
            None => Ok(run),
        })
    }

    /// The steps that can be taken now.
    pub fn offers(&self) -> BTreeSet<Step> {
        let process = match &self.at {
            At::Crashed => return BTreeSet::from([(RECOVER, None)]),
            At::Refused => return BTreeSet::new(),
            At::Panicked(_) => return BTreeSet::from([(CRASH, None)]),
            At::Alive(process) => process,
        };
        let world = self.world.look();
        let mut offers: BTreeSet<Step> = world.writes.keys().copied().collect();
        offers.insert((CRASH, None));
        if !process.is_asked() {
            offers.insert((ASK_STATUS, None));
        }
        for (n, job) in world.bodies.keys().copied() {
            let stands = world.effects[n];
            match job {
                Job::Do => {
                    let takes_effect = self.saga.has_undo[n] && !stands;
                    offers.insert((if takes_effect { "take_effect" } else { "succeed" }, Some(n)));
                    if self.saga.may_fail[n] {
                        offers.insert(("fail", Some(n)));
                    }
                }
                Job::Undo => {
                    offers.insert((if stands { "remove_effect" } else { "succeed_undo" }, Some(n)));
                    if stands && self.saga.may_fail_undo[n] {
                        offers.insert(("fail_undo", Some(n)));
                    }
                }
            }
        }
        offers
    }

    /// Takes a step, if it is on offer.
    pub fn take(&mut self, name: &str, node: Option<usize>) -> Outcome {
        let Some(step) = self.offers().into_iter().find(|(step, n)| *step == name && *n == node) else {
            return Ok(REFUSED);
        };
        self.answer = None;
        self.world.look().recorded.clear();
        match step {
            (CRASH, _) => self.crash(),
            (RECOVER, _) => {
                if self.recover()?.is_some() {
                    self.at = At::Refused;
                }
            }
            (ASK_STATUS, _) => return self.ask_status(),
            ("take_effect", Some(n)) => self.world.look().effects[n] = true,
            ("remove_effect", Some(n)) => self.world.look().effects[n] = false,
            ("succeed", Some(n)) => return self.tell(n, Job::Do, true),
            ("fail", Some(n)) => {
                if self.saga.contract {
                    self.world.look().effects[n] = false;
                }
                return self.tell(n, Job::Do, false);
            }
            ("succeed_undo", Some(n)) => return self.tell(n, Job::Undo, true),
            ("fail_undo", Some(n)) => return self.tell(n, Job::Undo, false),
            write => {
                let let_go = self.world.look().writes.remove(&write);
                return self.go_on(let_go.is_some_and(|let_go| let_go.send(()).is_ok()));
            }
        }
        Ok(TAKEN)
    }

    /// A body that runs is told whether it succeeds.
    fn tell(&mut self, n: usize, job: Job, ok: bool) -> Outcome {
        let tell = self.world.look().bodies.remove(&(n, job));
        self.go_on(tell.is_some_and(|tell| tell.send(ok).is_ok()))
    }

    fn ask_status(&mut self) -> Outcome {
        if let At::Alive(process) = &mut self.at {
            process.ask_status();
        }
        let outcome = self.go_on(true)?;
        let waits = matches!(&self.at, At::Alive(process) if process.is_asked());
        Ok(if waits { PENDING } else { outcome })
    }

    /// Everything that can happen now happens; `reached` says whether somebody was there to be let go.
    fn go_on(&mut self, reached: bool) -> Outcome {
        if let At::Alive(process) = &mut self.at {
            if let Some(panic) = process.run_until_idle() {
                self.at = At::Panicked(named(&panic, false)?);
            } else {
                self.answer = process.answer();
            }
        }
        Ok(if reached { TAKEN } else { NOT_REACHED })
    }

    fn crash(&mut self) {
        self.at = At::Crashed;
        self.world.crash();
    }

    /// A new process takes up the saga; why it refuses, if it does.
    fn recover(&mut self) -> Result<Option<String>, String> {
        match Process::take_up(&self.saga, &self.world) {
            Ok(process) => {
                self.at = At::Alive(process);
                self.go_on(true)?;
            }
            Err(Trouble::Refused(reason)) => return Ok(Some(reason)),
            Err(Trouble::Panicked(panic)) => self.at = At::Panicked(named(&panic, true)?),
        }
        Ok(None)
    }
}

fn named(panic: &Panic, recovering: bool) -> Outcome {
    assertion::name(panic, recovering)
        .ok_or_else(|| format!("steno panicked, and the specification has no name for it: {panic}"))
}
