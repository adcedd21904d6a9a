//! `OpenRun` on Lambda.

use edge::{aws, caller::Sts, clock, config, object_store::Bucket, states::States};
use open_run::handle;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::NotServing> {
    let bucket = Bucket::from_env(&aws::config(None).await)?;
    let (states, sts, region) = (States::from_env().await, Sts::from_env().await, config::region()?);
    edge::serve(|event| handle(&bucket, &states, &sts, (&region, clock::now()), event)).await
}
