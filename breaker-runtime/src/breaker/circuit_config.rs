//! The settings of a running circuit, and what they need.

use super::circuit::{Circuit, run_threshold};
use super::open_limit::OpenCounts;
use super::options::CircuitOptions;
use crate::clock::Clock;
use crate::config::{Config, Setting, SharedConfig};
use crate::event::{Event, SettingsChange};
use crate::state::machine::{ConfigChange, Pending};
use crate::sync::Ordering;
use crate::warning::warn;

impl Circuit {
    /// Replaces the settings of the running circuit.
    pub(crate) fn set_config(&self, settings: &SharedConfig) {
        let ConfigChange { old, pending } = self.apply_config(settings.clone());
        self.warn_about_max_open(settings, &old);
        let waiving = self.take_effect_of_settings(pending);
        self.notify_listeners(waiving);
        if let Some(change) = SettingsChange::between(self.id(), &old, settings) {
            self.notify_listeners_of(&Event::SettingsChanged(change));
        }
    }

    /// Returns `true` if the circuit has settings of `set_config` for itself.
    pub(crate) fn has_own_settings(&self) -> bool {
        self.config().is_of_one_circuit()
    }

    /// Reports a `max_open` that has no effect.
    fn warn_about_max_open(&self, settings: &SharedConfig, old: &SharedConfig) {
        if settings.has_max_open() && !self.identity().is_member() {
            let id = self.id();
            warn(format_args!(
                "{id}: max_open has no effect without keys; use a `KeyedBreaker`, or remove it"
            ));
        } else if settings.has_max_open() && settings.value(Setting::MaxOpen) != old.value(Setting::MaxOpen) {
            let id = self.id();
            warn(format_args!(
                "{id}: max_open of one key has no effect; use `KeyedBreaker::set_config`, or remove it"
            ));
        }
    }

    /// Replaces the settings, and runs no user code. The caller passes the result to
    /// [`take_effect_of_settings`](Self::take_effect_of_settings) once it holds no lock.
    pub(crate) fn apply_config(&self, settings: SharedConfig) -> ConfigChange<SharedConfig> {
        self.prepare_options(&settings);
        let apply = |settings: &SharedConfig, generation| {
            let run_threshold = run_threshold(settings);
            self.run_threshold.store(run_threshold, Ordering::Relaxed);
            if run_threshold == 0 {
                self.machine.forget_run(generation);
            }
            if let Some(options) = self.options.get() {
                options.set_config(settings, generation, &self.clock);
                self.resume_recording(options, generation);
            }
        };
        let ConfigChange { old, pending } =
            self.change_after_hang(|hung| self.machine.set_config(settings, &self.clock, hung, apply));
        ConfigChange { old, pending: pending.or(self.apply_hang()) }
    }

    /// Applies a new `hang`. A call that had hung before opens the circuit first.
    fn apply_hang(&self) -> Pending {
        let mut pending = Pending::Nothing;
        let Some(watch) = self.options.get().and_then(CircuitOptions::watch) else {
            return pending;
        };
        loop {
            pending = pending.or(self.open_if_hung());
            // Under the lock of the machine, so that the limit is that of the current settings.
            let set_limit = |settings: &SharedConfig| watch.set_limit(settings.hang(), || self.clock.now());
            let inspected = self.machine.inspect(self.clock.now(), None, set_limit);
            if inspected.from_settings {
                return pending;
            }
        }
    }

    /// Wakes the calls that wait for a slot, so that the new settings apply to them, and runs no listener. The caller
    /// holds no lock, and passes the result to [`notify_listeners`](Self::notify_listeners).
    pub(super) fn take_effect_of_settings(&self, pending: Pending) -> Option<OpenCounts> {
        if let Some(options) = self.options.get() {
            options.wake_waiting_calls(&self.clock);
        }
        match pending {
            Pending::Nothing => self.update_open_slot(),
            Pending::Transitions => self.take_effect(),
        }
    }

    /// Allocates what these settings need. Called before they apply and without a lock, because calibrating
    /// the clock takes about a millisecond.
    pub(super) fn prepare_options(&self, config: &Config) {
        if config.durations() {
            Clock::prepare();
        }
        if CircuitOptions::are_needed(config) {
            self.options.get_or_init(|| Box::new(CircuitOptions::new(config)));
            self.machine.track(CircuitOptions::tracking(config));
        }
    }
}
