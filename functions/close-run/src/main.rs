//! `CloseRun` on Lambda.

use close_run::handle;
use edge::{aws, clock, object_store::Bucket, states::States};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::NotServing> {
    let bucket = Bucket::from_env(&aws::config(None).await)?;
    let states = States::from_env().await;
    edge::serve(|event| handle(&bucket, &states, clock::now(), event)).await
}
