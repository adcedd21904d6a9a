//! Whom a server lets in, as its security groups say.

use std::collections::BTreeMap;

/// Whom a server lets in. Ordered: of several groups the widest counts.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Ingress {
    /// Nobody but the service itself.
    Nobody,
    /// Lifeboat's functions: here, logins that may monitor, because all addresses are loopback ones.
    Functions,
    /// Everybody.
    Everybody,
}

/// The security groups of a Region that do not let everybody in.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct ClosedGroups(BTreeMap<String, Ingress>);

/// Marks a group that lets functions in.
const FUNCTIONS: &str = "+functions";

impl ClosedGroups {
    /// From a list as `sg-1,sg-2+functions`.
    pub(crate) fn parse(list: &str) -> Self {
        let groups = list.split(',').map(str::trim).filter(|group| !group.is_empty());
        Self(
            groups
                .map(|group| match group.strip_suffix(FUNCTIONS) {
                    Some(group) => (group.to_owned(), Ingress::Functions),
                    None => (group.to_owned(), Ingress::Nobody),
                })
                .collect(),
        )
    }

    /// The ingress of an instance in these groups. Traffic passes if any group lets it in.
    pub(crate) fn ingress(&self, groups: &[String]) -> Ingress {
        groups
            .iter()
            .map(|group| self.0.get(group).copied().unwrap_or(Ingress::Everybody))
            .max()
            .unwrap_or(Ingress::Everybody)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_group_counts_and_none_lets_everybody_in() {
        let closed = ClosedGroups::parse("sg-1, sg-2+functions,");
        let ingress = |groups: &[&str]| closed.ingress(&groups.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(ingress(&["sg-1"]), Ingress::Nobody);
        assert_eq!(ingress(&["sg-1", "sg-2"]), Ingress::Functions);
        assert_eq!(ingress(&["sg-2", "sg-3"]), Ingress::Everybody);
        assert_eq!(ingress(&[]), Ingress::Everybody);
    }
}
