//! `CloseBackup` on Lambda.

use close_backup::handle;
use edge::{aws, clock, metrics::Metrics, object_store::Bucket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::NotServing> {
    let bucket = Bucket::from_env(&aws::config(None).await)?;
    let metrics = Metrics::from_env().await;
    edge::serve(|event| handle(&bucket, &metrics, clock::now(), event)).await
}
