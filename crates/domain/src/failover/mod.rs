//! Moving a primary to its other side: who may, whether it should be, and each step of it with its undo.

pub mod all;
pub mod approval;
pub mod caller;
pub mod correction;
pub mod drain;
pub mod fencing;
pub mod guard;
pub mod hardening;
pub mod judgement;
pub mod lease;
pub mod loss;
pub mod named;
pub mod promotion;
pub mod request;
pub mod run;
pub mod starter;
pub mod succession;
pub mod traffic;
