//! Where each path of a plan is written.

use std::collections::BTreeMap;

use super::super::finding::Place;

/// Where each path of a plan is written.
#[derive(Debug, Default)]
pub(super) struct Places(BTreeMap<String, Place>);

impl Places {
    pub(super) fn insert(&mut self, path: &str, place: Place) {
        self.0.insert(path.to_owned(), place);
    }

    /// The place of `path`, or of the nearest group around it that is written.
    pub(super) fn of(&self, path: &str) -> Option<Place> {
        let mut path = path;
        loop {
            if let Some(place) = self.0.get(path) {
                return Some(*place);
            }
            if path.is_empty() {
                return None;
            }
            path = &path[..path.rfind(['.', '[']).unwrap_or(0)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_written_is_placed_where_it_would_be() {
        let mut places = Places::default();
        places.insert("", Place { line: 1, column: 1 });
        places.insert("verify", Place { line: 5, column: 3 });
        places.insert("verify[0]", Place { line: 6, column: 5 });
        for (path, line) in [("verify[0]", 6), ("verify[0].within", 6), ("verify[1].within", 5), ("probe.interval", 1)]
        {
            assert_eq!(places.of(path).map(|place| place.line), Some(line), "{path}");
        }
    }
}
