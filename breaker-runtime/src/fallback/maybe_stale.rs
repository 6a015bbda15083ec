//! A value with a mark that tells whether it is an earlier one.

use std::ops::Deref;
use std::time::Duration;

/// A value that is either the answer of this call, or that of an earlier call which `last_good` returned instead.
///
/// A function whose fallback is `last_good` can return `Result<MaybeStale<T>, E>`. Its body returns
/// `Ok(value.into())`, and its callers see the age of the value.
///
/// The type must be in the signature of the function, or in that of an alias. A generic function that returns
/// `Result<T, E>` knows only `T`: if a caller chooses a `MaybeStale` for it, an earlier value is returned as it was
/// remembered, **without the mark**. Write `Result<MaybeStale<T>, E>` there.
///
/// ```
/// use breaker_runtime::fallback::MaybeStale;
/// use breaker_runtime::{BreakerError, Registry, circuit_breaker};
///
/// #[circuit_breaker(name = "rates", fallback = last_good(max_age = "1h", key = currency))]
/// fn rate(currency: &str) -> Result<MaybeStale<f64>, BreakerError> {
///     // the real call
/// #   _ = currency;
///     Ok(1.25.into())
/// }
///
/// assert!(!rate("EUR")?.is_stale());
/// Registry::global().get("rates").unwrap().force_open();
/// let rate = rate("EUR")?;
/// assert!(rate.is_stale() && rate.age().is_some());
/// assert_eq!(*rate, 1.25);
/// # Ok::<(), BreakerError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MaybeStale<T> {
    value: T,
    age: Option<Duration>,
}

impl<T> MaybeStale<T> {
    /// Returns `true` if this is the value of an earlier call.
    ///
    /// ```
    /// # use breaker_runtime::fallback::MaybeStale;
    /// assert!(!MaybeStale::from(5).is_stale());
    /// ```
    #[must_use]
    pub const fn is_stale(&self) -> bool {
        self.age.is_some()
    }

    /// Returns the time since the earlier call ended, or `None` if this is the answer of this call.
    ///
    /// ```
    /// # use breaker_runtime::fallback::MaybeStale;
    /// assert_eq!(MaybeStale::from(5).age(), None);
    /// ```
    #[must_use]
    pub const fn age(&self) -> Option<Duration> {
        self.age
    }

    /// Returns the value without its mark.
    ///
    /// ```
    /// # use breaker_runtime::fallback::MaybeStale;
    /// assert_eq!(MaybeStale::from(5).into_inner(), 5);
    /// ```
    #[must_use]
    pub fn into_inner(self) -> T {
        self.value
    }

    /// Returns the value with the mark of an earlier call.
    pub(crate) fn aged(self, age: Duration) -> Self {
        Self { age: Some(age), ..self }
    }
}

impl<T> From<T> for MaybeStale<T> {
    fn from(value: T) -> Self {
        Self { value, age: None }
    }
}

impl<T> Deref for MaybeStale<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
