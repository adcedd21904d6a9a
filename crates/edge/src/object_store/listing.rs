//! What there is in a bucket, and which buckets there are.

use domain::words::failure::Failure;

use super::Bucket;
use crate::aws_failure;

/// AWS has fewer Regions.
const MOST_BUCKETS: i32 = 100;

/// Pages of a thousand keys that are listed at most.
const MOST_PAGES: usize = 100;

/// A key of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The key.
    pub key: String,
    /// When it was last written, in seconds since the epoch.
    pub written_at: i64,
}

impl Bucket {
    /// The account's buckets whose names begin like this, in whichever Region.
    ///
    /// # Errors
    /// As AWS answers.
    pub async fn siblings(&self, prefix: &str) -> Result<Vec<String>, Failure> {
        let answer = self.client.list_buckets().prefix(prefix).max_buckets(MOST_BUCKETS).send().await;
        let answer = answer.map_err(|error| aws_failure!(format!("cannot list the buckets {prefix}…"), error))?;
        let names = answer.buckets().iter().filter_map(|bucket| bucket.name());
        Ok(names.filter(|name| name.starts_with(prefix)).map(str::to_owned).collect())
    }

    /// Every object whose key begins like this.
    ///
    /// # Errors
    /// As AWS answers; `AwsRejected` where there are more than can be looked through: of a part nothing is concluded.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Listed>, Failure> {
        let (mut listed, mut next) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let request = self.client.list_objects_v2().bucket(&self.name).prefix(prefix);
            let page = request.set_continuation_token(next).send().await;
            let page = page.map_err(|error| aws_failure!(self.place("cannot list", prefix), error))?;
            listed.extend(page.contents().iter().filter_map(|object| {
                let written_at = object.last_modified().map_or(0, |at| at.secs());
                Some(Listed { key: object.key()?.to_owned(), written_at })
            }));
            next = page.next_continuation_token().map(str::to_owned);
            if next.is_none() {
                return Ok(listed);
            }
        }
        let what = format!("{}: more than {MOST_PAGES} pages of them", self.place("cannot list", prefix));
        Err(Failure::AwsRejected { what, source: None })
    }
}
