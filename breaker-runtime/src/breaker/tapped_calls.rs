//! The calls of a circuit with taps.
//!
//! Sources create taps for the circuits of a registry; they are the recorder of traces and the candidates of the
//! feature `shadow`, which this file does not know. A circuit without taps pays nothing, also after it has had some:
//! the checks that exist for other features send the calls of a tapped circuit here. Taps see no call of a disabled
//! circuit, and none that began before they were attached.

use std::sync::Arc;
use std::time::Duration;

use super::circuit::Circuit;
use super::options::CircuitOptions;
use super::stamp::Stamp;
use super::tap::{AttachedTap, CallEnd, CallTap, CompletedCall, SourceId};
use crate::clock::Clock;
use crate::error::ErrorKind;

/// A source of the taps of circuits.
pub(crate) trait TapSource: Send + Sync {
    /// Returns the tap for this circuit, or `None` if the source does not want its calls.
    fn tap(&self, circuit: &Arc<Circuit>) -> Option<Arc<dyn CallTap>>;
}

impl Circuit {
    /// Attaches the tap of this source, unless it has none for the circuit or is attached already.
    pub(crate) fn attach_tap(self: &Arc<Self>, source: &Arc<dyn TapSource>) {
        if self.has_tap_of(source) {
            return;
        }
        let Some(tap) = source.tap(self) else {
            return;
        };
        Clock::prepare();
        let options = self.options.get_or_init(|| Box::new(CircuitOptions::new(&self.config())));
        options.change_taps(|taps| {
            if taps.iter().any(|attached| attached.source == source_id(source)) {
                return Arc::clone(taps);
            }
            let added = AttachedTap { source: source_id(source), tap };
            taps.iter().cloned().chain([added]).collect()
        });
        self.machine.track_taps(|| options.is_tapped());
    }

    /// Detaches the tap of this source.
    pub(crate) fn detach_tap(&self, source: &Arc<dyn TapSource>) {
        if let Some(options) = self.options.get() {
            let others = |taps: &Arc<[AttachedTap]>| {
                taps.iter().filter(|it| it.source != source_id(source)).cloned().collect()
            };
            options.change_taps(others);
            self.machine.track_taps(|| options.is_tapped());
        }
    }

    fn has_tap_of(&self, source: &Arc<dyn TapSource>) -> bool {
        let taps = self.options.get().map(CircuitOptions::taps);
        taps.is_some_and(|taps| taps.lock().iter().any(|attached| attached.source == source_id(source)))
    }

    /// Passes a tapped call that ends now to the taps, whose caller has waited since its start.
    #[cold]
    #[inline(never)]
    pub(super) fn tap_ended(&self, stamp: Stamp, end: CallEnd, duration: Duration) {
        self.tap(&self.completed(stamp, end, duration));
    }

    /// Passes a tapped call to the taps whose caller has given it up after this time. Returns the stamp that it would
    /// have without taps.
    #[cold]
    #[inline(never)]
    pub(super) fn tap_given_up(&self, stamp: Stamp, waited: Duration) -> Stamp {
        let duration = stamp.elapsed(&self.clock).unwrap_or_default();
        self.tap(&CompletedCall { waited, ..self.completed(stamp, CallEnd::Cancelled, duration) });
        stamp.untapped(&self.clock)
    }

    fn completed(&self, stamp: Stamp, end: CallEnd, duration: Duration) -> CompletedCall {
        let limited = if stamp.is_limitable() { Some(duration) } else { None };
        CompletedCall {
            end,
            start: stamp.start().unwrap_or_else(|| self.clock.start()),
            started: self.clock.now().before(duration),
            duration,
            waited: duration,
            limited,
            leased: duration,
        }
    }

    /// Passes a call to the taps.
    pub(super) fn tap(&self, call: &CompletedCall) {
        if let Some(options) = self.options.get() {
            options.taps().for_each(|tap| tap.completed(call));
        }
    }

    /// Passes a rejection to the taps, if there are any.
    #[cold]
    #[inline(never)]
    pub(super) fn tap_rejected(&self, kind: ErrorKind) {
        if let Some(options) = self.options.get()
            && options.is_tapped()
        {
            let at = self.clock.now();
            options.taps().for_each(|tap| tap.rejected(kind, at));
        }
    }
}

fn source_id(source: &Arc<dyn TapSource>) -> SourceId {
    SourceId(Arc::as_ptr(source).cast::<()>().addr())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breaker::streamed_call::{PartMeaning, StreamedCall};
    use crate::clock::{Moment, Start};
    use crate::sync::{Mutex, lock};
    use crate::{CircuitBreaker, Config, Outcome, OwnedPermit};

    struct SeesNothing;

    impl TapSource for SeesNothing {
        fn tap(&self, _circuit: &Arc<Circuit>) -> Option<Arc<dyn CallTap>> {
            Some(Arc::new(Self))
        }
    }

    impl CallTap for SeesNothing {
        fn completed(&self, _call: &CompletedCall) {}

        fn rejected(&self, _kind: ErrorKind, _at: Moment) {}
    }

    /// Keeps the starts of all calls.
    #[derive(Default)]
    struct Starts(Arc<Mutex<Vec<Start>>>);

    impl TapSource for Starts {
        fn tap(&self, _circuit: &Arc<Circuit>) -> Option<Arc<dyn CallTap>> {
            Some(Arc::new(Self(Arc::clone(&self.0))))
        }
    }

    impl CallTap for Starts {
        fn completed(&self, call: &CompletedCall) {
            lock(&self.0).push(call.start);
        }

        fn rejected(&self, _kind: ErrorKind, _at: Moment) {}
    }

    #[test]
    fn taps_receive_the_start_that_was_read_when_the_call_began() {
        type End = fn(OwnedPermit);
        let ends: [End; 5] = [
            |permit| _ = permit.settle(Outcome::Success),
            |permit| _ = permit.settle(Outcome::Failure),
            |permit| _ = permit.settle(Outcome::Ignored),
            drop,
            |permit| StreamedCall::new(permit, PartMeaning::Success).settle(Outcome::Success),
        ];
        let settings = || Config::builder().failure_threshold(100);
        for settings in [settings(), settings().durations(true), settings().max_concurrent(10)] {
            let breaker = CircuitBreaker::new("search", settings.build().unwrap()).unwrap();
            let starts = Arc::new(Starts::default());
            breaker.circuit().attach_tap(&(Arc::clone(&starts) as Arc<dyn TapSource>));
            for end in ends {
                let before = breaker.circuit().clock.start();
                let permit = breaker.try_acquire_owned().unwrap();
                let after = breaker.circuit().clock.start();
                end(permit);
                let start = lock(&starts.0).pop().unwrap();
                assert_eq!((start.is_before(before), after.is_before(start)), (Some(false), Some(false)));
                assert!(lock(&starts.0).is_empty());
            }
        }
    }

    #[test]
    fn calls_that_need_only_a_slot_return_to_their_fast_path_after_the_last_tap() {
        let bounded = || Config::builder().max_concurrent(10);
        let breaker = CircuitBreaker::new("search", bounded().build().unwrap()).unwrap();
        let circuit = breaker.circuit();
        let is_fast = || circuit.options.get().unwrap().try_acquire_slot_fast();
        let sources = [(); 2].map(|()| Arc::new(SeesNothing) as Arc<dyn TapSource>);
        assert!(is_fast());
        for source in &sources {
            circuit.attach_tap(source);
        }
        assert!(!is_fast());
        for settings in [bounded().window_calls(10), Config::builder(), bounded().durations(true), bounded()]
        {
            breaker.set_config(settings.build().unwrap());
            assert!(!is_fast());
        }
        let [first, last] = &sources;
        circuit.detach_tap(first);
        assert!(!is_fast());
        circuit.detach_tap(last);
        assert!(is_fast());
    }
}
