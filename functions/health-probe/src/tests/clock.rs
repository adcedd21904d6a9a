//! A clock that moves only when everybody waits: windows that meet are tried at the instant that they meet.

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use domain::{watch::probe::later, words::time_span::TimeSpan};
use jiff::Timestamp;

pub(crate) struct Clock {
    now: Cell<Timestamp>,
    sleepers: RefCell<Vec<(Timestamp, Waker)>>,
}

impl Clock {
    pub(crate) fn at(now: Timestamp) -> Self {
        Self { now: Cell::new(now), sleepers: RefCell::default() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now.get()
    }

    pub(crate) async fn sleep(&self, span: TimeSpan) {
        self.sleep_until(later(self.now(), span)).await;
    }

    pub(crate) async fn sleep_until(&self, at: Timestamp) {
        poll_fn(|context| {
            if self.now.get() >= at {
                return Poll::Ready(());
            }
            self.sleepers.borrow_mut().push((at, context.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    /// Runs a future to its end; whenever it waits, time passes to the next instant for which somebody waits.
    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&woken));
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return value;
            }
            if !woken.0.swap(false, Ordering::Relaxed) {
                self.pass();
            }
        }
    }

    fn pass(&self) {
        let next = self.sleepers.borrow().iter().map(|(at, _)| *at).min();
        self.now.set(next.expect("somebody waits for a time"));
        self.sleepers.borrow_mut().retain(|(at, waker)| {
            let sleeps = *at > self.now.get();
            if !sleeps {
                waker.wake_by_ref();
            }
            sleeps
        });
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}
