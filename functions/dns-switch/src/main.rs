//! `DnsSwitch` on Lambda.

use dns_switch::{World, handle};
use edge::{aws, object_store::Bucket, states::States};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::NotServing> {
    let bucket = Bucket::from_env(&aws::config(None).await)?;
    let (world, states) = (World::from_env().await?, States::from_env().await);
    edge::serve(|event| handle(&bucket, &states, &world, event)).await
}
