//! `JudgeFailover` on Lambda.

use edge::{aws, object_store::Bucket};
use judge_failover::{World, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::NotServing> {
    let bucket = Bucket::from_env(&aws::config(None).await)?;
    let world = World::from_env(bucket).await?;
    edge::serve_waking(&world.bucket, &world.postgres, |event| handle(&world.bucket, &world, event)).await
}
