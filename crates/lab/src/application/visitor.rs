//! A client of the application, which follows its name.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{sync::watch, task::JoinHandle};

use super::PORT;
use crate::workload::{Lookups, WorkloadError};

/// From one visit to the next: the application logs in to its database at each, and a plan may wait for minutes.
const EVERY: Duration = Duration::from_millis(250);

/// How long a name may take to be answered, and then the application.
const PATIENCE: Duration = Duration::from_secs(2);

/// A visit, and who answered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Visit {
    /// When it was answered or given up.
    pub(crate) at: Timestamp,
    /// What was answered with status 200, or why nothing was.
    pub(crate) answer: Result<String, String>,
}

impl Visit {
    /// Whether the application of this side answered it.
    pub(crate) fn is_answered_by(&self, side: &str) -> bool {
        self.answer.as_ref().is_ok_and(|answer| answer.split(':').next() == Some(side))
    }
}

/// A client that visits until it is dropped.
#[derive(Debug)]
pub(crate) struct Visitor {
    /// The name that it follows.
    pub(crate) name: String,
    visits: watch::Receiver<Vec<Visit>>,
    visiting: JoinHandle<()>,
}

impl Visitor {
    /// Begins to visit a name, which it looks up at this resolver as the name's time to live says.
    ///
    /// # Errors
    /// When the name cannot be looked up.
    pub(crate) fn start(name: &str, resolver: SocketAddr) -> Result<Self, WorkloadError> {
        let mut lookups = Lookups::of(name, resolver, PATIENCE)?;
        let (told, visits) = watch::channel(Vec::new());
        let host: Arc<str> = name.into();
        let visiting = tokio::spawn(async move {
            loop {
                let answer = visit(&mut lookups, &host).await;
                told.send_modify(|visits| visits.push(Visit { at: Timestamp::now(), answer }));
                tokio::time::sleep(EVERY).await;
            }
        });
        Ok(Self { name: name.to_owned(), visits, visiting })
    }

    /// Its visits until this side has answered one, at most so long.
    ///
    /// # Errors
    /// All of them, where none was answered by it.
    pub(crate) async fn until_answered_by(&self, side: &str, limit: Duration) -> Result<Vec<Visit>, Vec<Visit>> {
        let mut visits = self.visits.clone();
        let is_there = |visits: &Vec<Visit>| visits.iter().any(|visit| visit.is_answered_by(side));
        let waited = tokio::time::timeout(limit, visits.wait_for(is_there)).await;
        match waited {
            Ok(Ok(visits)) => Ok(visits.clone()),
            Ok(Err(_)) | Err(_) => Err(self.visits.borrow().clone()),
        }
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        self.visiting.abort();
    }
}

/// A connection of its own for each visit: one that is kept would stay where the name led before.
async fn visit(lookups: &mut Lookups, host: &str) -> Result<String, String> {
    let address = lookups.target().await?.address;
    let client =
        edge::http::client().timeout(PATIENCE).no_proxy().resolve(host, SocketAddr::new(address, PORT)).build();
    let shown = |error: reqwest::Error| domain::words::failure::chain(&error);
    let answer = client.map_err(shown)?.get(format!("http://{host}:{PORT}/")).send().await.map_err(shown)?;
    match answer.status() {
        reqwest::StatusCode::OK => answer.text().await.map_err(shown),
        other => Err(format!("status {other}")),
    }
}
