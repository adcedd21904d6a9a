//! `GuardPrimary` on Lambda.

use edge::{aws, object_store::Bucket};
use guard_primary::{Watcher, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::NotServing> {
    let bucket = Bucket::from_env(&aws::config(None).await)?;
    let watcher = Watcher::from_env(bucket.clone()).await?;
    edge::serve_waking(&bucket, &watcher.postgres, |event| handle(&bucket, &watcher, event)).await
}
