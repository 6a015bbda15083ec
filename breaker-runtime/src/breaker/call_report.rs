//! Reports of single calls to the listeners that ask for them. Every report is made after the call has been counted
//! and recorded, without a lock, on the thread of the call.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::circuit::{Circuit, Rejection};
use super::failure::{FailureSource, KnownText, text_of};
use super::stamp::Stamp;
use crate::error::ErrorKind;
use crate::event::{
    CallEvent, CallEventKind, CallEvents, FallbackCause, call_listeners_exist, unless_reporting,
};
use crate::outcome::{Completion, Outcome, Settled};
use crate::state::machine::Ticket;

impl Circuit {
    /// Reports a rejected call.
    #[inline]
    pub(super) fn report_rejection(&self, kind: ErrorKind) {
        if call_listeners_exist() {
            self.deliver_rejection(kind);
        }
    }

    /// Reports a fallback that returned.
    #[inline]
    pub(super) fn report_fallback(&self, cause: FallbackCause, outcome: Outcome) {
        if call_listeners_exist() {
            self.report(CallEvents::FALLBACK_USED, || CallEventKind::FallbackUsed { cause, outcome });
        }
    }

    #[cold]
    #[inline(never)]
    fn deliver_rejection(&self, kind: ErrorKind) {
        let rejection = Rejection { circuit: self, kind };
        self.report(CallEvents::REJECTED, || CallEventKind::Rejected(rejection.into()));
    }

    /// Records a failure or a slow call with `record`, and reports it. A panic of the user's `retry_after` continues
    /// after the report.
    #[cold]
    #[inline(never)]
    pub(super) fn record_and_report(
        &self,
        ticket: Ticket,
        stamp: Stamp,
        completion: Completion,
        failure: &dyn FailureSource,
    ) -> Settled {
        let duration = stamp.elapsed(&self.clock).unwrap_or_default();
        let mut known = None;
        if completion.is_failure() && self.wanted_call_events().contains(CallEvents::FAILED) {
            // The text is the user's code, whose calls are not reported either.
            unless_reporting(|| known = Some(text_of(failure)));
        }
        let recorded = catch_unwind(AssertUnwindSafe(|| match &known {
            Some(text) => self.record(ticket, stamp, completion, &KnownText { text: text.clone(), failure }),
            None => self.record(ticket, stamp, completion, failure),
        }));
        if completion.is_slow {
            let outcome = completion.outcome;
            self.report(CallEvents::SLOW, || CallEventKind::Slow { duration, outcome });
        }
        if let Some(text) = known {
            self.report(CallEvents::FAILED, || CallEventKind::Failed { text });
        }
        recorded.unwrap_or_else(|panic| resume_unwind(panic))
    }

    #[cold]
    #[inline(never)]
    fn report(&self, selector: CallEvents, kind: impl FnOnce() -> CallEventKind) {
        if !self.wanted_call_events().contains(selector) {
            return;
        }
        unless_reporting(|| {
            let event = CallEvent::new(self.id(), kind());
            self.hubs().for_each(|hub| hub.notify_of_call(&event));
        });
    }

    /// Returns the events that a listener of this circuit or of its registry wants.
    fn wanted_call_events(&self) -> CallEvents {
        self.hubs()
            .map(|hub| hub.wanted_call_events())
            .fold(CallEvents::default(), |sum, wanted| sum | wanted)
    }
}
