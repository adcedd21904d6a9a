//! A client that commits an increasing sequence through the DNS name, as an application would, and measures a
//! disaster from its own side.

mod view;

pub use view::{ClientView, Loss, MOST_IDS, MOST_TRACED, Outage, Rows, Trace};
