//! `OpenBackup` on Lambda.

use edge::{aws, clock, config, object_store::Bucket, states::States};
use open_backup::handle;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::NotServing> {
    let bucket = Bucket::from_env(&aws::config(None).await)?;
    let (states, region) = (States::from_env().await, config::region()?);
    edge::serve(|event| handle(&bucket, &states, &region, clock::now(), event)).await
}
