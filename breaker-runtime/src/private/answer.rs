//! What a fallback gave, counted at the circuit that needed it.

use super::{Results, Says, Unserved, Values};
use crate::breaker::{Admission, Circuit, Rejected};
use crate::classifier::Classifier;
use crate::error::BreakerError;

/// A circuit that waits for what a fallback gives.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a>(&'a Circuit);

impl<T, E, S: Says<E>> Results<Result<T, E>, S> {
    /// Counts it, and hands it on: an `Err` is a failure, whatever `failure_if` says.
    #[inline]
    pub fn answered<'a>(self, asking: impl Into<Asking<'a>>, answer: Result<T, E>) -> Result<T, E> {
        asking.into().0.count_fallback(self.outcome(&answer));
        answer
    }

    /// Asks a closure that gives the value, and no future of it.
    #[inline]
    pub fn answer(
        self,
        rejected: Rejected<'_>,
        fallback: impl FnOnce(BreakerError) -> Result<T, E>,
    ) -> Result<T, E> {
        self.answered(rejected, fallback(rejected.into()))
    }
}

impl<T> Values<T> {
    /// The same: nothing is wrong with a value.
    #[inline]
    pub fn answered<'a>(self, asking: impl Into<Asking<'a>>, answer: T) -> T {
        asking.into().0.count_fallback(self.outcome(&answer));
        answer
    }

    /// The same.
    #[inline]
    pub fn answer(self, rejected: Rejected<'_>, fallback: impl FnOnce(BreakerError) -> T) -> T {
        self.answered(rejected, fallback(rejected.into()))
    }
}

impl<'a> Admission<'a> {
    /// Before its result is known.
    pub(super) const fn asking(&self) -> Asking<'a> {
        Asking(self.circuit())
    }
}

impl<'a> From<Rejected<'a>> for Asking<'a> {
    #[inline]
    fn from(rejected: Rejected<'a>) -> Self {
        Self(rejected.circuit)
    }
}

impl<'a, T> Unserved<'a, T> {
    /// Before the fallback runs.
    #[inline]
    #[must_use]
    pub const fn asking(&self) -> Asking<'a> {
        match self {
            Self::Rejected(rejected) => Asking(rejected.circuit),
            Self::Failed(asking, _) => *asking,
        }
    }
}
