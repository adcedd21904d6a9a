//! The one place that prints.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::refusal::Refusal;

/// Standard output and standard error.
pub(crate) struct Output {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
}

impl Output {
    /// The process's own.
    pub(crate) fn standard() -> Self {
        Self { out: Box::new(io::stdout()), err: Box::new(io::stderr()) }
    }

    /// Prints a line.
    pub(crate) fn line(&mut self, text: &str) {
        // Whoever reads may have had enough, as `head` does; that is no error of ours.
        drop(writeln!(self.out, "{text}").and_then(|()| self.out.flush()));
    }

    /// Prints a value as JSON on one line, for programs to read one by one.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Refusal> {
        let text = serde_json::to_string(value).map_err(|error| {
            Refusal::failed(format!("the answer cannot be written as JSON: {error}"), "Leave --json out.")
        })?;
        self.line(&text);
        Ok(())
    }

    /// Says why a command was not done.
    pub(crate) fn refuse(&mut self, refusal: &Refusal) {
        drop(writeln!(self.err, "lifeboat: {refusal}"));
    }

    /// A remark for a person who watches; a program that reads standard output does not see it.
    pub(crate) fn remark(&mut self, text: &str) {
        if io::stderr().is_terminal() {
            drop(writeln!(self.err, "{text}"));
        }
    }
}
