//! The adapter for steno 0.4.1 as a program: `sagacheck conform --cmd target/debug/steno-adapter`.

use std::io::{stdin, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    match steno_schedules::adapter::converse(stdin().lock(), stdout().lock()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("steno-adapter: {error}");
            ExitCode::from(2)
        }
    }
}
