//! `Notify` on Lambda.

use edge::{aws, config, object_store::Bucket, sns::Sns};
use notify::handle;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::NotServing> {
    let bucket = Bucket::from_env(&aws::config(None).await)?;
    let (topic, sns) = (config::topic()?, Sns::from_env().await);
    edge::serve(|event| handle(&bucket, &sns, &topic, event)).await
}
