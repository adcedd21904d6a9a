//! `Cleanup` on Lambda.

use cleanup::{World, handle};
use edge::{aws, config, object_store::Bucket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::NotServing> {
    let bucket = Bucket::from_env(&aws::config(None).await)?;
    let here = config::region()?;
    edge::serve(|event| handle(&bucket, &World, &here, event)).await
}
