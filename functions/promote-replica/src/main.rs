//! `PromoteReplica` on Lambda.

use edge::{aws, object_store::Bucket, postgres::Postgres, states::States};
use promote_replica::{World, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::NotServing> {
    let bucket = Bucket::from_env(&aws::config(None).await)?;
    let world = World { postgres: Postgres::from_env(bucket.clone()).await? };
    let states = States::from_env().await;
    edge::serve_waking(&bucket, &world.postgres, |event| handle(&bucket, &states, &world, event)).await
}
