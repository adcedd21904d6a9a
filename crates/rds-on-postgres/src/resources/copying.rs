//! A snapshot's copy under way: how far it has come, how fast it may go, and whether it was broken off.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How long a copy goes on before it looks again at its pace, and at whether it was broken off.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How many of these are in a second.
const LOOKS_A_SECOND: u64 = 20;
/// A pace above what any disk has.
const NO_LIMIT: u64 = u64::MAX;

/// How many bytes a second each copy may take; all copies of a lab have one pace.
#[derive(Clone, Debug)]
pub(crate) struct Pace(Arc<AtomicU64>);

impl Default for Pace {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(NO_LIMIT)))
    }
}

impl Pace {
    /// Changes the pace, of copies under way too; 0 lets them stand still, `None` go as fast as they can.
    pub(crate) fn set(&self, bytes_per_second: Option<u64>) {
        self.0.store(bytes_per_second.unwrap_or(NO_LIMIT), Ordering::Relaxed);
    }

    fn bytes_per_second(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One copy under way, as whoever copies it and whoever describes it share it.
#[derive(Debug)]
pub(crate) struct Copying {
    pace: Pace,
    bytes: AtomicU64,
    done: AtomicU64,
    is_broken_off: AtomicBool,
}

impl Copying {
    /// A copy that begins.
    pub(crate) fn at(pace: Pace) -> Arc<Self> {
        let (bytes, done) = (AtomicU64::new(0), AtomicU64::new(0));
        Arc::new(Self { pace, bytes, done, is_broken_off: AtomicBool::new(false) })
    }

    /// How much of it is done. Only a copy that is complete has 100 percent, so that this one has less.
    pub(crate) fn percent(&self) -> u64 {
        let done = self.done.load(Ordering::Relaxed).saturating_mul(100);
        done.checked_div(self.bytes.load(Ordering::Relaxed)).unwrap_or(0).min(99)
    }

    /// Tells how much there is to copy.
    pub(crate) fn expect(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// Makes whoever copies it end.
    pub(crate) fn break_off(&self) {
        self.is_broken_off.store(true, Ordering::Relaxed);
    }

    /// Takes the time that this many bytes take. Blocks its thread.
    ///
    /// # Errors
    /// When the copy was broken off.
    pub(crate) fn pass(&self, bytes: u64) -> io::Result<()> {
        let mut left = bytes;
        loop {
            if self.is_broken_off.load(Ordering::Relaxed) {
                return Err(io::Error::other("the copy was broken off"));
            }
            if left == 0 {
                return Ok(());
            }
            let pace = self.pace.bytes_per_second();
            let passed = left.min(pace.div_ceil(LOOKS_A_SECOND));
            std::thread::sleep(time_of(passed, pace));
            left -= passed;
            self.done.fetch_add(passed, Ordering::Relaxed);
        }
    }
}

/// How long this many bytes take, at most a second; a copy that stands still looks again.
fn time_of(bytes: u64, bytes_per_second: u64) -> Duration {
    match u128::from(bytes).saturating_mul(1_000_000_000).checked_div(u128::from(bytes_per_second)) {
        Some(nanoseconds) => Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX)),
        None => LOOK_EVERY,
    }
}

/// Breaks the copy off when it is dropped: the thread that copies ends with the task that awaits it.
pub(crate) struct Leash(pub(crate) Arc<Copying>);

impl Drop for Leash {
    fn drop(&mut self) {
        self.0.break_off();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_copy_takes_the_time_of_its_bytes_and_tells_how_far_it_is() {
        let pace = Pace::default();
        pace.set(Some(10_000));
        let copying = Copying::at(pace.clone());
        assert_eq!(copying.percent(), 0, "nothing is known yet");
        copying.expect(2_000);
        let began = Instant::now();
        copying.pass(1_000).unwrap();
        assert!(began.elapsed() >= Duration::from_millis(100), "{:?}", began.elapsed());
        assert_eq!(copying.percent(), 50);
        pace.set(None);
        copying.pass(1_000).unwrap();
        assert_eq!(copying.percent(), 99, "it is still to be entered as complete");
    }

    #[test]
    fn a_copy_that_stands_still_ends_when_it_is_broken_off() {
        let pace = Pace::default();
        pace.set(Some(0));
        let copying = Copying::at(pace);
        copying.expect(1);
        let leash = Leash(Arc::clone(&copying));
        let working = std::thread::spawn(move || copying.pass(1));
        std::thread::sleep(2 * LOOK_EVERY);
        assert!(!working.is_finished());
        drop(leash);
        assert!(working.join().unwrap().is_err());
    }

    #[test]
    fn a_byte_takes_a_second_at_most() {
        for pace in [1, 2, LOOKS_A_SECOND, LOOKS_A_SECOND + 1, 1_000_000, NO_LIMIT] {
            let passed = pace.div_ceil(LOOKS_A_SECOND);
            assert!(time_of(passed, pace) <= Duration::from_secs(1), "{pace}");
        }
    }
}
