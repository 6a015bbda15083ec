//! What only some circuits keep: a window, durations, a bulkhead, the other mode. Made when the settings
//! first ask for any of it, and kept from then on, so that a plain circuit stays small and its path short.

use std::time::Duration;

use super::bulkhead::Bulkhead;
use crate::clock::{Clock, nanos_of};
use crate::config::{Config, Mode};
use crate::durations::Recorder;
use crate::snapshot::OptionalParts;
use crate::state::Keeps;
use crate::sync::{AtomicU32, AtomicU64, Mutex, OnceBox, Ordering, lock};
use crate::window::{Bad, Rules, Span, TripReason, Window};

#[derive(Debug)]
pub(crate) struct Extras {
    window: Window,
    rules: Mutex<Rules>,
    recorder: OnceBox<Recorder>,
    bulkhead: Bulkhead,
    switches: AtomicU32,
    /// Nanoseconds; the largest for never.
    slow_call: AtomicU64,
    call_timeout: AtomicU64,
    max_wait: AtomicU64,
    shadow_rejections: AtomicU64,
}

// The switches.
const WINDOWED: u32 = 1;
const TIMED: u32 = 2;
const BOUNDED: u32 = 4;
const SHADOW: u32 = 8;

impl Extras {
    /// Whether a circuit with these settings keeps anything beside its machine and its totals.
    pub(super) fn are_needed(config: &Config) -> bool {
        switches(config) > 0 || config.call_timeout().is_some()
    }

    /// What a circuit with these settings keeps about its calls.
    pub(super) fn keeps(config: &Config) -> Keeps {
        let switches = switches(config);
        if switches & (TIMED | BOUNDED) > 0 || config.call_timeout().is_some() {
            Keeps::Calls
        } else if switches & WINDOWED > 0 {
            Keeps::Window
        } else {
            Keeps::Run
        }
    }

    pub(super) fn new(config: &Config) -> Self {
        let extras = Self {
            window: Window::new(config.span()),
            rules: Mutex::new(*config.rules()),
            recorder: OnceBox::new(),
            bulkhead: Bulkhead::new(config.max_concurrent()),
            switches: AtomicU32::new(0),
            slow_call: AtomicU64::new(u64::MAX),
            call_timeout: AtomicU64::new(u64::MAX),
            max_wait: AtomicU64::new(0),
            shadow_rejections: AtomicU64::new(0),
        };
        extras.switch(config);
        extras
    }

    /// Obeys other settings from now on. How many places of the bulkhead are to be
    /// [handed out](Self::hand_out).
    pub(super) fn set_config(&self, config: &Config, generation: u64, clock: &Clock) -> u32 {
        *lock(&self.rules) = *config.rules();
        self.window.reshape(config.span(), generation, clock);
        let places = self.bulkhead.resize(config.max_concurrent());
        self.switch(config);
        places
    }

    /// Lets those in who wait for the bulkhead's new places; not under a lock.
    pub(super) fn hand_out(&self, places: u32) {
        self.bulkhead.hand_out(places);
    }

    fn switch(&self, config: &Config) {
        let nanos = |duration: Option<Duration>| duration.map_or(u64::MAX, nanos_of);
        self.slow_call.store(nanos(config.slow_call()), Ordering::Relaxed);
        self.call_timeout.store(nanos(config.call_timeout()), Ordering::Relaxed);
        self.max_wait.store(nanos(Some(config.max_wait())), Ordering::Relaxed);
        let switches = switches(config);
        if switches & TIMED > 0 {
            self.recorder.get_or_init(|| Box::new(Recorder::new()));
        }
        self.switches.store(switches, Ordering::Release);
    }

    #[inline]
    pub(super) fn is_windowed(&self) -> bool {
        self.is_on(WINDOWED)
    }

    #[inline]
    pub(super) fn is_timed(&self) -> bool {
        self.is_on(TIMED)
    }

    #[inline]
    pub(super) fn is_shadow(&self) -> bool {
        self.is_on(SHADOW)
    }

    /// The bulkhead, if the number of calls is bounded.
    #[inline]
    pub(super) fn bulkhead(&self) -> Option<&Bulkhead> {
        self.is_on(BOUNDED).then_some(&self.bulkhead)
    }

    /// Gives back a place that was taken, whether calls are still bounded or not.
    pub(super) fn leave_bulkhead(&self) {
        self.bulkhead.leave();
    }

    /// Blocks until there is a place in the bulkhead, or no longer than a call waits.
    pub(super) fn wait_blocking(&self, clock: &Clock) -> bool {
        self.bulkhead.enter_blocking(self.max_wait(), clock)
    }

    pub(super) fn max_wait(&self) -> Duration {
        Duration::from_nanos(self.max_wait.load(Ordering::Relaxed))
    }

    /// How long a call may take; in shadow mode none is ended.
    pub(super) fn call_timeout(&self) -> Option<Duration> {
        let nanos = self.call_timeout.load(Ordering::Relaxed);
        (nanos != u64::MAX && !self.is_shadow()).then(|| Duration::from_nanos(nanos))
    }

    pub(super) fn count_shadow_rejection(&self) {
        self.shadow_rejections.fetch_add(1, Ordering::Relaxed);
    }

    /// A call took so long. Whether that is slow.
    #[inline]
    pub(super) fn took(&self, nanos: u64) -> bool {
        if let Some(recorder) = self.recorder.get() {
            recorder.add(nanos);
        }
        nanos >= self.slow_call.load(Ordering::Relaxed)
    }

    /// Whether one success more would change nothing; then the window may [rest](Self::rest).
    #[inline]
    pub(super) fn succeed(&self, generation: u64, clock: &Clock) -> bool {
        self.window.succeed(generation, clock)
    }

    pub(super) fn rest(&self, generation: u64, rest: impl FnOnce()) {
        self.window.rest(generation, rest);
    }

    /// A call ended that was no plain success, with so many failures in a row. The rule that is met now.
    pub(super) fn add(&self, generation: u64, bad: Bad, run: u32, clock: &Clock) -> Option<TripReason> {
        let rules = *lock(&self.rules);
        let counts = if self.is_windowed() { self.window.add(generation, bad, &rules, clock) } else { None };
        rules.met_by_run(run).or_else(|| rules.met_by(counts?))
    }

    /// Whether the window of this generation holds no failure and no slow call.
    pub(super) fn is_clean(&self, generation: u64, clock: &Clock) -> bool {
        let counts = self.window.counts(generation, clock);
        counts.failures == 0 && counts.slow == 0
    }

    pub(super) fn kept(&self, generation: u64, clock: &Clock) -> OptionalParts {
        OptionalParts {
            window: self.is_windowed().then(|| self.window.counts(generation, clock)),
            calls_in_flight: self.bulkhead().map(Bulkhead::in_flight),
            shadow_rejections: self.shadow_rejections.load(Ordering::Relaxed),
            durations: self.recorder.get().map(Recorder::read),
        }
    }

    #[inline]
    fn is_on(&self, switch: u32) -> bool {
        self.switches.load(Ordering::Acquire) & switch > 0
    }
}

fn switches(config: &Config) -> u32 {
    let switch = |is_on, switch| if is_on { switch } else { 0 };
    switch(config.span() != Span::Unlimited, WINDOWED)
        | switch(config.durations(), TIMED)
        | switch(config.max_concurrent().is_some(), BOUNDED)
        | switch(config.mode() == Mode::Shadow, SHADOW)
}
