//! `StartFailover` on Lambda.

use edge::{aws, config, object_store::Bucket};
use start_failover::{Engine, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::NotServing> {
    let aws = aws::config(None).await;
    let (bucket, region) = (Bucket::from_env(&aws)?, config::region()?);
    let engine = Engine::from_env(&aws, &region)?;
    edge::serve(|event| handle(&bucket, &engine, &region, event)).await
}
