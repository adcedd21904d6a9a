//! RDS's Query protocol: requests, actions and answers.

pub(crate) mod actions;
pub(crate) mod answer;
pub(crate) mod endpoint;
pub(crate) mod query;
pub(crate) mod xml;
