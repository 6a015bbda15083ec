//! Which of the judges sits over a protected function: what it returns decides, of a type that only the
//! compiler knows.

use std::fmt::{Debug, Display};
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use crate::classifier::{Classifier, of_result};
use crate::outcome::Outcome;

/// What a protected function returns.
///
/// The compiler looks for `__breaker_classifier`, a name that no trait in the user's scope has, here first: a
/// `Result`, under whatever alias, has its own, if its error has `Display`. Otherwise it goes on through
/// `Deref`.
#[derive(Debug)]
pub struct Returned<T>(OrDebug<T>);

/// The same, where the error has no `Display`.
#[derive(Debug)]
pub struct OrDebug<T>(OrMute<T>);

/// The same, where it has no `Debug` either.
#[derive(Debug)]
pub struct OrMute<T>(OrValue<T>);

/// Something of which nothing is known.
#[derive(Debug)]
pub struct OrValue<T>(PhantomData<fn() -> T>);

/// Judges an `R`, which is a `Result`: `Err` is a failure, and says what it is as `S` does.
#[derive(Debug)]
pub struct Results<R, S>(PhantomData<fn() -> (R, S)>);

/// Judges a `T`, whatever it is: it is not for us to say what is wrong with a value.
#[derive(Debug)]
pub struct Values<T>(PhantomData<fn() -> T>);

/// How an error says what it is.
pub trait Says<E> {
    fn says(error: &E) -> Option<Arc<str>>;
}

/// By its `Display`.
#[derive(Clone, Copy, Debug)]
pub enum ByDisplay {}

/// By its `Debug`.
#[derive(Clone, Copy, Debug)]
pub enum ByDebug {}

/// Not at all.
#[derive(Clone, Copy, Debug)]
pub enum Mute {}

/// A classifier, and somebody who is asked first.
#[derive(Clone, Copy, Debug)]
pub struct Asked<J, C> {
    pub(super) classifier: J,
    pub(super) classify: C,
}

/// The classifier of what this function returns.
#[must_use]
pub const fn returned<T>() -> Returned<T> {
    Returned(OrDebug(untold()))
}

/// The same where nobody can ask the error: it is an `impl Trait`.
#[must_use]
pub const fn untold<T>() -> OrMute<T> {
    OrMute(OrValue(PhantomData))
}

/// The classifier of what nobody knows.
#[must_use]
pub const fn unknown<T>() -> Values<T> {
    Values(PhantomData)
}

/// Nobody is asked but the classifier.
#[inline]
pub fn judged<T, J: Classifier<T>>(value: &T, classifier: &J) -> Outcome {
    classifier.outcome(value)
}

impl<T, E: Display> Returned<Result<T, E>> {
    #[must_use]
    pub const fn __breaker_classifier(&self) -> Results<Result<T, E>, ByDisplay> {
        Results(PhantomData)
    }
}

impl<T, E: Debug> OrDebug<Result<T, E>> {
    #[expect(clippy::unused_self, reason = "the compiler finds it by its self")]
    #[must_use]
    pub const fn __breaker_classifier(&self) -> Results<Result<T, E>, ByDebug> {
        Results(PhantomData)
    }
}

impl<T, E> OrMute<Result<T, E>> {
    #[expect(clippy::unused_self, reason = "the compiler finds it by its self")]
    #[must_use]
    pub const fn __breaker_classifier(&self) -> Results<Result<T, E>, Mute> {
        Results(PhantomData)
    }
}

impl<T> OrValue<T> {
    #[expect(clippy::unused_self, reason = "the compiler finds it by its self")]
    #[must_use]
    pub const fn __breaker_classifier(&self) -> Values<T> {
        Values(PhantomData)
    }
}

impl<T> Deref for Returned<T> {
    type Target = OrDebug<T>;

    fn deref(&self) -> &OrDebug<T> {
        &self.0
    }
}

impl<T> Deref for OrDebug<T> {
    type Target = OrMute<T>;

    fn deref(&self) -> &OrMute<T> {
        &self.0
    }
}

impl<T> Deref for OrMute<T> {
    type Target = OrValue<T>;

    fn deref(&self) -> &OrValue<T> {
        &self.0
    }
}

impl<E: Display> Says<E> for ByDisplay {
    fn says(error: &E) -> Option<Arc<str>> {
        Some(Arc::from(error.to_string()))
    }
}

impl<E: Debug> Says<E> for ByDebug {
    fn says(error: &E) -> Option<Arc<str>> {
        Some(Arc::from(format!("{error:?}")))
    }
}

impl<E> Says<E> for Mute {
    fn says(_: &E) -> Option<Arc<str>> {
        None
    }
}

impl<T, E, S: Says<E>> Classifier<Result<T, E>> for Results<Result<T, E>, S> {
    #[inline]
    fn outcome(&self, result: &Result<T, E>) -> Outcome {
        of_result(result)
    }

    fn text(&self, result: &Result<T, E>) -> Option<Arc<str>> {
        result.as_ref().err().and_then(S::says)
    }
}

impl<T> Classifier<T> for Values<T> {
    #[inline]
    fn outcome(&self, _: &T) -> Outcome {
        Outcome::Success
    }

    fn text(&self, _: &T) -> Option<Arc<str>> {
        None
    }
}

impl<T, J: Classifier<T>, C: Fn(&T, &J) -> Outcome> Classifier<T> for Asked<J, C> {
    #[inline]
    fn outcome(&self, value: &T) -> Outcome {
        (self.classify)(value, &self.classifier)
    }

    fn text(&self, value: &T) -> Option<Arc<str>> {
        self.classifier.text(value)
    }
}

impl<R, S> Clone for Results<R, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, S> Copy for Results<R, S> {}

impl<T, E, S> Results<Result<T, E>, S> {
    /// Of a result that nobody has named, where somebody has said which ones are failures: an `Err` then says
    /// nothing about the dependency.
    #[inline]
    #[must_use]
    pub const fn unnamed(&self, result: &Result<T, E>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Ignored,
        }
    }
}

impl<T> Clone for Values<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Values<T> {}

impl<T> Values<T> {
    /// The same.
    #[inline]
    #[must_use]
    pub const fn unnamed(&self, _: &T) -> Outcome {
        Outcome::Success
    }
}
