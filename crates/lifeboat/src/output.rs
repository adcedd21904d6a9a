//! The one place that prints.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::refusal::Refusal;

/// Standard output and standard error.
pub(crate) struct Output {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    /// Why the first line that could not be printed was not.
    lost: Option<io::Error>,
}

impl Output {
    /// The process's own.
    pub(crate) fn standard() -> Self {
        Self { out: Box::new(io::stdout()), err: Box::new(io::stderr()), lost: None }
    }

    /// Prints a line.
    pub(crate) fn line(&mut self, text: &str) {
        let written = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
        // The reader may have closed the pipe, as `head` does; that is not an error.
        let lost = written.err().filter(|error| error.kind() != io::ErrorKind::BrokenPipe);
        self.lost = self.lost.take().or(lost);
    }

    /// Whether everything was printed. The command has done its work anyway, but a script must not mistake silence for an
    /// answer.
    pub(crate) fn is_whole(&self) -> Result<(), Refusal> {
        match &self.lost {
            None => Ok(()),
            Some(error) => Err(Refusal::failed(
                format!("the answer could not be printed: {error}"),
                "Give standard output room, and look again: what was ordered was done all the same.",
            )),
        }
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

    /// A remark that is always shown, on standard error, because a program may read standard output.
    pub(crate) fn remark_always(&mut self, text: &str) {
        drop(writeln!(self.err, "{text}"));
    }

    /// A remark for a person at a terminal; a program that reads standard output does not see it.
    pub(crate) fn remark(&mut self, text: &str) {
        if io::stderr().is_terminal() {
            drop(writeln!(self.err, "{text}"));
        }
    }
}

/// A line of progress, for whoever waits: it is not the answer, and goes to standard error.
pub(crate) fn progress(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}

/// A text on one line.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A text on one line, cut to a number of characters: a longer one ends with an ellipsis, and never within an escape.
pub(crate) fn cut(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return one_line(text);
    }
    let kept: String = text.chars().take(chars.saturating_sub(1)).collect();
    // JSON's escapes are a backslash and a letter, or `u` and four digits.
    let escape = kept.rfind('\\').filter(|at| {
        let rest = &kept[at + 1..];
        let backslashes = kept[..*at].chars().rev().take_while(|c| *c == '\\').count();
        backslashes % 2 == 0 && (rest.is_empty() || (rest.starts_with('u') && rest.len() < 5))
    });
    format!("{}…", one_line(&kept[..escape.unwrap_or(kept.len())]))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::from(io::ErrorKind::StorageFull))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::from(io::ErrorKind::BrokenPipe))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn to(out: impl Write + 'static) -> Output {
        Output { out: Box::new(out), err: Box::new(io::sink()), lost: None }
    }

    #[test]
    fn what_could_not_be_printed_is_an_error_and_a_reader_who_has_had_enough_is_none() {
        let mut full = to(Full);
        full.line("one");
        full.line("two");
        assert!(full.is_whole().unwrap_err().to_string().contains("could not be printed"));
        let mut closed = to(Closed);
        closed.line("one");
        assert_eq!(closed.is_whole(), Ok(()));
        let mut well = to(Vec::new());
        well.line("one");
        assert_eq!(well.is_whole(), Ok(()));
    }

    #[test]
    fn a_long_text_ends_with_an_ellipsis_and_never_within_an_escape() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer", 5), "long…");
        assert_eq!(cut("a\u{1b}[2J", 10), "a [2J");
        assert_eq!(cut(r#"abc\"def"#, 5), "abc…", "a backslash alone");
        assert_eq!(cut(r"abc\u001bdef", 8), "abc…", "half of four digits");
        assert_eq!(cut(r"abc\\def", 6), r"abc\\…", "a whole escape stays");
    }
}
