//! Child processes that cannot outlive whoever started them.
//!
//! - [`Spawner`] starts children that receive a signal when this process is gone, however it ends;
//! - [`supervisor`] is a process above this one that ends whatever it leaves behind;
//! - [`tree`] signals a process with all that descend from it.

mod run_as;
mod spawner;
pub mod supervisor;
pub mod tree;

pub use run_as::RunAs;
pub use spawner::{DeathSignal, Spawner};
