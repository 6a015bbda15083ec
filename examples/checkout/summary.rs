//! The benefit of the circuit breaker, computed from the latencies that the customer measured.

use std::time::Duration;

use crate::story::{Checkout, Purchase, Source};

/// The latencies of the purchases during the outage.
pub(crate) struct Summary {
    /// Failed purchases without a circuit breaker.
    pub(crate) unprotected: Option<Latency>,
    /// Purchases that failed before the circuit opened, or as a trial call.
    pub(crate) failed: Option<Latency>,
    /// Purchases that got the fallback.
    pub(crate) fallback: Option<Latency>,
}

/// The latencies of a group of purchases.
pub(crate) struct Latency {
    pub(crate) purchases: u32,
    pub(crate) mean: Duration,
    pub(crate) shortest: Duration,
    pub(crate) longest: Duration,
}

/// The waiting time that the fallback saved.
pub(crate) struct Saved {
    pub(crate) each: Duration,
    pub(crate) total: Duration,
}

impl Summary {
    pub(crate) fn of(purchases: &[Purchase]) -> Self {
        let latency = |checkout, source| {
            let chosen = purchases.iter().filter(|it| it.checkout == checkout && it.source == source);
            Latency::of(&chosen.map(|it| it.latency).collect::<Vec<_>>())
        };
        Self {
            unprotected: latency(Checkout::Unprotected, Source::Failed),
            failed: latency(Checkout::Protected, Source::Failed),
            fallback: latency(Checkout::Protected, Source::Fallback),
        }
    }

    /// Returns the additional waiting time if every fallback had been an unprotected purchase.
    pub(crate) fn saved(&self) -> Option<Saved> {
        let (without, with) = (self.unprotected.as_ref()?, self.fallback.as_ref()?);
        let each = without.mean.saturating_sub(with.mean);
        Some(Saved { each, total: each * with.purchases })
    }
}

impl Latency {
    /// Returns `None` if there are no purchases.
    fn of(latencies: &[Duration]) -> Option<Self> {
        let purchases = u32::try_from(latencies.len()).ok()?;
        Some(Self {
            purchases,
            shortest: *latencies.iter().min()?,
            longest: *latencies.iter().max()?,
            mean: latencies.iter().sum::<Duration>() / purchases,
        })
    }
}
