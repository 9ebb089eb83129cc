//! The conversation as lines of text, and how it ends.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use super::Adapter;

/// Answers every line of `input` with a line on `output`, up to `end`, an error, or the end of the input.
///
/// The exit code is 0; or 2, if the last reply was an error.
pub fn converse(input: impl BufRead, mut output: impl Write) -> io::Result<ExitCode> {
    let mut adapter = Adapter::default();
    for line in input.split(b'\n') {
        let (reply, goes_on) = adapter.ask(&String::from_utf8_lossy(&line?));
        writeln!(output, "{reply}")?;
        output.flush()?;
        if !goes_on {
            return Ok(if reply.starts_with("{\"error\"") { ExitCode::from(2) } else { ExitCode::SUCCESS });
        }
    }
    Ok(ExitCode::SUCCESS)
}
