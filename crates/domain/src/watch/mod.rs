//! What is seen of a primary, by whom, and for how long it is believed.

pub mod health;
pub mod instance_status;
pub mod probe;
pub mod region;
