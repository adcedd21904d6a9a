//! Telling people.

use aws_sdk_sns::Client;
use domain::{failure::Failure, incident::Notice};
use tracing::warn;

use crate::{aws, aws_failure};

/// SNS.
#[derive(Debug, Clone)]
pub struct Sns {
    client: Client,
}

impl Sns {
    /// SNS as the environment says.
    pub async fn from_env() -> Self {
        Self { client: Client::new(&aws::config(None).await) }
    }

    /// Publishes a notice.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn publish(&self, topic: &str, notice: &Notice) -> Result<(), Failure> {
        let request = self.client.publish().topic_arn(topic).subject(&notice.subject).message(&notice.message);
        request.send().await.map(drop).map_err(|error| aws_failure!(format!("cannot publish to {topic}"), error))
    }
}

/// Publishes to each topic: one that is deaf keeps none of the others from hearing.
///
/// # Errors
/// The last one that did not take it; each is logged.
pub async fn to_each<'t>(
    topics: impl IntoIterator<Item = &'t str>,
    publish: impl AsyncFn(&str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut heard = Ok(());
    for topic in topics {
        if let Err(failure) = publish(topic).await {
            warn!(topic, why = failure.chain(), "a topic did not take the notice");
            heard = Err(failure);
        }
    }
    heard
}
