//! `CheckReadiness` on Lambda.

use check_readiness::{World, handle};
use edge::{aws, object_store::Bucket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::NotServing> {
    let bucket = Bucket::from_env(&aws::config(None).await)?;
    let world = World::from_env(bucket.clone()).await?;
    edge::serve(|event| handle(&bucket, &world, event)).await
}
