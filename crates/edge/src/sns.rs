//! Telling people.

use aws_sdk_sns::Client;
use domain::{record::notice::Notice, words::failure::Failure};
use futures::future::join_all;
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

/// Who heard a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// How many topics took it; one at least.
    pub took: usize,
    /// Those that did not.
    pub deaf: Vec<String>,
}

impl Heard {
    /// In one sentence.
    #[must_use]
    pub fn summary(&self) -> String {
        let Self { took, deaf } = self;
        match deaf.as_slice() {
            [] => format!("told {took} topics"),
            deaf => format!("told {took} of {} topics; not `{}`", took + deaf.len(), deaf.join("`, `")),
        }
    }
}

/// Publishes to each topic, side by side: one that is deaf keeps none of the others from hearing. It was told as soon as
/// one took it, because telling all of them again would wake everybody who heard; those that did not hear are logged.
///
/// # Errors
/// None took it: one that may take it later, if there is such a one.
pub async fn to_each<'t>(
    topics: impl IntoIterator<Item = &'t str>,
    publish: impl AsyncFn(&str) -> Result<(), Failure>,
) -> Result<Heard, Failure> {
    let publish = &publish;
    let turns = topics.into_iter().map(async |topic| (topic, publish(topic).await));
    let (mut heard, mut refusal) = (Heard { took: 0, deaf: Vec::new() }, None);
    for (topic, answer) in join_all(turns).await {
        let Err(failure) = answer else {
            heard.took += 1;
            continue;
        };
        warn!(topic, why = failure.chain(), "a topic did not take the notice");
        heard.deaf.push(topic.to_owned());
        if refusal.is_none() || matches!(failure, Failure::AwsTransient { .. }) {
            refusal = Some(failure);
        }
    }
    match refusal {
        Some(failure) if heard.took == 0 => Err(failure),
        Some(_) | None => Ok(heard),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(topics: &[&str]) -> Result<Heard, Failure> {
        to_each(topics.iter().copied(), async |topic| match topic {
            "gone" => Err(Failure::AwsRejected { what: "cannot publish".into(), source: None }),
            "throttled" => Err(Failure::AwsTransient { what: "cannot publish".into(), source: None }),
            _ => Ok(()),
        })
        .await
    }

    #[tokio::test]
    async fn a_notice_is_told_where_one_topic_took_it_and_the_others_are_named() {
        let heard = told(&["gone", "own", "throttled"]).await.unwrap();
        assert_eq!(heard.summary(), "told 1 of 3 topics; not `gone`, `throttled`");
        assert_eq!(told(&["own", "other"]).await.unwrap().summary(), "told 2 topics");
    }

    #[tokio::test]
    async fn where_none_took_it_it_is_told_again_if_one_may_take_it_later() {
        for topics in [["gone", "throttled"], ["throttled", "gone"]] {
            assert_eq!(told(&topics).await.unwrap_err().name(), "AwsTransient", "{topics:?}");
        }
        assert_eq!(told(&["gone"]).await.unwrap_err().name(), "AwsRejected");
    }
}
