//! Telling people.

use aws_sdk_sns::Client;
use domain::{failure::Failure, incident::Notice};

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
