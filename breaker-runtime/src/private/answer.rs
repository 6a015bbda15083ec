//! What a fallback gave, counted at the circuit that needed it.

use super::Unserved;
use crate::breaker::{Admission, Circuit, Rejected};
use crate::classifier::Judge;

/// A circuit that waits for what a fallback gives.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a>(&'a Circuit);

impl Asking<'_> {
    /// An `Err` is a failure, whatever the function says of its own.
    #[inline]
    pub fn got<T, J: Judge<T>>(self, answer: &T, judge: &J) {
        self.0.count_fallback(judge.outcome(answer));
    }
}

impl<'a> Admission<'a> {
    /// Before its result is known.
    pub(super) const fn asking(&self) -> Asking<'a> {
        Asking(self.circuit)
    }
}

impl Rejected<'_> {
    /// The same.
    #[inline]
    pub fn got<T, J: Judge<T>>(self, answer: &T, judge: &J) {
        Asking(self.circuit).got(answer, judge);
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
