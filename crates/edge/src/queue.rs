//! A queue that holds its messages back.

use aws_sdk_sqs::Client;
use domain::words::{failure::Failure, time_span::TimeSpan};
use serde::Serialize;

use crate::{aws, aws_failure, config};

/// A queue of SQS.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue that wakes the probe for its next sample; `None` where the template set none.
    pub async fn of_naps() -> Option<Self> {
        let url = config::naps()?;
        Some(Self { client: Client::new(&aws::config(None).await), url })
    }

    /// Sends a message that comes no sooner than after so many seconds: whole ones, and at most fifteen minutes.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn send(&self, message: &impl Serialize, after: TimeSpan) -> Result<(), Failure> {
        let text = serde_json::to_string(message)
            .map_err(|error| Failure::InvalidInput(format!("cannot write the message: {error}")))?;
        let seconds = i32::try_from(after.duration().as_secs()).unwrap_or(i32::MAX);
        let sent =
            self.client.send_message().queue_url(&self.url).message_body(text).delay_seconds(seconds).send().await;
        sent.map(drop).map_err(|error| aws_failure!(format!("cannot send to the queue {}", self.url), error))
    }
}
