//! `CheckHealth` on Lambda.

use check_health::{World, handle};
use edge::{aws, config, object_store::Bucket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::NotServing> {
    let (bucket, region) = (Bucket::from_env(&aws::config(None).await)?, config::region()?);
    let world = World::from_env(bucket.clone(), &region).await?;
    edge::serve(|event| handle(&bucket, &world, &region, event)).await
}
