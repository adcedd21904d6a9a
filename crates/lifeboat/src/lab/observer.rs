//! What the person who waits for a lab, or watches a drill, sees of it.

use std::{
    io::{self, IsTerminal},
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use lab::{
    drill::Observer,
    report::{TimelineEntry, terminal::Terminal},
    setup::Progress,
};

/// Shows progress on the terminal. It is not the answer: it goes to standard error.
pub(super) struct OnTerminal {
    terminal: Mutex<Terminal<io::Stderr>>,
}

impl OnTerminal {
    pub(super) fn new() -> Self {
        Self { terminal: Mutex::new(Terminal::new(io::stderr(), io::stderr().is_terminal())) }
    }

    pub(super) fn terminal(&self) -> MutexGuard<'_, Terminal<io::Stderr>> {
        self.terminal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// A closed terminal must not stop a drill: the files have everything.
impl Progress for OnTerminal {
    fn step(&self, what: &str) {
        drop(self.terminal().step(what));
    }
}

impl Observer for OnTerminal {
    fn disaster(&self, at: Timestamp) {
        self.terminal().disaster(at);
    }

    fn happened(&self, entry: &TimelineEntry) {
        drop(self.terminal().entry(entry));
    }
}
