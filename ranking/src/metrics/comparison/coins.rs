//! Fair coins from a seed.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// Fair coins, the same for the same seed.
pub(crate) struct Coins {
    generator: ChaCha8Rng,
    bits: u64,
    left: u32,
}

impl Coins {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self {
            generator: ChaCha8Rng::seed_from_u64(seed),
            bits: 0,
            left: 0,
        }
    }

    pub(crate) fn toss(&mut self) -> bool {
        if self.left == 0 {
            (self.bits, self.left) = (self.generator.next_u64(), u64::BITS);
        }
        let head = self.bits & 1 == 1;
        self.bits >>= 1;
        self.left -= 1;
        head
    }
}

#[cfg(test)]
mod tests {
    use super::Coins;

    #[test]
    fn coins_are_fair() {
        let mut coins = Coins::seeded(1);
        let heads = (0..10_000).filter(|_| coins.toss()).count();
        assert!((4_850..5_150).contains(&heads), "{heads}");
    }
}
