//! What the circuit breaker was good for, from the latencies that the customer measured.

use std::time::Duration;

use crate::story::{Desk, Purchase, Source};

pub(crate) struct Summary {
    /// Purchases in the outage without a circuit breaker.
    pub(crate) unprotected: Option<Latency>,
    /// Purchases in the outage that failed before the circuit opened, or as a trial.
    pub(crate) failed: Option<Latency>,
    /// Purchases that the fallback answered.
    pub(crate) fallback: Option<Latency>,
}

/// How long some purchases took.
pub(crate) struct Latency {
    pub(crate) purchases: u32,
    pub(crate) mean: Duration,
    pub(crate) shortest: Duration,
    pub(crate) longest: Duration,
}

/// The waiting that the fallback spared.
pub(crate) struct Saved {
    pub(crate) each: Duration,
    pub(crate) total: Duration,
}

impl Summary {
    pub(crate) fn of(purchases: &[Purchase]) -> Self {
        let latency = |desk, source| {
            let chosen = purchases.iter().filter(|it| it.desk == desk && it.source == source);
            Latency::of(&chosen.map(|it| it.latency).collect::<Vec<_>>())
        };
        Self {
            unprotected: latency(Desk::Unprotected, Source::Failed),
            failed: latency(Desk::Protected, Source::Failed),
            fallback: latency(Desk::Protected, Source::Fallback),
        }
    }

    /// How much longer customers would have waited, had every fallback been an unprotected purchase.
    pub(crate) fn saved(&self) -> Option<Saved> {
        let (without, with) = (self.unprotected.as_ref()?, self.fallback.as_ref()?);
        let each = without.mean.saturating_sub(with.mean);
        Some(Saved { each, total: each * with.purchases })
    }
}

impl Latency {
    /// None of no purchases.
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
