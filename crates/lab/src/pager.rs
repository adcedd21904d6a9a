//! The people on call: a subscription to the engine's topic, and the notices that arrive.

use std::{
    fs::File,
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_sns::Client;
use axum::{Router, extract::State, http::StatusCode, routing::post};
use jiff::Timestamp;
use serde::Deserialize;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    gateway::ACCOUNT,
    gateway::Gateway,
    system::{SystemError, until},
};

/// What people were told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// When it arrived.
    pub at: Timestamp,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub message: String,
}

/// A pager that is subscribed to the topic of one Region. It stops when it is dropped.
#[derive(Debug)]
pub struct Pager {
    heard: Arc<Heard>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Heard {
    file: Mutex<File>,
    notices: Mutex<Vec<Notice>>,
    token: Mutex<Option<String>>,
}

/// The parts of SNS's envelope that are needed.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    r#type: String,
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    message: String,
}

/// The most notices that are kept; a drill has a few.
const MOST_NOTICES: usize = 10_000;

/// The file in a lab's folder that every notice is appended to, for people to read.
pub const NOTICES: &str = "notices.txt";

/// How long SNS may take to ask for the subscription's confirmation, and to deliver.
const PATIENCE: Duration = Duration::from_secs(60);

impl Pager {
    /// Subscribes to the engine's topic in `region`, and confirms the subscription as a person would. Each notice is
    /// appended to `file`, which is emptied first.
    ///
    /// # Errors
    /// [`SystemError`].
    pub async fn subscribe(gateway: &Gateway, region: &str, file: &Path) -> Result<Self, SystemError> {
        let failed = |doing: &str, why: String| SystemError::Aws { doing: doing.to_owned(), why };
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await;
        let listener = listener.map_err(|error| failed("listen as a pager", error.to_string()))?;
        let address = listener.local_addr().map_err(|error| failed("listen as a pager", error.to_string()))?;
        let file = File::create(file).map_err(|error| failed("write the notices down", error.to_string()))?;
        let heard = Arc::new(Heard { file: Mutex::new(file), notices: Mutex::default(), token: Mutex::default() });
        let router = Router::new().route("/", post(receive)).with_state(Arc::clone(&heard));
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the pager no longer listens");
            }
        });
        let pager = Self { heard, server };
        let sns = Client::new(&gateway.sdk_config(region));
        let topic = format!("arn:aws:sns:{region}:{ACCOUNT}:lifeboat");
        let asked = sns.subscribe().topic_arn(&topic).protocol("http").endpoint(format!("http://{address}/")).send();
        asked.await.map_err(|error| failed("subscribe to the topic", edge::aws::shown(&error)))?;
        let token = until(PATIENCE, "SNS's question for a confirmation", async || {
            Ok(pager.heard.token.lock().unwrap_or_else(PoisonError::into_inner).take())
        })
        .await?;
        let confirmed = sns.confirm_subscription().topic_arn(&topic).token(token).send().await;
        confirmed.map_err(|error| failed("confirm the subscription", edge::aws::shown(&error)))?;
        Ok(pager)
    }

    /// Waits for a notice that arrived after `since` and is `wanted`.
    ///
    /// # Errors
    /// [`SystemError::Late`].
    pub async fn notice(
        &self,
        since: Timestamp,
        what: &str,
        wanted: impl Fn(&Notice) -> bool,
    ) -> Result<Notice, SystemError> {
        until(PATIENCE, what, async || {
            let notices = self.heard.notices.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(notices.iter().find(|told| told.at >= since && wanted(told)).cloned())
        })
        .await
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn receive(State(heard): State<Arc<Heard>>, body: String) -> StatusCode {
    let Ok(envelope) = serde_json::from_str::<Envelope>(&body) else { return StatusCode::BAD_REQUEST };
    if envelope.r#type == "SubscriptionConfirmation" {
        *heard.token.lock().unwrap_or_else(PoisonError::into_inner) = envelope.token;
        return StatusCode::OK;
    }
    let told =
        Notice { at: Timestamp::now(), subject: envelope.subject.unwrap_or_default(), message: envelope.message };
    // The file is for people; drills use what is kept in memory.
    let page = format!("{}  {}\n\n{}\n\n", told.at, told.subject, told.message.trim_end());
    if let Err(error) = heard.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(page.as_bytes()) {
        tracing::warn!(%error, "a notice could not be written down");
    }
    let mut notices = heard.notices.lock().unwrap_or_else(PoisonError::into_inner);
    if notices.len() < MOST_NOTICES {
        notices.push(told);
    }
    StatusCode::OK
}
