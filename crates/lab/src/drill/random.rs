//! Random drills, the same for the same seed: of the failovers, whose invariants hold after each.

use std::time::Duration;

use super::Scenario;

/// A sequence of random scenarios and timings.
#[derive(Debug, Clone)]
pub struct RandomDrills {
    state: u64,
}

/// The longest time that clients are at work before the disaster: several of the probe's samples and of the alarm's
/// periods in the lab's plan, so that it can happen at every moment of either.
const LONGEST_LEAD_MILLISECONDS: u64 = 3_000;

impl RandomDrills {
    /// A sequence of its own for each seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// `SplitMix64` (Steele, Lea, Flood 2014): small, and the same everywhere.
    fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Without an end: the caller says how many it takes.
impl Iterator for RandomDrills {
    type Item = (Scenario, Duration);

    fn next(&mut self) -> Option<Self::Item> {
        let count = u64::try_from(Scenario::FAILOVERS.len()).ok()?;
        let index = usize::try_from(self.number() % count).ok()?;
        let lead = Duration::from_millis(self.number() % (LONGEST_LEAD_MILLISECONDS + 1));
        Some((*Scenario::FAILOVERS.get(index)?, lead))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_the_published_ones() {
        let mut numbers = RandomDrills::new(1_234_567);
        assert_eq!([numbers.number(), numbers.number()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn a_seed_gives_the_same_drills_each_time_and_every_failover_comes_up() {
        let drawn: Vec<_> = RandomDrills::new(7).take(200).collect();
        assert_eq!(drawn, RandomDrills::new(7).take(200).collect::<Vec<_>>());
        assert!(Scenario::FAILOVERS.iter().all(|scenario| drawn.iter().any(|(found, _)| found == scenario)));
        assert!(drawn.iter().all(|(_, lead)| lead.as_millis() <= u128::from(LONGEST_LEAD_MILLISECONDS)));
    }
}
