//! `CloseRun` on Lambda.

use close_run::handle;
use edge::{aws, clock, metrics::Metrics, object_store::Bucket, states::States};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::NotServing> {
    let bucket = Bucket::from_env(&aws::config(None).await)?;
    let (states, metrics) = (States::from_env().await, Metrics::from_env().await);
    edge::serve(|event| handle(&bucket, &states, &metrics, clock::now(), event)).await
}
