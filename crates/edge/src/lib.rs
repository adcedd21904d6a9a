//! The world as Lifeboat meets it.
