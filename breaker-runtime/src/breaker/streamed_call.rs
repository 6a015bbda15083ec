//! A call whose result arrives in parts: a stream, or the body of a response.
//!
//! The time of the call is the time for which its caller waits for a part. A wait begins with a poll that is pending
//! and ends when the stream wakes the caller, however late the caller polls again. The time in which the caller handles
//! a part or does other work is not part of the duration, does not let the call hang, and does not make a dropped call
//! a failure. This module does not know what the parts are.
//!
//! Invariants: the call is settled at most once; it is not watched while its caller does not wait, except if it has
//! hung; no lock is held while a waker of the caller is cloned, called or dropped. The waker that the stream sees keeps
//! neither the circuit nor the caller once the call has been settled.

use std::fmt::{self, Display};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use super::admission::Admission;
use super::failure::{FailedOutput, FailureSource};
use super::owned_permit::{OwnedCall, OwnedPermit};
use super::tap::{CallEnd, CompletedCall};
use crate::classifier::Classifier;
use crate::clock::{Moment, Start};
use crate::failure_text::failure_text;
use crate::outcome::Outcome;
use crate::sync::{Mutex, MutexGuard, catch_panic, lock};

/// A call whose result arrives in parts. Its owner calls [`poll`](Self::poll) for each part, and settles it.
///
/// A call that is dropped while its caller waits for a part is a cancelled call: it is a failure if that wait took at
/// least `cancelled_after`. If it is dropped while the caller handles a part, [`PartMeaning`] decides; before the first
/// part, it is a cancelled call without a wait.
pub(crate) struct StreamedCall {
    parts: Arc<PartWaker>,
    /// The waker that the stream sees.
    waker: Waker,
}

/// The meaning of a part for a call that is dropped while its caller handles that part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartMeaning {
    /// The service works, and the caller needs no more: the call is a success.
    #[allow(dead_code, reason = "only the integration `stream` uses it")]
    Success,
    /// Only the end tells whether the call has succeeded: it is a cancelled call without a wait, which is ignored.
    #[allow(dead_code, reason = "only the integration `tower_http` uses it")]
    Nothing,
}

/// Notes when the stream wakes the caller, and wakes the caller.
struct PartWaker(Mutex<Progress>);

/// The progress of a call.
struct Progress {
    /// `None` once the call has been settled.
    call: Option<OwnedCall>,
    wait: Wait,
    /// `true` if `hang` applies to the call: it was set when the call began.
    is_watched: bool,
    meaning: PartMeaning,
    /// The times of the call that only taps need, if they see it.
    tapped: Option<Box<TappedStream>>,
    /// `true` if the caller has received a part and has not asked for the next one.
    handles_part: bool,
    /// The caller. `None` if the stream has woken it since its last poll began.
    caller: Option<Waker>,
}

/// The times of a tapped call that its stamp does not have when it ends.
struct TappedStream {
    start: Start,
    started: Moment,
    /// The start from which the duration is measured: it is later by the time for which the caller did not wait.
    measured_from: Start,
    /// The time until the call has returned its stream, if `call_timeout` limits that.
    limited: Option<Duration>,
}

/// The way in which a call ends.
#[derive(Clone, Copy)]
enum Ending {
    Settled(Outcome),
    /// The call is dropped, so the activity of its caller decides.
    Dropped,
}

/// A call that has ended before it was settled.
struct EndedCall {
    call: OwnedCall,
    /// The time for which its caller has waited for the next part, if it has asked for it.
    waited: Option<Duration>,
    /// The meaning of the part that the caller handles.
    part: Option<PartMeaning>,
}

/// The activity of the caller.
#[derive(Clone, Copy, Debug)]
enum Wait {
    /// It has not asked for a part, or handles one, or has been woken and has not polled since.
    No {
        /// The time for which it has waited for the next part, if it has asked for it.
        waited: Option<Duration>,
        /// Since when it does not wait, if the call is timed.
        since: Option<Start>,
    },
    /// It waits for the next part. If it has waited for it before, this moment is earlier by that time.
    Since(Moment),
}

impl StreamedCall {
    /// Continues the call of a permit. Until a [`poll`](Self::poll) is pending, its caller does not wait.
    pub(crate) fn new(permit: OwnedPermit, meaning: PartMeaning) -> Self {
        let mut call = permit.into_owned_call();
        let is_watched = call.ticket.entry().is_some();
        call.ticket = call.circuit.pause_watch(call.ticket);
        let tapped = if call.stamp.is_tapped() { Some(Box::new(call.tapped_stream())) } else { None };
        let wait = Wait::No { waited: None, since: call.stopwatch() };
        let progress = Progress {
            call: Some(call),
            wait,
            is_watched,
            meaning,
            tapped,
            handles_part: false,
            caller: None,
        };
        let parts = Arc::new(PartWaker(Mutex::new(progress)));
        Self { waker: Waker::from(Arc::clone(&parts)), parts }
    }

    /// Polls for the next part with a context whose waker ends the wait. A panic of `poll` settles the call as a
    /// failure and continues to unwind.
    pub(crate) fn poll<T>(
        &mut self,
        context: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if self.is_settled() {
            return poll(context);
        }
        self.parts.begin_poll(context.waker());
        let inner = self.parts.inner_calls();
        let guard = FailOnPanic(self);
        // Dropped before the guard: a call leaves its scope before its slot is released.
        let scope = inner.as_ref().map(OwnedCall::enter_scope);
        let part = poll(&mut Context::from_waker(&guard.0.waker));
        drop(scope);
        std::mem::forget(guard);
        match &part {
            Poll::Pending => self.parts.wait(),
            Poll::Ready(_) => self.parts.receive(),
        }
        part
    }

    /// Returns `true` once the call has been settled.
    pub(crate) fn is_settled(&self) -> bool {
        self.parts.lock().call.is_none()
    }

    /// Settles the call, unless it has been settled.
    pub(crate) fn settle(&mut self, outcome: Outcome) {
        if let Some(EndedCall { call: OwnedCall { circuit, ticket, stamp }, .. }) =
            self.parts.end(Ending::Settled(outcome))
        {
            Admission::new(&circuit, ticket, stamp).settle_permit(outcome);
        }
    }

    /// Settles the call as a failure with a reason, unless it has been settled.
    pub(crate) fn fail(&mut self, reason: impl Display) {
        self.fail_because(&|| Some(failure_text(&reason)));
    }

    /// Settles the call as a failure that `classifier` describes, unless it has been settled.
    pub(crate) fn fail_with<T, C: Classifier<T>>(&mut self, part: &T, classifier: &C) {
        self.fail_because(&FailedOutput { output: part, classifier });
    }

    fn fail_because(&mut self, failure: &dyn FailureSource) {
        if let Some(EndedCall { call: OwnedCall { circuit, ticket, stamp }, .. }) =
            self.parts.end(Ending::Settled(Outcome::Failure))
        {
            Admission::new(&circuit, ticket, stamp).fail(failure);
        }
    }
}

impl PartWaker {
    /// Notes that the caller polls with this waker.
    fn begin_poll(&self, waker: &Waker) {
        if self.lock().caller.as_ref().is_some_and(|caller| caller.will_wake(waker)) {
            return;
        }
        let caller = Some(waker.clone());
        let replaced = std::mem::replace(&mut self.lock().caller, caller);
        catch_panic(|| drop(replaced));
    }

    /// Returns the call, if calls inside its poll run in its slot.
    fn inner_calls(&self) -> Option<OwnedCall> {
        let progress = self.lock();
        let OwnedCall { circuit, ticket, stamp } = progress.call.as_ref()?;
        OwnedCall::with_slot(circuit, *ticket, *stamp)
    }

    /// Notes that the poll was pending, so that the caller waits, unless the stream has woken it during the poll.
    fn wait(&self) {
        let mut progress = self.lock();
        progress.handles_part = false;
        let Progress { call: Some(call), wait, is_watched, tapped, caller: Some(_), .. } = &mut *progress
        else {
            return;
        };
        if let Wait::No { waited, since } = *wait {
            let started = call.circuit.now().before(waited.unwrap_or_default());
            // A call that has hung is still watched.
            if *is_watched && call.ticket.entry().is_none() {
                call.ticket = call.circuit.resume_watch(call.ticket, started);
            }
            call.exclude(since, tapped.as_deref_mut());
            *wait = Wait::Since(started);
        }
    }

    /// Notes that the caller has received a part.
    fn receive(&self) {
        let mut progress = self.lock();
        progress.end_wait();
        progress.handles_part = true;
        if let Wait::No { waited, .. } = &mut progress.wait {
            *waited = None;
        }
        let Some(call) = &mut progress.call else {
            return;
        };
        let watched = call.ticket;
        if watched.entry().is_none() {
            return;
        }
        call.ticket = watched.without_entry();
        let circuit = Arc::clone(&call.circuit);
        drop(progress);
        // If a call has hung, this opens the circuit, and listeners run.
        circuit.pause_watch(watched);
    }

    /// Ends the call, unless it has been settled.
    fn end(&self, ending: Ending) -> Option<EndedCall> {
        let mut progress = self.lock();
        progress.end_wait();
        let call = progress.call.take()?;
        let caller = progress.caller.take();
        let mut tapped = progress.tapped.take();
        let wait = progress.wait;
        let part = progress.handles_part.then_some(progress.meaning);
        drop(progress);
        // A panic of the waker must not keep the call from being settled.
        catch_panic(|| drop(caller));
        let mut ended = EndedCall { call, waited: None, part };
        if let Wait::No { waited, since } = wait {
            ended.call.exclude(since, tapped.as_deref_mut());
            ended.waited = waited;
        }
        if let Some(times) = tapped {
            ended.tap(&times, ending);
        }
        Some(ended)
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        lock(&self.0)
    }
}

impl Wake for PartWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut progress = self.lock();
        progress.pause_watch();
        progress.end_wait();
        let caller = progress.caller.take();
        drop(progress);
        if let Some(caller) = caller {
            caller.wake();
        }
    }
}

impl Progress {
    /// Notes that the caller does not wait any more.
    fn end_wait(&mut self) {
        if let (Some(call), Wait::Since(since)) = (&self.call, self.wait) {
            let waited = Some(call.circuit.now().since(since));
            self.wait = Wait::No { waited, since: call.stopwatch() };
        }
    }

    /// Ends the watch of a call whose caller is woken. A call that has hung stays watched and opens the circuit at the
    /// next check, because listeners must not run inside a wake-up.
    fn pause_watch(&mut self) {
        if let (Some(call), Wait::Since(_)) = (&mut self.call, self.wait) {
            call.ticket = call.circuit.pause_watch_in_time(call.ticket);
        }
    }
}

impl OwnedCall {
    /// Returns the times of a tapped call that has returned its stream.
    #[cold]
    #[inline(never)]
    fn tapped_stream(&self) -> TappedStream {
        let ran = self.stamp.elapsed(&self.circuit.clock).unwrap_or_default();
        let limited = if self.stamp.is_limitable() { Some(ran) } else { None };
        let start = self.stamp.start().unwrap_or_else(|| self.circuit.clock.start());
        TappedStream { start, started: self.circuit.now().before(ran), measured_from: start, limited }
    }

    /// Returns the start of a time that is not part of the duration, if the call is timed or tapped.
    fn stopwatch(&self) -> Option<Start> {
        let is_measured = self.is_timed_without_pauses() || self.stamp.is_tapped();
        is_measured.then(|| self.circuit.clock.start())
    }

    /// Returns `true` if the stamp measures the time for which the caller waits. That of a trial call measures the whole
    /// time, because it is compared with its lease.
    fn is_timed_without_pauses(&self) -> bool {
        self.stamp.start().is_some() && self.ticket.trial().is_none()
    }

    /// Excludes the time since then from the duration of the call.
    fn exclude(&mut self, since: Option<Start>, tapped: Option<&mut TappedStream>) {
        let Some(since) = since else {
            return;
        };
        let until = self.circuit.clock.start();
        if self.is_timed_without_pauses() {
            self.stamp = self.stamp.without(since, until);
        }
        if let Some(times) = tapped {
            times.measured_from = times.measured_from.later_by(since, until);
        }
    }
}

impl EndedCall {
    /// Passes the call to the taps. Its stamp is then as it would be without them.
    #[cold]
    #[inline(never)]
    fn tap(&mut self, times: &TappedStream, ending: Ending) {
        let &TappedStream { start, started, measured_from, limited } = times;
        let OwnedCall { circuit, stamp, .. } = &self.call;
        let end = match (ending, self.waited, self.part) {
            (Ending::Settled(Outcome::Success), ..) | (Ending::Dropped, None, Some(PartMeaning::Success)) => {
                CallEnd::Success
            }
            (Ending::Settled(Outcome::Failure), ..) => CallEnd::Failure,
            (Ending::Settled(Outcome::Ignored), ..) => CallEnd::Ignored,
            (Ending::Dropped, ..) => CallEnd::Cancelled,
        };
        let time_since = |start| Duration::from_nanos(circuit.clock.nanos_since(start));
        let (duration, leased) = (time_since(measured_from), time_since(start));
        let waited = self.waited.unwrap_or_default();
        circuit.tap(&CompletedCall { end, start, started, duration, waited, limited, leased });
        self.call.stamp = stamp.untapped(&circuit.clock);
    }
}

impl Drop for StreamedCall {
    fn drop(&mut self) {
        let Some(EndedCall { call: OwnedCall { circuit, ticket, stamp }, waited, part }) =
            self.parts.end(Ending::Dropped)
        else {
            return;
        };
        let waited = match (waited, part) {
            (Some(waited), _) => waited,
            (None, Some(PartMeaning::Success)) => {
                Admission::new(&circuit, ticket, stamp).settle_permit(Outcome::Success);
                return;
            }
            (None, Some(PartMeaning::Nothing) | None) => Duration::ZERO,
        };
        circuit.record_given_up(ticket, stamp, waited, || {
            format!("the caller cancelled the call after it had waited {waited:.1?} for the next part")
        });
    }
}

impl fmt::Debug for StreamedCall {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let progress = self.parts.lock();
        let call = progress.call.as_ref().map(|call| (Arc::clone(&call.circuit), call.ticket));
        drop(progress);
        match call {
            Some((circuit, ticket)) => circuit.write_permit("StreamedCall", ticket.trial().is_some(), out),
            None => out.write_str("StreamedCall(settled)"),
        }
    }
}

/// Settles a call whose poll panics.
struct FailOnPanic<'a>(&'a mut StreamedCall);

impl Drop for FailOnPanic<'_> {
    fn drop(&mut self) {
        if let Some(EndedCall { call: OwnedCall { circuit, ticket, stamp }, .. }) =
            self.0.parts.end(Ending::Settled(Outcome::Failure))
        {
            Admission::new(&circuit, ticket, stamp).panicked();
        }
    }
}
