//! What is left behind: evidence of a run, where it stands, and what people are told.

pub mod ending;
pub mod evidence;
pub mod notice;
mod objective;
pub mod standing;
mod steps;
