//! Which results count as failures: `Err` does, every other value of every other type does not.

use std::ops::Deref;

use crate::outcome::Outcome;

pub(crate) const fn of_result<T, E>(result: &Result<T, E>) -> Outcome {
    match result {
        Ok(_) => Outcome::Success,
        Err(_) => Outcome::Failure,
    }
}

/// What a protected function returned, of a type that only the compiler knows.
///
/// The method's name is one that no trait in the user's scope has. A `Result`, under whatever alias,
/// finds it right here; for any other type the compiler
/// goes on through `Deref` and finds the one of `Value`.
#[derive(Debug)]
pub struct Output<'a, T>(pub &'a T);

/// A value of a type that is no `Result`.
#[derive(Debug)]
pub struct Value;

impl<T, E> Output<'_, Result<T, E>> {
    /// `Err` is a failure.
    #[must_use]
    #[inline]
    pub const fn __breaker_outcome(&self) -> Outcome {
        of_result(self.0)
    }
}

impl<T> Deref for Output<'_, T> {
    type Target = Value;

    #[inline]
    fn deref(&self) -> &Value {
        &Value
    }
}

impl Value {
    /// It is not for us to say what is wrong with a value.
    #[expect(clippy::unused_self, reason = "it stands in for the method of a result")]
    #[must_use]
    #[inline]
    pub const fn __breaker_outcome(&self) -> Outcome {
        Outcome::Success
    }
}
