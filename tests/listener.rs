//! Who listens to a drill in a test.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use lab::{drill::Observer, report::TimelineEntry, setup::Progress};

/// Remembers what was told, for the reader of a failed test.
#[derive(Debug, Default)]
pub struct Listener(Mutex<Vec<String>>);

impl Listener {
    /// What was told so far.
    pub fn told(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Listener {
    fn step(&self, what: &str) {
        self.told().push(what.to_owned());
    }
}

impl Observer for Listener {
    fn disaster(&self, at: Timestamp) {
        self.step(&format!("disaster at {at}"));
    }

    fn happened(&self, entry: &TimelineEntry) {
        self.step(&format!("{} {}: {}", entry.at, entry.event.name(), entry.detail));
    }
}

/// How long each drill took is to be read.
#[expect(clippy::print_stdout, reason = "it is for whoever runs the test")]
pub fn tell(line: &str) {
    println!("{line}");
}
