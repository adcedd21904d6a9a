//! `OpenBackup` on Lambda.

use edge::{aws, clock, config, object_store::Bucket};
use open_backup::handle;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::NotServing> {
    let bucket = Bucket::from_env(&aws::config(None).await)?;
    let region = config::region()?;
    edge::serve(|event| handle(&bucket, &region, clock::now(), event)).await
}
