//! What is left behind: evidence of a run, where it stands, and what people are told.

pub mod ending;
pub mod evidence;
pub mod notice;
pub mod notification;
mod objective;
pub mod standing;
pub mod status_change;
mod steps;
