//! Random numbers for jitter and for ids. They are not fit for cryptography.
//!
//! They come from the seeds of the standard library's hash maps, which differ for every map, so that the crate
//! needs no generator of its own. A number costs one `SipHash` round: fine for a state change, not for a call.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Returns 64 random bits.
pub(crate) fn bits() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Returns a random number from 0.0 inclusive to 1.0 exclusive.
#[expect(clippy::cast_precision_loss, reason = "53 bits are exactly what an `f64` holds")]
pub(crate) fn fraction() -> f64 {
    const STEPS: u64 = 1 << 53;
    (bits() % STEPS) as f64 / STEPS as f64
}

#[cfg(test)]
mod tests {
    use super::{bits, fraction};

    #[test]
    fn two_draws_differ() {
        assert_ne!(bits(), bits());
    }

    #[test]
    fn fractions_spread_evenly_from_zero_to_one() {
        let mut tenths = [0_u32; 10];
        for _ in 0..10_000 {
            let drawn = fraction();
            assert!((0.0..1.0).contains(&drawn));
            let below = (1..10).take_while(|&tenth| f64::from(tenth) / 10.0 <= drawn).count();
            *tenths.get_mut(below).unwrap() += 1;
        }
        assert!(tenths.iter().all(|count| (800..1200).contains(count)), "{tenths:?}");
    }
}
