//! Numbers that look random and are the same each time.

/// Marsaglia's xorshift with 64 bits: good enough to shuffle with, and no dependency.
pub struct Chance(u64);

impl Chance {
    /// Each seed has numbers of its own.
    pub fn seeded(seed: u64) -> Self {
        // Never zero, of which only zeros follow.
        Self((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// One of 0 to `limit - 1`. The remainder favours small ones by next to nothing.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    /// In any order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}
