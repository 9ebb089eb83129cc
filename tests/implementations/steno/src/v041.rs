//! A process with steno 0.4.1.

use steno041 as steno;

#[path = "process.rs"]
mod process;

pub use process::run;
