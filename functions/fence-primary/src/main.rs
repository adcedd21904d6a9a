//! `FencePrimary` on Lambda.

use edge::{aws, object_store::Bucket, states::States};
use fence_primary::{World, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::NotServing> {
    let bucket = Bucket::from_env(&aws::config(None).await)?;
    let world = World::from_env(bucket.clone()).await?;
    let states = States::from_env().await;
    edge::serve_waking(&bucket, &world.postgres, |event| handle(&bucket, &states, &world, event)).await
}
