//! Pauses that double after each failure in a row.

use std::time::Duration;

/// The pauses after failures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    pub(super) first: Duration,
    pub(super) max: Duration,
    /// Failures in a row.
    pub(super) failures: u32,
}

impl Backoff {
    pub(super) const fn new(first: Duration, max: Duration) -> Self {
        Self { first, max, failures: 0 }
    }

    /// Returns the pause after another failure.
    pub(super) fn next(&mut self) -> Duration {
        let factor = 2_u32.saturating_pow(self.failures);
        self.failures = self.failures.saturating_add(1);
        self.first.saturating_mul(factor).min(self.max)
    }

    /// Returns `true` if there has been no failure since the last success.
    pub(super) const fn is_reset(&self) -> bool {
        self.failures == 0
    }

    pub(super) const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_maximum_and_start_again_after_a_success() {
        let second = Duration::from_secs(1);
        let mut backoff = Backoff::new(second, second * 5);
        let pauses = [(); 4].map(|()| backoff.next());
        assert_eq!(pauses, [second, second * 2, second * 4, second * 5]);
        backoff.reset();
        assert_eq!(backoff.next(), second);
        backoff.failures = u32::MAX;
        assert_eq!(backoff.next(), second * 5);
    }
}
