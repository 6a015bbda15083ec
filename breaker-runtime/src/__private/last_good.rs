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
use crate::breaker::{AttachmentOwner, Circuit};
use crate::error::{BreakerError, CallError};
use crate::fallback::MaybeStale;
use crate::fallback::store::{FoundValue, LastGoodStore, StoreLimits, ValueKey};
use crate::outcome::Verdict;
use crate::registry::{KeyText, MAX_KEY_BYTES, join_distinct};
use crate::sync::catch_panic;

/// The key of a function that has one value.
pub const ONLY_KEY: Option<ValueKey> = Some(ValueKey(None));

/// The limits of one annotated function. The address of the static identifies the function.
#[derive(Debug)]
pub struct LastGoodSite(StoreLimits);

/// Access to the last good value, for one call of a function that returns `R`.
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
pub struct IfMaybeStale<R>(IfBare<R>);

/// The second step of the method lookup: a function that returns any other type.
#[derive(Debug)]
pub struct IfBare<R>(PhantomData<fn() -> R>);

/// Tells fresh values of type `T` from stale ones.
pub trait Staleness<T> {
    /// Returns `true` if the body of the function returned this value as its own, not as that of an earlier call.
    fn is_own(value: &T) -> bool;

    /// Returns the value with its age, to return it instead of a rejection.
    fn with_age(value: T, age: Duration) -> T;
}

/// The value is wrapped in a [`MaybeStale`], which has its age.
#[derive(Clone, Copy, Debug)]
pub enum Wrapped {}

/// The value does not show its age.
#[derive(Clone, Copy, Debug)]
pub enum Bare {}

/// A return type whose value can be remembered.
#[diagnostic::on_unimplemented(
    message = "`last_good` remembers the value of `Ok`, and `{Self}` is not a `Result`",
    label = "this must be a `Result`",
    note = "return a `Result`, or write a closure: `fallback = |error| ..`"
)]
pub trait LastGoodOutput {
    /// The value of `Ok`.
    type Value: LastGoodValue;

    /// Returns the value, unless this is an error.
    fn value(&self) -> Option<&Self::Value>;

    /// Returns the output with this value.
    fn of_value(value: Self::Value) -> Self;
}

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
pub const fn last_good<R>() -> IfMaybeStale<R> {
    IfMaybeStale(IfBare(PhantomData))
}

/// Returns the key with these elements, or `None` if its text is too long. Different elements have different keys.
#[must_use]
pub fn value_key(elements: &[KeyText<'_>]) -> Option<ValueKey> {
    match elements {
        [element] if element.is_absent() => Some(ValueKey(None)),
        [element] => key_of_text(element),
        elements => key_of_text(&join_distinct(elements)),
    }
}

fn key_of_text(text: &KeyText<'_>) -> Option<ValueKey> {
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

impl<T: LastGoodValue, E> IfMaybeStale<Result<MaybeStale<T>, E>> {
    /// Returns the access to the value of an earlier call.
    #[must_use]
    pub fn __breaker_last_good<'a>(
        &self,
        circuit: CircuitRef<'a>,
        site: &'static LastGoodSite,
        key: Option<ValueKey>,
    ) -> LastGood<'a, Result<MaybeStale<T>, E>, Wrapped> {
        LastGood::new(circuit, site, key)
    }
}

impl<R> IfBare<R> {
    /// Returns the access to the value of an earlier call.
    #[must_use]
    pub fn __breaker_last_good<'a>(
        &self,
        circuit: CircuitRef<'a>,
        site: &'static LastGoodSite,
        key: Option<ValueKey>,
    ) -> LastGood<'a, R, Bare>
    where
        R: LastGoodOutput,
    {
        LastGood::new(circuit, site, key)
    }
}

impl<R> Deref for IfMaybeStale<R> {
    type Target = IfBare<R>;

    fn deref(&self) -> &IfBare<R> {
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

// The bounds are those of the methods, so that rustc reports a missing one once, and at the return type.
impl<R, M> LastGood<'_, R, M> {
    /// Remembers the value of a successful call, and returns the verdict about the call.
    pub fn observe(&self, output: &R, verdict: Verdict) -> Verdict
    where
        R: LastGoodOutput,
        M: Staleness<R::Value>,
    {
        if let (Some(value), Verdict::Success, Some(key)) = (output.value(), verdict, &self.key)
            && M::is_own(value)
        {
            let value = value.clone();
            let create = || LastGoodStore::new(self.site.0);
            let store = self.circuit.attachments().get_or_create(self.owner(), create);
            store.store(key, value, self.circuit.now());
        }
        verdict
    }

    /// Returns the remembered value, or the rejection if there is none.
    pub fn recall(&self, error: BreakerError, on_stale: impl FnOnce(&R::Value, Duration)) -> R
    where
        R: LastGoodOutput + FromRejected,
        M: Staleness<R::Value>,
    {
        self.find(on_stale).unwrap_or_else(|| R::from_rejected(error))
    }

    /// Returns the remembered value, or the rejection or the failed output if there is none.
    pub fn recall_after_failure(&self, error: CallError<R>, on_stale: impl FnOnce(&R::Value, Duration)) -> R
    where
        R: LastGoodOutput + FromRejected,
        M: Staleness<R::Value>,
    {
        self.find(on_stale).unwrap_or_else(|| match error {
            CallError::Breaker(error) => R::from_rejected(error),
            CallError::Failed(output) => output,
        })
    }

    fn find(&self, on_stale: impl FnOnce(&R::Value, Duration)) -> Option<R>
    where
        R: LastGoodOutput,
        M: Staleness<R::Value>,
    {
        let key = self.key.as_ref()?;
        let store = self.circuit.attachments().get::<LastGoodStore<R::Value>>(self.owner())?;
        let FoundValue { value: stored, age } = store.find(key, self.circuit.now())?;
        let value = R::Value::clone(&stored);
        // If a call has replaced the value meanwhile, this frees it, and dropping it may panic.
        catch_panic(|| drop(stored));
        let value = M::with_age(value, age);
        on_stale(&value, age);
        Some(R::of_value(value))
    }

    fn owner(&self) -> AttachmentOwner {
        AttachmentOwner::Function(std::ptr::from_ref(self.site).addr())
    }
}

impl<T: LastGoodValue, E> LastGoodOutput for Result<T, E> {
    type Value = T;

    fn value(&self) -> Option<&T> {
        self.as_ref().ok()
    }

    fn of_value(value: T) -> Self {
        Ok(value)
    }
}

impl<'a, R, M> Acquire<'a> for &LastGood<'a, R, M> {
    #[inline]
    fn circuit(self) -> CircuitRef<'a> {
        CircuitRef(self.circuit)
    }
}

impl<T> Staleness<MaybeStale<T>> for Wrapped {
    fn is_own(value: &MaybeStale<T>) -> bool {
        !value.is_stale()
    }

    fn with_age(value: MaybeStale<T>, age: Duration) -> MaybeStale<T> {
        value.aged(age)
    }
}

impl<T> Staleness<T> for Bare {
    fn is_own(_: &T) -> bool {
        true
    }

    fn with_age(value: T, _: Duration) -> T {
        value
    }
}
