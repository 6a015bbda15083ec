//! Which results count as failures, and what they say: `Err` does, every other value of every other type
//! does not.

use std::sync::Arc;

use crate::outcome::Outcome;

pub(crate) const fn of_result<T, E>(result: &Result<T, E>) -> Outcome {
    match result {
        Ok(_) => Outcome::Success,
        Err(_) => Outcome::Failure,
    }
}

/// Where nothing is known of an error but its type, its type is what it says.
#[expect(clippy::unnecessary_wraps, reason = "others have nothing to say")]
pub(crate) fn type_of_error<T, E>(_: &Result<T, E>) -> Option<Arc<str>> {
    Some(Arc::from(std::any::type_name::<E>()))
}

/// Says of what a function returned what it counts as, and what it says itself.
pub trait Classifier<T> {
    /// Success, failure or neither.
    fn outcome(&self, value: &T) -> Outcome;

    /// For the report of a circuit that opens.
    fn text(&self, value: &T) -> Option<Arc<str>>;
}

/// Two answers that are there already.
impl<T, C, X> Classifier<T> for (C, X)
where
    C: Fn(&T) -> Outcome,
    X: Fn(&T) -> Option<Arc<str>>,
{
    #[inline]
    fn outcome(&self, value: &T) -> Outcome {
        self.0(value)
    }

    fn text(&self, value: &T) -> Option<Arc<str>> {
        self.1(value)
    }
}
