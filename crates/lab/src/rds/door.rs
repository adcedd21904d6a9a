//! Whom a server lets in, as its security groups say.

use std::collections::BTreeMap;

/// Whom a server lets in. Ordered: of several groups the widest counts.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Door {
    /// Nobody but the service itself.
    Shut,
    /// Lifeboat's functions: here, logins that may monitor, because all addresses are loopback ones.
    Functions,
    /// Everybody.
    Open,
}

/// The security groups of a Region that do not let everybody in.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct ClosedGroups(BTreeMap<String, Door>);

/// Marks a group that lets functions in.
const FUNCTIONS: &str = "+functions";

impl ClosedGroups {
    /// From a list as `sg-1,sg-2+functions`.
    pub(super) fn parse(list: &str) -> Self {
        let groups = list.split(',').map(str::trim).filter(|group| !group.is_empty());
        Self(
            groups
                .map(|group| match group.strip_suffix(FUNCTIONS) {
                    Some(group) => (group.to_owned(), Door::Functions),
                    None => (group.to_owned(), Door::Shut),
                })
                .collect(),
        )
    }

    /// The door of an instance in these groups. Traffic passes if any group lets it in.
    pub(super) fn door(&self, groups: &[String]) -> Door {
        groups.iter().map(|group| self.0.get(group).copied().unwrap_or(Door::Open)).max().unwrap_or(Door::Open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_group_counts_and_none_lets_everybody_in() {
        let closed = ClosedGroups::parse("sg-1, sg-2+functions,");
        let door = |groups: &[&str]| closed.door(&groups.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(door(&["sg-1"]), Door::Shut);
        assert_eq!(door(&["sg-1", "sg-2"]), Door::Functions);
        assert_eq!(door(&["sg-2", "sg-3"]), Door::Open);
        assert_eq!(door(&[]), Door::Open);
    }
}
