//! `HardenPrimary` on Lambda.

use edge::{aws, object_store::Bucket};
use harden_primary::{World, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::NotServing> {
    let bucket = Bucket::from_env(&aws::config(None).await)?;
    edge::serve(|event| handle(&bucket, &World, event)).await
}
