//! Optional state of a circuit, allocated when its settings first need it: window, durations, bulkhead,
//! running calls, ramp, shadow mode. A plain circuit has none, which keeps it small and its call path short.

use std::sync::Arc;
use std::time::Duration;

use super::bulkhead::{Bulkhead, BulkheadSettings, CallNeeds, QueuedCall, UnfinishedRelease};
use super::open_limit::OpenSlot;
use super::stamp::Timing;
use super::tap::{AttachedTap, Taps};
use super::watch::Watch;
use crate::clock::{Clock, Moment, nanos_of};
use crate::config::{Config, Mode};
use crate::durations::DurationRecorder;
use crate::outcome::Completion;
use crate::snapshot::OptionalParts;
use crate::state::Tracking;
use crate::sync::{AtomicU32, AtomicU64, OnceBox, Ordering};
use crate::window::{Span, TripReason, Window};

#[derive(Debug)]
pub(crate) struct CircuitOptions {
    window: Window,
    recorder: OnceBox<DurationRecorder>,
    bulkhead: Bulkhead,
    /// The running calls, once `hang` has been set.
    watch: OnceBox<Watch>,
    features: AtomicU32,
    /// Minimum duration of a slow call, in nanoseconds; `u64::MAX` for none.
    slow_call: AtomicU64,
    /// The duration from which the end of a call is more than an entry of the histogram: `slow_call`, or 0 with taps
    /// and without recorded durations.
    notable: AtomicU64,
    /// Time limit of a call, in nanoseconds; `u64::MAX` for none, and in shadow mode.
    call_timeout: AtomicU64,
    /// Length of a ramp, in nanoseconds; 0 for none.
    ramp: AtomicU64,
    shadow_rejections: AtomicU64,
    open_slot: OpenSlot,
    /// 1 after a limit that does not apply to a call has been reported.
    reported: AtomicU32,
    taps: Taps,
}

// The bits of `features`.
const WINDOWED: u32 = 1;
const BOUNDED: u32 = 2;
const TIMED: u32 = Timing::SETTINGS;
const SHADOW: u32 = 8;
const MAX_OPEN: u32 = 16;
/// The circuit has taps. This bit does not come from the settings.
const TAPPED: u32 = Timing::TAPS;
const SETTINGS: u32 = WINDOWED | TIMED | BOUNDED | SHADOW | MAX_OPEN;

impl CircuitOptions {
    /// Returns `true` if a circuit with these settings needs more than its machine and its totals.
    pub(super) fn are_needed(config: &Config) -> bool {
        let has_limit = config.call_timeout().is_some() || config.hang().is_some();
        features(config) > 0 || has_limit || config.ramp().is_some()
    }

    /// Returns the level of bookkeeping that these settings need.
    pub(super) fn tracking(config: &Config) -> Tracking {
        let features = features(config);
        if config.hang().is_some() {
            Tracking::Checks
        } else if features & (TIMED | BOUNDED) > 0 || config.call_timeout().is_some() {
            Tracking::Calls
        } else if features & WINDOWED > 0 {
            Tracking::Window
        } else {
            Tracking::Run
        }
    }

    pub(super) fn new(config: &Config) -> Self {
        let options = Self {
            window: Window::new(config.span(), config.rules()),
            recorder: OnceBox::new(),
            bulkhead: Bulkhead::new(BulkheadSettings::of(config)),
            watch: OnceBox::new(),
            features: AtomicU32::new(0),
            slow_call: AtomicU64::new(u64::MAX),
            notable: AtomicU64::new(u64::MAX),
            call_timeout: AtomicU64::new(u64::MAX),
            ramp: AtomicU64::new(0),
            shadow_rejections: AtomicU64::new(0),
            open_slot: OpenSlot::new(),
            reported: AtomicU32::new(0),
            taps: Taps::default(),
        };
        options.store(config);
        if let Some(watch) = options.watch.get() {
            // No call is running that has hung.
            _ = watch.set_limit(config.hang(), || Moment::from_nanos(0));
        }
        options
    }

    /// Applies other settings. The caller [wakes](Self::wake_waiting_calls) the calls that wait for a bulkhead slot
    /// once it holds no lock.
    pub(super) fn set_config(&self, config: &Config, generation: u64, clock: &Clock) {
        self.window.change(config.span(), config.rules(), generation, clock);
        self.bulkhead.change(BulkheadSettings::of(config), clock.now());
        self.store(config);
    }

    /// Wakes the calls that wait for a bulkhead slot, even if the limit has been removed. No lock may be held.
    pub(super) fn wake_waiting_calls(&self, clock: &Clock) {
        self.bulkhead.wake_waiting_calls(clock);
    }

    /// Returns a call that waits for a bulkhead slot, even if the limit has been removed.
    pub(super) const fn queued_call<'a>(&'a self, clock: &'a Clock) -> QueuedCall<'a> {
        QueuedCall::new(&self.bulkhead, clock)
    }

    /// Stores the settings except `hang`, which may have to wait for a call that hangs.
    fn store(&self, config: &Config) {
        let nanos = |duration: Option<Duration>| duration.map_or(u64::MAX, nanos_of);
        self.slow_call.store(nanos(config.slow_call()), Ordering::Relaxed);
        // One word tells whether a call is stopped, so that it never takes the limit and the mode of two settings.
        let call_timeout = config.call_timeout().filter(|_| config.mode() != Mode::Shadow);
        self.call_timeout.store(nanos(call_timeout), Ordering::Relaxed);
        self.ramp.store(config.ramp().map_or(0, nanos_of), Ordering::Relaxed);
        if config.hang().is_some() {
            self.watch.get_or_init(|| Box::new(Watch::new()));
        }
        self.reported.store(0, Ordering::Relaxed);
        let features = features(config);
        if features & TIMED > 0 {
            self.recorder.get_or_init(|| Box::new(DurationRecorder::new()));
        }
        // Whether there are taps does not change meanwhile.
        let taps = self.taps.lock();
        self.notable.store(self.notable(features, &taps), Ordering::Relaxed);
        self.set_bits(SETTINGS, features);
    }

    /// Replaces the taps. They are dropped without the lock.
    pub(super) fn change_taps(&self, change: impl FnOnce(&Arc<[AttachedTap]>) -> Arc<[AttachedTap]>) {
        let mut taps = self.taps.lock();
        let changed = change(&taps);
        let replaced = std::mem::replace(&mut *taps, changed);
        let features = self.features.load(Ordering::Relaxed);
        self.notable.store(self.notable(features, &taps), Ordering::Relaxed);
        let (bits, needs) = if taps.is_empty() { (0, CallNeeds::Slot) } else { (TAPPED, CallNeeds::Other) };
        self.set_bits(TAPPED, bits);
        // Without the bulkhead, a call that needs only a slot would not be timed.
        self.bulkhead.set_tap_needs(needs);
        drop(taps);
        drop(replaced);
    }

    pub(super) const fn taps(&self) -> &Taps {
        &self.taps
    }

    fn notable(&self, features: u32, taps: &[AttachedTap]) -> u64 {
        let is_only_recorded = features & TIMED > 0 && taps.is_empty();
        if is_only_recorded { self.slow_call.load(Ordering::Relaxed) } else { 0 }
    }

    /// Sets those bits of `mask` that are in `bits`, and clears the other ones.
    fn set_bits(&self, mask: u32, bits: u32) {
        let change = |old| Some(old & !mask | bits);
        // The change is never refused.
        _ = self.features.fetch_update(Ordering::Release, Ordering::Relaxed, change);
    }

    #[inline]
    pub(super) fn has_window(&self) -> bool {
        self.has(WINDOWED)
    }

    /// Returns what the duration of each call is needed for, or `None` if nothing needs it.
    #[inline]
    pub(super) fn timing(&self) -> Option<Timing> {
        Timing::from_bits(self.features.load(Ordering::Acquire))
    }

    pub(crate) fn is_tapped(&self) -> bool {
        self.has(TAPPED)
    }

    #[inline]
    pub(super) fn is_shadow(&self) -> bool {
        self.has(SHADOW)
    }

    /// Returns `true` if rejections by the state need more than a count: in shadow mode and with `max_open`, which
    /// may admit the call, and with taps.
    #[inline]
    pub(super) fn handles_rejections(&self) -> bool {
        self.has(SHADOW | MAX_OPEN | TAPPED)
    }

    pub(super) fn has_max_open(&self) -> bool {
        self.has(MAX_OPEN)
    }

    /// Returns `true` if the circuit needs an open slot to reject calls. In shadow mode it rejects none.
    pub(super) fn needs_open_slot(&self) -> bool {
        self.has(MAX_OPEN) && !self.is_shadow()
    }

    pub(super) const fn open_slot(&self) -> &OpenSlot {
        &self.open_slot
    }

    /// Returns the bulkhead, if the number of concurrent calls is limited.
    #[inline]
    pub(super) fn bulkhead(&self) -> Option<&Bulkhead> {
        self.has(BOUNDED).then_some(&self.bulkhead)
    }

    /// Acquires a bulkhead slot for a call that needs nothing else; see [`Bulkhead::try_acquire_fast`].
    #[inline]
    pub(super) fn try_acquire_slot_fast(&self) -> bool {
        self.bulkhead.try_acquire_fast()
    }

    /// Releases a bulkhead slot, even if the limit has been removed meanwhile.
    #[inline]
    pub(super) fn release_slot(&self, clock: &Clock) {
        self.bulkhead.release(clock);
    }

    /// Releases a bulkhead slot; see [`Bulkhead::start_release`].
    #[inline]
    pub(super) fn start_release(&self) -> Option<UnfinishedRelease<'_>> {
        self.bulkhead.start_release()
    }

    /// Returns the time limit of a call, if there is one and shadow mode is off.
    pub(super) fn call_timeout(&self) -> Option<Duration> {
        let nanos = self.call_timeout.load(Ordering::Relaxed);
        (nanos != u64::MAX).then(|| Duration::from_nanos(nanos))
    }

    /// Returns the length of a ramp, if a circuit that closes has one.
    pub(super) fn ramp(&self) -> Option<Duration> {
        let nanos = self.ramp.load(Ordering::Relaxed);
        (nanos != 0).then(|| Duration::from_nanos(nanos))
    }

    /// Returns the running calls, if `hang` has been set.
    pub(super) fn watch(&self) -> Option<&Watch> {
        self.watch.get()
    }

    /// Counts a call that only shadow mode admitted.
    pub(super) fn count_shadow_rejection(&self) {
        self.shadow_rejections.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns `true` for the first caller since the settings were applied.
    pub(super) fn report_once(&self) -> bool {
        self.reported.swap(1, Ordering::Relaxed) == 0
    }

    /// Records the duration of a call. Returns `false` if it was slow, if the circuit has taps, or if it does not
    /// record durations: then the caller uses [`record_notable_duration`](Self::record_notable_duration).
    #[inline]
    pub(super) fn try_record_duration(&self, nanos: u64) -> bool {
        if nanos >= self.notable.load(Ordering::Relaxed) {
            return false;
        }
        self.add_duration(nanos);
        true
    }

    /// Records the duration of a timed call that [`try_record_duration`](Self::try_record_duration) has not recorded.
    /// It does not enter the histogram of earlier settings.
    pub(super) fn record_notable_duration(&self, nanos: u64) {
        if self.has(TIMED) {
            self.add_duration(nanos);
        }
    }

    #[inline]
    fn add_duration(&self, nanos: u64) {
        if let Some(recorder) = self.recorder.get() {
            recorder.add(nanos);
        }
    }

    pub(super) fn is_slow(&self, nanos: u64) -> bool {
        nanos >= self.slow_call.load(Ordering::Relaxed)
    }

    /// Returns the window.
    pub(super) const fn window(&self) -> &Window {
        &self.window
    }

    /// Records a success in the window. Returns `true` if another one may change nothing.
    #[inline]
    pub(super) fn record_success(&self, generation: u64, clock: &Clock) -> bool {
        self.window.record_success(generation, clock)
    }

    /// Calls `skip` if another success would change nothing; see [`Window::if_saturated`].
    pub(super) fn if_saturated(&self, generation: u64, skip: impl FnOnce()) {
        self.window.if_saturated(generation, skip);
    }

    /// Records a failure or a slow call in the window. Returns the reason to open, if a threshold of the
    /// window is reached.
    pub(super) fn record_fault(
        &self,
        generation: u64,
        completion: Completion,
        clock: &Clock,
    ) -> Option<TripReason> {
        if !self.has_window() {
            return None;
        }
        self.window.record_fault(generation, completion, clock)
    }

    /// Returns `true` if the window of this generation holds a failure or a slow call.
    pub(super) fn has_faults(&self, generation: u64, clock: &Clock) -> bool {
        let faults = self.window.faults(generation, clock);
        faults.failures > 0 || faults.slow > 0
    }

    pub(super) fn parts(&self, generation: u64, clock: &Clock) -> OptionalParts {
        OptionalParts {
            window: self.has_window().then(|| self.window.counts(generation, clock)),
            calls_in_flight: self.bulkhead().map(|bulkhead| bulkhead.in_flight(clock)),
            shadow_rejections: self.shadow_rejections.load(Ordering::Relaxed),
            waived_rejections: self.open_slot.waived(),
            waives: false,
            durations: self.recorder.get().map(DurationRecorder::read),
            queue: None,
            drill: None,
        }
    }

    #[inline]
    fn has(&self, feature: u32) -> bool {
        self.features.load(Ordering::Acquire) & feature > 0
    }
}

fn features(config: &Config) -> u32 {
    let bit = |is_on, bit| if is_on { bit } else { 0 };
    bit(config.span() != Span::Unlimited, WINDOWED)
        | bit(config.durations(), TIMED)
        | bit(config.max_concurrent().is_some(), BOUNDED)
        | bit(config.mode() == Mode::Shadow, SHADOW)
        | bit(config.has_max_open(), MAX_OPEN)
}
