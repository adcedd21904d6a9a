//! The tags of a resource.

use std::collections::BTreeMap;

/// AWS's limit of tags on one resource.
pub(crate) const TAGS_AT_MOST: usize = 50;

/// The tags of a resource.
pub(crate) type Tags = BTreeMap<String, String>;
