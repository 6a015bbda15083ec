//! Which results count as failures, and what they say: `Err` does, every other value of every other type
//! does not.

use std::fmt::{Debug, Display};
use std::ops::Deref;
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

/// What a protected function returned, of a type that only the compiler knows.
///
/// The methods' names are ones that no trait in the user's scope has. The compiler looks for each here
/// first: a `Result`, under whatever alias, has its own `__breaker_outcome`, and one whose error has
/// `Display` its own `__breaker_text`. Otherwise it goes on through `Deref`.
#[derive(Debug)]
pub struct Output<'a, T> {
    value: WithDebug<'a, T>,
}

/// The same, where the error has no `Display`.
#[derive(Debug)]
pub struct WithDebug<'a, T> {
    value: &'a T,
    unknown: Value,
}

/// A value of a type of which nothing is known.
#[derive(Debug)]
pub struct Value;

/// Like the constructor of a tuple struct, as the attribute writes it.
#[expect(non_snake_case, reason = "it stands for the constructor of a tuple struct")]
#[inline]
pub const fn Output<T>(value: &T) -> Output<'_, T> {
    Output { value: WithDebug { value, unknown: Value } }
}

impl<T, E> Output<'_, Result<T, E>> {
    /// `Err` is a failure.
    #[must_use]
    #[inline]
    pub const fn __breaker_outcome(&self) -> Outcome {
        of_result(self.value.value)
    }

    /// The same where somebody has said which values are failures, and not this one: an `Err` then says
    /// nothing about the dependency.
    #[must_use]
    #[inline]
    pub const fn __breaker_outcome_unnamed(&self) -> Outcome {
        match self.value.value {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Ignored,
        }
    }
}

impl<T, E: Display> Output<'_, Result<T, E>> {
    /// What the error says.
    #[must_use]
    pub fn __breaker_text(&self) -> Option<Arc<str>> {
        self.value.value.as_ref().err().map(|error| Arc::from(error.to_string()))
    }
}

impl<T, E: Debug> WithDebug<'_, Result<T, E>> {
    /// What the error looks like.
    #[must_use]
    pub fn __breaker_text(&self) -> Option<Arc<str>> {
        self.value.as_ref().err().map(|error| Arc::from(format!("{error:?}")))
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

    /// Nor now.
    #[expect(clippy::unused_self, reason = "it stands in for the method of a result")]
    #[must_use]
    #[inline]
    pub const fn __breaker_outcome_unnamed(&self) -> Outcome {
        Outcome::Success
    }

    /// A value says nothing.
    #[expect(clippy::unused_self, reason = "it stands in for the method of a result")]
    #[must_use]
    pub const fn __breaker_text(&self) -> Option<Arc<str>> {
        None
    }
}

impl<'a, T> Deref for Output<'a, T> {
    type Target = WithDebug<'a, T>;

    #[inline]
    fn deref(&self) -> &WithDebug<'a, T> {
        &self.value
    }
}

impl<T> Deref for WithDebug<'_, T> {
    type Target = Value;

    #[inline]
    fn deref(&self) -> &Value {
        &self.unknown
    }
}
