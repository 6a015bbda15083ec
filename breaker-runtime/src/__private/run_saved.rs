//! Calls of async functions with a fallback for rejections.
//!
//! Most calls are admitted or rejected at once, and a rejected call still has the arguments for its fallback.
//! A call that must wait for a slot, or has a time limit, may need the fallback after its body has received
//! the arguments. Only for such a call, clones of the arguments are saved before the body starts.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::acquire::Acquire;
use super::classifier::WithConditions;
use crate::breaker::{AsyncCall, CallFuture, Guarded, Rejection, StartedCall};
use crate::classifier::Classifier;
use crate::outcome::Verdict;

/// A call that was not rejected at once, with the arguments that are saved for its fallback. They are `None`
/// if the call neither waits nor has a time limit.
#[derive(Debug)]
#[must_use = "a call that is dropped is cancelled"]
pub struct SavedCall<'a, S> {
    call: AsyncCall<'a>,
    saved: Option<Box<S>>,
}

/// The rejection of a call, and the arguments for its fallback.
type Unserved<'a, S> = (Rejection<'a>, S);

/// The saved arguments of a function whose arguments cannot be saved.
#[derive(Clone, Copy, Debug)]
pub enum NotSaved {}

pin_project! {
    /// A call of an async function whose fallback uses its arguments. It resolves to an error if the call was
    /// rejected or timed out.
    ///
    /// It does not wrap a `Guarded`, for the same reason as `RunAsync`.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct RunSaved<'a, F, C, S> {
        #[pin]
        call: CallFuture<'a, F>,
        classifier: C,
        saved: Option<Box<S>>,
    }
}

/// Runs the body of an async function whose fallback uses none of its arguments, or only one that is copied.
#[inline]
pub fn try_run_async<'a, F, C>(site: impl Acquire<'a>, body: F, classifier: C) -> Guarded<'a, F, C> {
    Guarded::new(site.start(), body, classifier)
}

/// Runs the body of an async function whose fallback uses none of its arguments, or only one that is copied.
/// `conditions` take precedence over the classifier.
#[inline]
pub fn try_run_async_with_conditions<'a, F: Future, C, P: Fn(&F::Output, &C) -> Verdict>(
    site: impl Acquire<'a>,
    body: F,
    classifier: C,
    conditions: P,
) -> Guarded<'a, F, WithConditions<C, P>> {
    try_run_async(site, body, WithConditions { classifier, conditions })
}

/// Saves the arguments for the fallback of a call that waits or has a time limit, and returns them with the
/// call. If they cannot be saved, the call loses its time limit, or is rejected instead of waiting, and this
/// is reported.
///
/// # Errors
///
/// Returns the arguments with the rejection if the call is rejected.
#[inline]
pub fn save_arguments<'a, A>(
    call: impl Into<StartedCall<'a>>,
    arguments: A,
    save: impl FnOnce(&A) -> Option<A>,
) -> Result<(SavedCall<'a, A>, A), Unserved<'a, A>> {
    let call = match call.into() {
        StartedCall::Started(call) => call,
        StartedCall::Rejected(rejected) => return Err((rejected, arguments)),
    };
    if call.is_plain() {
        return Ok((SavedCall { call, saved: None }, arguments));
    }
    match save_rarely(call, || save(&arguments)) {
        Ok(saved) => Ok((saved, arguments)),
        Err(rejected) => Err((rejected, arguments)),
    }
}

/// Starts a call whose arguments cannot be saved; see [`save_arguments`].
///
/// # Errors
///
/// Returns the rejection if the call is rejected.
#[inline]
pub fn save_nothing<'a>(call: impl Into<StartedCall<'a>>) -> Result<SavedCall<'a, NotSaved>, Rejection<'a>> {
    let call = match call.into() {
        StartedCall::Started(call) => call,
        StartedCall::Rejected(rejected) => return Err(rejected),
    };
    if call.is_plain() { Ok(SavedCall { call, saved: None }) } else { save_rarely(call, || None) }
}

#[cold]
#[inline(never)]
fn save_rarely<A>(
    mut call: AsyncCall<'_>,
    save: impl FnOnce() -> Option<A>,
) -> Result<SavedCall<'_, A>, Rejection<'_>> {
    call.decide()?;
    if call.is_plain() {
        return Ok(SavedCall { call, saved: None });
    }
    let saved = save().map(Box::new);
    let call = if saved.is_some() { call } else { call.without_limits()? };
    Ok(SavedCall { call, saved })
}

/// Runs the body of an async function.
#[inline]
pub fn run_saved_async<F, C, S>(saved: SavedCall<'_, S>, body: F, classifier: C) -> RunSaved<'_, F, C, S> {
    let SavedCall { call, saved } = saved;
    RunSaved { call: CallFuture::new(call, body), classifier, saved }
}

/// Runs the body of an async function. `conditions` take precedence over the classifier.
#[inline]
pub fn run_saved_async_with_conditions<F: Future, C, S, P: Fn(&F::Output, &C) -> Verdict>(
    saved: SavedCall<'_, S>,
    body: F,
    classifier: C,
    conditions: P,
) -> RunSaved<'_, F, WithConditions<C, P>, S> {
    run_saved_async(saved, body, WithConditions { classifier, conditions })
}

/// Handles a rejection that does not occur: a call without saved arguments neither waits nor times out.
pub fn never_unserved(unserved: Unserved<'_, NotSaved>) -> ! {
    match unserved.1 {}
}

impl<'a, F: Future, C: Classifier<F::Output>, S> Future for RunSaved<'a, F, C, S> {
    type Output = Result<F::Output, Unserved<'a, S>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let saved = this.saved;
        this.call.poll(this.classifier, context, Ok, |rejected| {
            // Only a call with saved arguments is rejected here. Any other one is plain, and ends with its body.
            saved.take().map_or(Poll::Pending, |saved| Poll::Ready(Err((rejected, *saved))))
        })
    }
}
