//! How long the service's own work took: PostgreSQL's programs and servers, and the copying of files. The rest of a
//! call's time is the caller's.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::resources::name::Name;

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkKind {
    /// PostgreSQL's base backup, for a snapshot or as the base of points in time.
    BaseBackup,
    /// The copy of a snapshot.
    Copy,
    /// The files of a restored instance, copied from its base.
    Files,
    /// The start of a restored server, with all that it replays.
    Start,
    /// The stop of a server that is deleted.
    Stop,
}

/// One piece of work that ended, well or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// What it was.
    pub kind: WorkKind,
    /// The snapshot or the instance that came of it, or was deleted.
    pub name: Name,
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
}

/// The newest pieces of work that are remembered: a drill has a few.
const MOST_REMEMBERED: usize = 1_000;

/// The work that was done, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Works(Mutex<VecDeque<Work>>);

impl Works {
    /// Does it, and remembers how long it took.
    pub(crate) async fn timed<T>(&self, kind: WorkKind, name: &Name, work: impl Future<Output = T>) -> T {
        let (at, began) = (Timestamp::now(), Instant::now());
        let done = work.await;
        let mut works = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if works.len() == MOST_REMEMBERED {
            works.pop_front();
        }
        works.push_back(Work { kind, name: name.clone(), at, took: began.elapsed() });
        done
    }

    pub(crate) fn since(&self, at: Timestamp) -> Vec<Work> {
        let works = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        works.iter().filter(|work| work.at >= at).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_told_with_its_time_and_only_the_newest_is_remembered() {
        let (works, name) = (Works::default(), Name::new("us-east-1", "orders"));
        let before = Timestamp::now();
        let took = Duration::from_millis(20);
        works.timed(WorkKind::Start, &name, tokio::time::sleep(took)).await;
        let told = works.since(before);
        assert!(told.len() == 1 && told[0].took >= took && told[0].kind == WorkKind::Start, "{told:?}");
        assert!(works.since(Timestamp::now()).is_empty(), "it began before");
        for _ in 0..MOST_REMEMBERED {
            works.timed(WorkKind::Stop, &name, async {}).await;
        }
        let told = works.since(before);
        assert_eq!((told.len(), told[0].kind), (MOST_REMEMBERED, WorkKind::Stop));
    }
}
