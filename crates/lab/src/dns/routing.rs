//! Which record sets answer among several of one name and type: pure.

use super::zones::{RecordSet, Routing};

/// Chooses as Route 53 does. `draw` is any number, the same for the same choice.
///
/// - failover: the primary while it is healthy, else the secondary if *that* is healthy, else the
///   primary again: a name is never left without an answer;
/// - weighted: one of the healthy by weight, or of all when none is healthy.
pub(super) fn choose<'a>(
    candidates: &[&'a RecordSet],
    healthy: &dyn Fn(&RecordSet) -> bool,
    draw: u32,
) -> Vec<&'a RecordSet> {
    let of = |routing| candidates.iter().copied().find(|set| set.routing == routing);
    if let Some(primary) = of(Routing::Primary) {
        let secondary = of(Routing::Secondary).filter(|secondary| !healthy(primary) && healthy(secondary));
        return vec![secondary.unwrap_or(primary)];
    }
    if let Some(secondary) = of(Routing::Secondary) {
        return vec![secondary];
    }
    if candidates.iter().any(|set| matches!(set.routing, Routing::Weighted(_))) {
        return by_weight(candidates, healthy, draw).into_iter().collect();
    }
    candidates.to_vec()
}

fn by_weight<'a>(
    candidates: &[&'a RecordSet],
    healthy: &dyn Fn(&RecordSet) -> bool,
    draw: u32,
) -> Option<&'a RecordSet> {
    let well: Vec<&RecordSet> = candidates.iter().copied().filter(|set| healthy(set)).collect();
    let among = if well.is_empty() { candidates.to_vec() } else { well };
    let total: u64 = among.iter().map(|set| weight(set)).sum();
    if total == 0 {
        // All zero: all alike.
        return among.get(draw as usize % among.len().max(1)).copied();
    }
    let mut left = u64::from(draw) % total;
    among.into_iter().find(|set| {
        let own = weight(set);
        let taken = left < own;
        left = left.saturating_sub(own);
        taken
    })
}

fn weight(set: &RecordSet) -> u64 {
    match set.routing {
        Routing::Weighted(weight) => u64::from(weight),
        Routing::Simple | Routing::Primary | Routing::Secondary => 0,
    }
}

#[cfg(test)]
mod tests {
    use hickory_server::proto::rr::{Name, RecordType};

    use super::*;

    fn set(value: &str, routing: Routing) -> RecordSet {
        RecordSet {
            name: Name::root(),
            kind: RecordType::A,
            ttl_seconds: 0,
            values: vec![value.to_owned()],
            routing,
            check: None,
            alias: None,
        }
    }

    fn chosen(sets: &[RecordSet], ill: &[&str], draw: u32) -> String {
        let candidates: Vec<&RecordSet> = sets.iter().collect();
        let healthy = |set: &RecordSet| !ill.contains(&set.values[0].as_str());
        choose(&candidates, &healthy, draw).iter().map(|set| set.values[0].as_str()).collect()
    }

    #[test]
    fn failover_takes_the_secondary_only_when_the_primary_is_ill_and_it_is_not() {
        let pair = [set("a", Routing::Secondary), set("b", Routing::Primary)];
        assert_eq!(chosen(&pair, &[], 0), "b");
        assert_eq!(chosen(&pair, &["b"], 0), "a");
        assert_eq!(chosen(&pair, &["a", "b"], 0), "b");
        assert_eq!(chosen(&pair[..1], &["a"], 0), "a");
    }

    #[test]
    fn weights_share_the_answers_and_the_ill_get_none() {
        let sets = [set("a", Routing::Weighted(1)), set("b", Routing::Weighted(3)), set("c", Routing::Weighted(0))];
        let all: String = (0..4).map(|draw| chosen(&sets, &[], draw)).collect();
        assert_eq!(all, "abbb");
        assert_eq!(chosen(&sets, &["b"], 7), "a");
        assert_eq!(chosen(&sets, &["a", "b", "c"], 1), "b");
    }
}
