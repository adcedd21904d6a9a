//! `DrainPrimary` on Lambda.

use drain_primary::{World, handle};
use edge::{aws, object_store::Bucket, states::States};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::NotServing> {
    let bucket = Bucket::from_env(&aws::config(None).await)?;
    let world = World::from_env(bucket.clone()).await?;
    let states = States::from_env().await;
    edge::serve(|event| handle(&bucket, &states, &world, event)).await
}
