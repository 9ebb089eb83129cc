//! The adapter through which `sagacheck conform` drives the published crate `steno` 0.4.1.
//!
//! It speaks version 1 of the protocol: a message a line, a reply a line. The driver owns the schedule. Whatever steno
//! calls of ours is held when it is called (each write to its store, each body of an action), and a step lets one go.
//! steno is as published, and only its public interface is used, so nothing else can be held: which of two workers that
//! wait for the lock is next, and what the loop does between two writes, happens on its own.
//!
//! Begin at [`Adapter`]. One module imports only those below it in this table:
//!
//! | module | holds |
//! | --- | --- |
//! | `lines` | the conversation as lines of text, and how it ends |
//! | `conversation` | which message may come when, and what is declared |
//! | `message` | the form of messages and replies |
//! | `run` | one run: what is offered, and what a step does |
//! | `seen` | what can be seen of a run, as variables of the specification |
//! | `process` | a process: a runtime and a client of steno that live until a crash |
//! | `assertion` | which assertion of steno a panic is |
//! | `saga` | the saga that is run, and its actions |
//! | `store` | steno's store |
//! | `world` | what outlives a process, and what is held |
//! | `event` | the six events of a node's log |

mod assertion;
mod conversation;
mod event;
mod lines;
mod message;
mod process;
mod run;
mod saga;
mod seen;
mod store;
mod world;

pub use conversation::Adapter;
pub use lines::converse;

/// A step of the specification, and the index of its node if it is one of a node.
type Step = (&'static str, Option<usize>);
