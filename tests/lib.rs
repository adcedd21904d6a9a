//! What the whole-system tests share: the repository's files, read as the tests look at them, and their labs.

pub mod labs;
pub mod listener;
pub mod machine;
pub mod modules;
pub mod repository;
pub mod template;
