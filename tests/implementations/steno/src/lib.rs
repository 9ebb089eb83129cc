//! Schedules of `docs/findings.md`, run against the published crate `steno`, versions 0.4.1 and 0.5.0.
//!
//! Only the public interface of steno is used: its builder of sagas, a `SecStore` of our own, and `SecClient`. A
//! [`Saga`] and a [`Plan`] say what a process meets: which actions and undo actions fail, how long the undo actions
//! take, which writes of the durable log it does not live to see. A [`Process`] carries that out with one version of
//! steno, beginning from a durable log, and tells how it [`Ended`]. The next process begins from the log that it left;
//! what comes between two processes is a crash.
//!
//! Nothing depends on timing. A process is one runtime with one thread and a clock that stands still while anything can
//! happen and jumps when nothing can, so "an undo action takes two seconds" only says in which order things happen.
//!
//! | module | holds |
//! | --- | --- |
//! | `schedule` | sagas, plans, events, ends: the same for every version |
//! | `process` | a process that runs a saga; compiled twice, as [`v041`] and as [`v050`] |
//! | `panics` | which panics a process met, and where |
//! | [`adapter`] | how `sagacheck conform` drives 0.4.1 along any schedule: a program of its own, which shares only `panics` |
//!
//! The findings themselves are the tests, in `tests/findings.rs`: the name of each is a claim.

pub mod adapter;
mod panics;
mod schedule;
pub mod v041;
pub mod v050;

pub use panics::Panic;
pub use schedule::{Answer, Edge, End, Ended, Event, Plan, Process, Saga};
