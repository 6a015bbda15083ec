//! The fallback `last_good`: remembers the values of successful calls, and returns them instead of rejections.
//!
//! Generated code creates one [`LastGood`] for each call, before the call is admitted. It observes the verdict about
//! the output, and the fallback recalls the value. The values are attached to the circuit, so they are dropped with
//! it. Their owner is the static of the function, and their type that of the value, so neither two functions with one
//! circuit nor two instances of a generic function with different outputs share values.

use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::ops::Deref;
use std::time::Duration;

use super::acquire::{Acquire, CircuitRef};
use super::rejection::FromRejected;
use crate::breaker::Circuit;
use crate::error::{BreakerError, CallError};
use crate::fallback::MaybeStale;
use crate::fallback::store::{FoundValue, LastGoodStore, StoreLimits, ValueKey};
use crate::outcome::Verdict;
use crate::registry::{KeyText, MAX_KEY_BYTES};

/// The key of a function that has one value.
pub const ONLY_VALUE: Option<ValueKey> = Some(ValueKey(None));

/// The limits of one annotated function. The address of the static identifies the function.
#[derive(Debug)]
pub struct LastGoodSite(StoreLimits);

/// The value of an earlier call, for one call of a function that returns `R`.
#[derive(Debug)]
pub struct LastGood<'a, R, M> {
    circuit: &'a Circuit,
    site: &'static LastGoodSite,
    /// `None` if nothing is remembered for this call.
    key: Option<ValueKey>,
    types: PhantomData<fn() -> (R, M)>,
}

/// The first step of the method lookup: a function that returns a `Result` of a [`MaybeStale`].
#[derive(Debug)]
pub struct IfMarked<R>(IfUnmarked<R>);

/// The second step of the method lookup: a function that returns any other type.
#[derive(Debug)]
pub struct IfUnmarked<R>(PhantomData<fn() -> R>);

/// The mark of a `T` that is returned instead of a rejection.
pub trait StaleMark<T> {
    /// Returns `true` if the body of the function returned this value as its own, not as that of an earlier call.
    fn is_own(value: &T) -> bool;

    /// Returns the value with its mark.
    fn mark(value: T, age: Duration) -> T;
}

/// The age in a [`MaybeStale`].
#[derive(Clone, Copy, Debug)]
pub enum Marked {}

/// No mark.
#[derive(Clone, Copy, Debug)]
pub enum Unmarked {}

/// A return type whose value can be remembered.
#[diagnostic::on_unimplemented(
    message = "`last_good` remembers the value of `Ok`, and `{Self}` is not a `Result`",
    label = "this must be a `Result`",
    note = "return a `Result`, or write a closure: `fallback = |error| ..`"
)]
pub trait LastGoodOutput {}

impl<T: LastGoodValue, E> LastGoodOutput for Result<T, E> {}

/// A value that can be remembered.
#[diagnostic::on_unimplemented(
    message = "`last_good` keeps a clone of `{Self}` for other threads, so it must be `Clone + Send + Sync + 'static`",
    label = "a value of this type is remembered",
    note = "derive `Clone` for it, or return it in an `Arc`"
)]
pub trait LastGoodValue: Clone + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + Sync + 'static> LastGoodValue for T {}

/// Returns the first step for the return type `R`.
#[must_use]
pub const fn last_good<R>() -> IfMarked<R> {
    IfMarked(IfUnmarked(PhantomData))
}

/// Returns the key with this text, or `None` if it is too long.
#[must_use]
pub fn value_key(text: &KeyText<'_>) -> Option<ValueKey> {
    let text = text.as_str();
    (text.len() <= MAX_KEY_BYTES).then(|| ValueKey(Some(text.into())))
}

/// Ignores that a value is stale.
pub const fn ignore_stale<T>(_: &T, _: Duration) {}

impl LastGoodSite {
    /// Returns the limits of one function.
    #[must_use]
    pub const fn new(max_age: Duration, max_keys: NonZeroU32) -> Self {
        Self(StoreLimits { max_age, max_keys })
    }
}

impl<T: LastGoodValue, E> IfMarked<Result<MaybeStale<T>, E>> {
    /// Returns the value of an earlier call.
    #[expect(clippy::unused_self, reason = "method lookup needs a receiver")]
    #[must_use]
    pub fn __breaker_last_good<'a>(
        &self,
        circuit: CircuitRef<'a>,
        site: &'static LastGoodSite,
        key: Option<ValueKey>,
    ) -> LastGood<'a, Result<MaybeStale<T>, E>, Marked> {
        LastGood::new(circuit, site, key)
    }
}

impl<R> IfUnmarked<R> {
    /// Returns the value of an earlier call.
    #[expect(clippy::unused_self, reason = "method lookup needs a receiver")]
    #[must_use]
    pub fn __breaker_last_good<'a>(
        &self,
        circuit: CircuitRef<'a>,
        site: &'static LastGoodSite,
        key: Option<ValueKey>,
    ) -> LastGood<'a, R, Unmarked>
    where
        R: LastGoodOutput,
    {
        LastGood::new(circuit, site, key)
    }
}

impl<R> Deref for IfMarked<R> {
    type Target = IfUnmarked<R>;

    fn deref(&self) -> &IfUnmarked<R> {
        &self.0
    }
}

impl<'a, R, M> LastGood<'a, R, M> {
    /// The overflow circuit of a keyed breaker remembers nothing: different keys use it.
    fn new(CircuitRef(circuit): CircuitRef<'a>, site: &'static LastGoodSite, key: Option<ValueKey>) -> Self {
        let key = key.filter(|_| !circuit.is_overflow());
        Self { circuit, site, key, types: PhantomData }
    }
}

impl<T: LastGoodValue, E, M: StaleMark<T>> LastGood<'_, Result<T, E>, M> {
    /// Remembers the value of a successful call, and returns the verdict about the call.
    pub fn observe(&self, output: &Result<T, E>, verdict: Verdict) -> Verdict {
        if let (Ok(value), Verdict::Success, Some(key)) = (output, verdict, &self.key)
            && M::is_own(value)
        {
            let value = value.clone();
            let create = || LastGoodStore::new(self.site.0);
            self.circuit.attachments().get_or_create(self.owner(), create).store(
                key,
                value,
                self.circuit.now(),
            );
        }
        verdict
    }

    /// Returns the remembered value, or the rejection if there is none.
    pub fn recall(&self, error: BreakerError, on_stale: impl FnOnce(&T, Duration)) -> Result<T, E>
    where
        Result<T, E>: FromRejected,
    {
        self.value(on_stale).map_or_else(|| FromRejected::from_rejected(error), Ok)
    }

    /// Returns the remembered value, or the rejection or the failed output if there is none.
    pub fn recall_after_failure(
        &self,
        error: CallError<Result<T, E>>,
        on_stale: impl FnOnce(&T, Duration),
    ) -> Result<T, E>
    where
        Result<T, E>: FromRejected,
    {
        match (self.value(on_stale), error) {
            (Some(value), CallError::Breaker(_) | CallError::Failed(_)) => Ok(value),
            (None, CallError::Breaker(error)) => FromRejected::from_rejected(error),
            (None, CallError::Failed(output)) => output,
        }
    }

    fn value(&self, on_stale: impl FnOnce(&T, Duration)) -> Option<T> {
        let key = self.key.as_ref()?;
        let store = self.circuit.attachments().get::<LastGoodStore<T>>(self.owner())?;
        let FoundValue { value, age } = store.find(key, self.circuit.now())?;
        let value = M::mark(T::clone(&value), age);
        on_stale(&value, age);
        Some(value)
    }

    fn owner(&self) -> usize {
        std::ptr::from_ref(self.site).addr()
    }
}

impl<'a, R, M> Acquire<'a> for &LastGood<'a, R, M> {
    #[inline]
    fn circuit(self) -> CircuitRef<'a> {
        CircuitRef(self.circuit)
    }
}

impl<T> StaleMark<MaybeStale<T>> for Marked {
    fn is_own(value: &MaybeStale<T>) -> bool {
        !value.is_stale()
    }

    fn mark(value: MaybeStale<T>, age: Duration) -> MaybeStale<T> {
        value.aged(age)
    }
}

impl<T> StaleMark<T> for Unmarked {
    fn is_own(_: &T) -> bool {
        true
    }

    fn mark(value: T, _: Duration) -> T {
        value
    }
}
