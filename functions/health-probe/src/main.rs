//! `HealthProbe` on Lambda.

use edge::{aws, object_store::Bucket};
use health_probe::{Probe, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::NotServing> {
    let bucket = Bucket::from_env(&aws::config(None).await)?;
    let probe = Probe::from_env(bucket.clone()).await?;
    edge::serve(|event| handle(&bucket, &probe, event)).await
}
