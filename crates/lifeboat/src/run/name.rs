//! Names of executions that are started by hand.

use domain::words::id::PlanName;

/// How often the same order may be given.
pub(super) const MOST: usize = 20;

/// The names that one order may run under, in turn. The same order has the same names, so that one given twice by
/// mistake finds its first run.
pub(super) fn names(plan: &PlanName, input: &str) -> impl Iterator<Item = String> {
    let base = format!("by-hand-{plan}-{:016x}", fnv1a(input.as_bytes()));
    (1..=MOST).map(move |turn| if turn == 1 { base.clone() } else { format!("{base}-{turn}") })
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo). The same in every version of this command, which the standard library's hash is not.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        for (text, hash) in
            [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)]
        {
            assert_eq!(fnv1a(text.as_bytes()), hash, "{text}");
        }
    }

    #[test]
    fn an_order_has_the_same_names_each_time_and_fits_step_functions() {
        let plan: PlanName = "p".repeat(40).parse().unwrap();
        let first: Vec<String> = names(&plan, "{}").collect();
        assert_eq!(first, names(&plan, "{}").collect::<Vec<_>>());
        assert_ne!(first[0], names(&plan, "{} ").next().unwrap());
        assert_eq!(first.len(), MOST);
        assert!(first.iter().all(|name| name.len() <= 80), "Step Functions allows 80 characters: {first:?}");
    }
}
