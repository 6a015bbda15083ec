//! The ramp of a circuit that has just closed: it admits a growing share of its calls.

use std::time::Duration;

/// The share of calls that is admitted at the start of a ramp.
const FIRST_SHARE: f64 = 0.05;

/// The longest ramp. Its end is always before the end of time.
const MAX_RAMP: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The gradual closing of a circuit at one moment; see [`ramp`](crate::ConfigBuilder::ramp).
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{CircuitBreaker, Config, Outcome};
///
/// let config = Config::builder()
///     .failure_threshold(1)
///     .recovery_timeout(Duration::from_nanos(1))
///     .half_open_timeout(Duration::from_secs(60))
///     .success_threshold(1)
///     .ramp(Duration::from_secs(3600));
/// let breaker = CircuitBreaker::new("search", config.build()?)?;
/// breaker.try_acquire()?.settle(Outcome::Failure);
/// breaker.try_acquire()?.settle(Outcome::Success); // the trial call
///
/// let ramp = breaker.snapshot().ramp.unwrap();
/// assert!(ramp.share < 0.06 && ramp.remaining > Duration::from_secs(3500));
/// breaker.force_close(); // wholly
/// assert_eq!(breaker.snapshot().ramp, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Ramp {
    /// The share of calls that is admitted now, from 0.05 to 1.0.
    pub share: f64,
    /// The time until every call is admitted.
    pub remaining: Duration,
}

impl Ramp {
    /// Returns the ramp of `length` that ends after `remaining`.
    pub(crate) fn ending_in(remaining: Duration, length: Duration) -> Self {
        let length = limited(length);
        let left = (remaining.as_secs_f64() / length.as_secs_f64()).clamp(0.0, 1.0);
        Self { share: 1.0 - (1.0 - FIRST_SHARE) * left, remaining }
    }
}

/// Returns the length of a ramp with this setting.
pub(super) fn limited(setting: Duration) -> Duration {
    setting.min(MAX_RAMP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_grows_evenly_from_five_to_a_hundred_percent() {
        let length = Duration::from_secs(40);
        let share = |remaining| Ramp::ending_in(Duration::from_secs(remaining), length).share;
        let expected = [0.05, 0.2875, 0.525, 0.7625, 1.0];
        for (share, expected) in [40, 30, 20, 10, 0].map(share).into_iter().zip(expected) {
            assert!((share - expected).abs() < 1e-12, "{share} {expected}");
        }
    }

    #[test]
    fn the_share_stays_in_its_range_for_every_length() {
        for length in [Duration::from_nanos(1), Duration::from_secs(1), Duration::MAX] {
            for remaining in [Duration::ZERO, Duration::from_nanos(1), Duration::from_hours(1), Duration::MAX]
            {
                let Ramp { share, .. } = Ramp::ending_in(remaining, length);
                assert!((FIRST_SHARE..=1.0).contains(&share), "{share} of {length:?}");
            }
        }
    }
}
