//! The person who watches a lab come up, or a drill.

use std::{
    io::{self, IsTerminal},
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use lab::{
    drill::Audience,
    report::{Moment, terminal::Terminal},
    setup::Progress,
};

/// The person who watches. Progress is not the answer: it goes to standard error.
pub(super) struct Shown {
    terminal: Mutex<Terminal<io::Stderr>>,
}

impl Shown {
    pub(super) fn new() -> Self {
        Self { terminal: Mutex::new(Terminal::new(io::stderr(), io::stderr().is_terminal())) }
    }

    pub(super) fn terminal(&self) -> MutexGuard<'_, Terminal<io::Stderr>> {
        self.terminal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// A terminal that is gone must not stop a drill: what cannot be shown is in the files.
impl Progress for Shown {
    fn step(&self, what: &str) {
        drop(self.terminal().step(what));
    }
}

impl Audience for Shown {
    fn struck(&self, at: Timestamp) {
        self.terminal().struck(at);
    }

    fn moment(&self, moment: &Moment) {
        drop(self.terminal().moment(moment));
    }
}
