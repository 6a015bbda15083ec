//! Durations of calls: histograms, on the striped cells of `sync/striped.rs`.
//!
//! A histogram has eight buckets per octave; [`DurationBucket::middle`] states the error.

use std::time::Duration;

use crate::sync::striped::{Striped, StripedCell};
use crate::sync::{AtomicU64, Ordering};

/// The durations of the calls of a circuit breaker.
///
/// It contains the calls that began and ended while `durations` was enabled: successful, failed and timed-out calls,
/// but not ignored calls and not those while the breaker was disabled.
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{CircuitBreaker, Config, Outcome};
///
/// let breaker = CircuitBreaker::new("search", Config::builder().durations(true).build()?)?;
/// breaker.try_acquire()?.settle(Outcome::Success);
///
/// let durations = breaker.snapshot().durations.unwrap();
/// assert_eq!(durations.count(), 1);
/// assert_eq!(durations.mean(), Some(durations.sum())); // of one call
/// assert!(durations.p50() <= durations.p95() && durations.p95() <= durations.p99());
/// assert!(durations.quantile(0.999).unwrap() >= durations.p99().unwrap());
/// assert_eq!(durations.count_within(Duration::from_secs(60)), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallDurations {
    buckets: Vec<u64>,
    count: u64,
    sum: Duration,
}

/// The calls of a breaker whose durations are almost the same; see [`CallDurations::buckets`].
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, Outcome};
///
/// let breaker = CircuitBreaker::new("payment", Config::builder().durations(true).build()?)?;
/// breaker.try_acquire()?.settle(Outcome::Success);
///
/// let durations = breaker.snapshot().durations.unwrap();
/// for bucket in durations.buckets() {
///     println!("{} calls took about {:?}", bucket.count, bucket.middle);
/// }
/// assert_eq!(durations.buckets().map(|bucket| bucket.count).sum::<u64>(), durations.count());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DurationBucket {
    /// The middle of the bucket. The durations of its calls differ from it by at most 6.25 %, or 1 µs if they are
    /// shorter than that. It is 78 min for all calls of more than 73 min.
    pub middle: Duration,
    /// The number of calls, at least one.
    pub count: u64,
}

/// Records the durations of one breaker's calls.
#[derive(Debug)]
pub(crate) struct DurationRecorder {
    histograms: Striped<Histogram>,
}

#[derive(Debug)]
struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    sum: AtomicU64,
}

/// Binary logarithm of the end of the first bucket, in nanoseconds: about 1 µs.
const FIRST_OCTAVE: u32 = 10;
const LAST_OCTAVE: u32 = 41;
/// Binary logarithm of the number of buckets per octave.
const BITS: u32 = 3;
/// Number of buckets, including one for shorter and one for longer durations.
const BUCKETS: usize = ((LAST_OCTAVE - FIRST_OCTAVE + 1) << BITS) as usize + 2;

impl DurationRecorder {
    pub(crate) fn new() -> Self {
        Self { histograms: Striped::new() }
    }

    #[inline]
    pub(crate) fn add(&self, nanos: u64) {
        match self.histograms.owned() {
            Some(histogram) => histogram.add_owned(nanos),
            None => match self.histograms.cell() {
                StripedCell::Owned(histogram) => histogram.add_owned(nanos),
                StripedCell::Shared(histogram) => histogram.value().add_shared(nanos),
            },
        }
    }

    pub(crate) fn read(&self) -> CallDurations {
        let mut buckets = vec![0; BUCKETS];
        let mut sum = 0_u64;
        for histogram in self.histograms.iter() {
            for (total, bucket) in buckets.iter_mut().zip(&histogram.buckets) {
                *total += bucket.load(Ordering::Relaxed);
            }
            sum = sum.saturating_add(histogram.sum.load(Ordering::Relaxed));
        }
        CallDurations { count: buckets.iter().sum(), buckets, sum: Duration::from_nanos(sum) }
    }
}

impl Histogram {
    /// Adds to a histogram that only this thread writes.
    #[inline]
    fn add_owned(&self, nanos: u64) {
        if let Some(bucket) = self.buckets.get(bucket_of(nanos)) {
            bucket.store(bucket.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        }
        self.sum.store(self.sum.load(Ordering::Relaxed).saturating_add(nanos), Ordering::Relaxed);
    }

    /// Adds to a histogram that other threads write too.
    fn add_shared(&self, nanos: u64) {
        if let Some(bucket) = self.buckets.get(bucket_of(nanos)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        // A reading may miss the store for a moment.
        if self.sum.fetch_add(nanos, Ordering::Relaxed).checked_add(nanos).is_none() {
            self.sum.store(u64::MAX, Ordering::Relaxed);
        }
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: std::array::from_fn(|_| AtomicU64::new(0)), sum: AtomicU64::new(0) }
    }
}

impl CallDurations {
    pub(crate) fn add(&mut self, other: &Self) {
        self.buckets.resize(BUCKETS, 0);
        for (sum, count) in self.buckets.iter_mut().zip(&other.buckets) {
            *sum += count;
        }
        self.count += other.count;
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// Returns the number of recorded calls.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Returns the sum of all durations. It saturates at 2^64 ns, about 584 years.
    #[must_use]
    pub const fn sum(&self) -> Duration {
        self.sum
    }

    /// Returns the mean; `None` before the first call.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        let nanos = u64::try_from(self.sum.as_nanos()).unwrap_or(u64::MAX);
        nanos.checked_div(self.count).map(Duration::from_nanos)
    }

    /// Returns the median; see [`quantile`](Self::quantile).
    #[must_use]
    pub fn p50(&self) -> Option<Duration> {
        self.quantile(0.50)
    }

    /// Returns the 95th percentile; see [`quantile`](Self::quantile).
    #[must_use]
    pub fn p95(&self) -> Option<Duration> {
        self.quantile(0.95)
    }

    /// Returns the 99th percentile; see [`quantile`](Self::quantile).
    #[must_use]
    pub fn p99(&self) -> Option<Duration> {
        self.quantile(0.99)
    }

    /// Returns the `q`-quantile, with `q` from 0 to 1: the duration that this share of the calls did not
    /// exceed.
    ///
    /// The result is the [middle](DurationBucket::middle) of a bucket, which states the error.
    /// Returns `None` before the first call, and if `q` is out of range.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        if self.count == 0 || !(0.0..=1.0).contains(&q) {
            return None;
        }
        let rank = rank(self.count, q);
        let mut below = 0;
        let bucket = self.buckets.iter().position(|count| {
            below += count;
            below >= rank
        })?;
        Some(Duration::from_nanos(middle_of(bucket)))
    }

    /// Returns the calls by duration, shortest first. Buckets without a call are omitted.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome};
    ///
    /// let breaker = CircuitBreaker::new("search", Config::builder().durations(true).build()?)?;
    /// breaker.try_acquire()?.settle(Outcome::Success);
    /// let durations = breaker.snapshot().durations.unwrap();
    /// let buckets: Vec<_> = durations.buckets().collect();
    /// assert_eq!(buckets[0].count, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn buckets(&self) -> impl Iterator<Item = DurationBucket> + '_ {
        let buckets = self.buckets.iter().enumerate().filter(|(_, count)| **count > 0);
        buckets.map(|(bucket, count)| DurationBucket {
            middle: Duration::from_nanos(middle_of(bucket)),
            count: *count,
        })
    }

    /// Returns the durations that were recorded after those of `earlier`, an earlier reading of the same breaker.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome};
    ///
    /// let breaker = CircuitBreaker::new("search", Config::builder().durations(true).build()?)?;
    /// breaker.try_acquire()?.settle(Outcome::Success);
    /// let earlier = breaker.snapshot().durations.unwrap();
    /// breaker.try_acquire()?.settle(Outcome::Success);
    /// let durations = breaker.snapshot().durations.unwrap();
    /// assert_eq!((durations.count(), durations.since(&earlier).count()), (2, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let before = earlier.buckets.iter().chain(std::iter::repeat(&0));
        // A reading of many keys may miss a few calls of keys that are being removed.
        let new = self.buckets.iter().zip(before).map(|(now, before)| now.saturating_sub(*before));
        let buckets: Vec<u64> = new.collect();
        Self { count: buckets.iter().sum(), buckets, sum: self.sum.saturating_sub(earlier.sum) }
    }

    /// Returns the number of calls that took at most this long.
    ///
    /// Includes calls that took up to 12.5 % or 1 µs longer, because they are in the same bucket. Calls of more than
    /// 73 min are all in one bucket, so they are within `Duration::MAX` only: the result for a limit of two hours does
    /// not contain a call of 90 minutes.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome};
    ///
    /// let breaker = CircuitBreaker::new("payment", Config::builder().durations(true).build()?)?;
    /// breaker.try_acquire()?.settle(Outcome::Success);
    ///
    /// let durations = breaker.snapshot().durations.unwrap();
    /// let within_objective = durations.count_within(Duration::from_secs(60));
    /// assert_eq!((within_objective, durations.count()), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn count_within(&self, limit: Duration) -> u64 {
        if limit == Duration::MAX {
            return self.count;
        }
        let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        let counted = (bucket_of(nanos) + 1).min(BUCKETS - 1);
        self.buckets.iter().take(counted).sum()
    }
}

/// Returns the smallest number of `count` calls, at least one, whose share is not less than `q`, from 0 to 1.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a quantile of 2^53 calls need not be exact"
)]
fn rank(count: u64, q: f64) -> u64 {
    let rank = (count as f64 * q).ceil();
    // A product such as 100 * 0.07 may be slightly too large, but 7.0 / 100.0 equals the literal 0.07.
    let rank = if (rank - 1.0) / count as f64 >= q { rank - 1.0 } else { rank };
    (rank as u64).clamp(1, count)
}

#[inline]
fn bucket_of(nanos: u64) -> usize {
    let octave = nanos.max(1).ilog2();
    if octave < FIRST_OCTAVE {
        return 0;
    }
    if octave > LAST_OCTAVE {
        return BUCKETS - 1;
    }
    // The bits after the leading one are the index within the octave.
    let within = (nanos >> (octave - BITS)) & ((1 << BITS) - 1);
    (((octave - FIRST_OCTAVE) << BITS) as usize) + within as usize + 1
}

fn middle_of(bucket: usize) -> u64 {
    let start = start_of(bucket);
    start + (start_of(bucket + 1) - start) / 2
}

fn start_of(bucket: usize) -> u64 {
    let Some(bucket) = bucket.checked_sub(1) else {
        return 0;
    };
    let octave = FIRST_OCTAVE + u32::try_from(bucket >> BITS).unwrap_or(LAST_OCTAVE);
    let within = (bucket & ((1 << BITS) - 1)) as u64;
    ((1 << BITS) + within) << (octave - BITS)
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_duration_is_within_its_bucket() {
        for nanos in
            (0..44).flat_map(|bits| [1_u64 << bits, (1 << bits) + 1, (1 << bits) * 3 / 2, (2 << bits) - 1])
        {
            let bucket = bucket_of(nanos);
            assert!(start_of(bucket) <= nanos, "{nanos}");
            assert!(bucket == BUCKETS - 1 || nanos < start_of(bucket + 1), "{nanos}");
        }
        assert_eq!([bucket_of(0), bucket_of(u64::MAX)], [0, BUCKETS - 1]);
    }

    #[test]
    fn quantiles_have_an_error_of_at_most_one_sixteenth() {
        let recorder = DurationRecorder::new();
        for millis in 1..=1000 {
            recorder.add(millis * 1_000_000);
        }
        let durations = recorder.read();
        assert_eq!(durations.count(), 1000);
        assert_eq!(durations.mean(), Some(Duration::from_micros(500_500)));
        for (quantile, millis) in
            [(durations.p50(), 500.0), (durations.p95(), 950.0), (durations.p99(), 990.0)]
        {
            let found = quantile.expect("there are calls").as_secs_f64() * 1000.0;
            assert!((found / millis - 1.0).abs() <= 0.0625, "{found} {millis}");
        }
        assert_eq!(durations.quantile(f64::NAN), None);
        assert_eq!(durations.quantile(1.1), None);
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "the counts are small")]
    fn the_quantile_of_a_share_of_the_calls_has_exactly_the_rank_of_this_share() {
        for count in (1..=1000).chain([10_007, 99_999, 999_983, 1_000_000]) {
            for part in 1..=count {
                assert_eq!(rank(count, part as f64 / count as f64), part, "of {count}");
            }
        }
        assert_eq!([rank(10, 0.0), rank(10, 0.01), rank(10, 0.11), rank(10, 0.91)], [1, 1, 2, 10]);
    }

    #[test]
    fn a_quantile_is_not_that_of_the_next_call() {
        for (fast, q) in [(7, 0.07), (14, 0.14), (28, 0.28), (29, 0.29), (55, 0.55), (57, 0.57)] {
            let recorder = DurationRecorder::new();
            for call in 0..100 {
                recorder.add(if call < fast { 1_000_000 } else { 1_000_000_000 });
            }
            let found = recorder.read().quantile(q);
            assert!(found < Some(Duration::from_millis(2)), "{q}: {found:?}");
        }
    }

    #[test]
    fn a_call_that_is_too_long_for_the_buckets_is_within_no_limit_except_the_longest() {
        let recorder = DurationRecorder::new();
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        for length in [60, 90, 600] {
            recorder.add(u64::try_from(minutes(length).as_nanos()).expect("it is short enough"));
        }
        recorder.add(u64::MAX);
        let durations = recorder.read();
        let within = [70, 80, 120, 60_000].map(|limit| durations.count_within(minutes(limit)));
        assert_eq!(within, [1, 1, 1, 1]);
        assert_eq!(durations.count_within(Duration::from_nanos(u64::MAX - 1)), 1);
        assert_eq!(durations.count_within(Duration::from_secs(1 << 50)), 1);
        assert_eq!(durations.count_within(Duration::MAX), 4);
        assert_eq!(CallDurations::default().count_within(Duration::MAX), 0);
    }

    #[test]
    fn the_sum_saturates_in_owned_and_shared_histograms() {
        let (owned, shared) = (Histogram::default(), Histogram::default());
        for nanos in [1, u64::MAX - 2, 1, 1, u64::MAX, 7] {
            owned.add_owned(nanos);
            shared.add_shared(nanos);
            let sums = [&owned, &shared].map(|histogram| histogram.sum.load(Ordering::Relaxed));
            assert_eq!(sums[0], sums[1], "after {nanos}");
        }
        assert_eq!(shared.sum.load(Ordering::Relaxed), u64::MAX);
    }

    #[test]
    fn an_empty_recorder_has_no_quantile_and_no_mean() {
        let empty = DurationRecorder::new().read();
        assert_eq!((empty.mean(), empty.p99(), empty.count()), (None, None, 0));
    }
}
