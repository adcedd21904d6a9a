//! Looking at a primary again and again over one session.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use domain::{
    watch::{
        health::{Endpoint, Look},
        probe::LOGIN_EVERY,
    },
    words::id::HostName,
};

use super::{
    Fault, Postgres, Server, Unasked,
    connect::{Limits, Session},
    first_row,
    primary::{self, LOOK},
};
use crate::clock;

/// A session that is kept from one look to the next: each costs one round trip then, however far the server is.
#[derive(Default)]
pub struct Held(RefCell<Option<Open>>);

struct Open {
    endpoint: HostName,
    since: Instant,
    session: Session,
}

impl Held {
    /// Ends the session, if there is one.
    pub fn hang_up(&self) {
        self.0.take();
    }

    /// The session with this server, unless it is too old.
    fn take(&self, server: &Server<'_>) -> Option<Open> {
        let is_young = |kept: &Open| kept.since.elapsed() < LOGIN_EVERY.duration();
        self.0.take().filter(|kept| kept.endpoint == server.side.endpoint && is_young(kept))
    }
}

impl Postgres {
    /// Looks at a primary, over the session of the look before where there is one: it may be silent for `within`, and all of
    /// it takes no longer than `whole`.
    pub async fn look_again(&self, held: &Held, server: &Server<'_>, within: Duration, whole: Duration) -> Look {
        let (at, began) = (clock::now(), Instant::now());
        if let Some(mut kept) = held.take(server) {
            let limits = Limits::of_a_question(within);
            match kept.session.ask(limits.whole(), async |client| first_row(client, LOOK).await).await {
                Ok(row) => {
                    held.0.replace(Some(kept));
                    return primary::looked(server, Ok(row), at, began.elapsed());
                }
                // No answer is what a new session would get as well.
                Err(broken) if broken.error.is_none() => {
                    let unasked = self.unasked(server, &limits, broken).await;
                    return primary::looked(server, Err(unasked), at, began.elapsed());
                }
                // Somebody ended the session. Whether the server lives, a new one tells.
                Err(_) => {}
            }
        }
        let left = whole.saturating_sub(began.elapsed());
        let anew = self.staying(server, within, async |client| first_row(client, LOOK).await);
        let answer = match tokio::time::timeout(left, anew).await {
            Ok(Ok((session, row))) => {
                let endpoint = server.side.endpoint.clone();
                held.0.replace(Some(Open { endpoint, since: began, session }));
                Ok(row)
            }
            Ok(Err(unasked)) => Err(unasked),
            Err(_) => Err(Unasked {
                endpoint: Endpoint::Open,
                fault: Fault::Server,
                let_in: false,
                why: format!("`{}` has not let us in within {} ms", server.side.endpoint, whole.as_millis()),
            }),
        };
        primary::looked(server, answer, at, began.elapsed())
    }
}
