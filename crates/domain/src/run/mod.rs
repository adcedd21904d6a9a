//! What every run has, whatever it is for: its steps' answers, what its checks found, how it ended.

pub mod answers;
pub mod outcome;
pub mod step;
pub mod verification;
