//! A process with steno 0.5.0.

use steno050 as steno;

// The same source as in `v041`, on purpose: one set of schedules for both versions.
#[allow(clippy::duplicate_mod)]
#[path = "process.rs"]
mod process;

pub use process::run;
