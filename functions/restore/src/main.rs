//! `Restore` on Lambda.

use edge::clock;
use restore::{World, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::NotServing> {
    edge::serve(|event| handle(&World, clock::now(), event)).await
}
