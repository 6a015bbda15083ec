//! `Serialize` for the types that users store or send (feature `serde`).
//!
//! | type | format |
//! |---|---|
//! | [`State`], [`Cause`], [`Mode`], [`Sharing`], [`Adopt`], [`Outcome`], [`ErrorKind`] | a label: `"half_open"`, `"threshold_reached"` |
//! | [`Totals`], [`Rejections`], [`Fallbacks`], [`KeyCounts`], [`QueueCounts`] | their fields |
//! | [`Transition`] | its fields; `retry_after` is in seconds, and null for `Duration::MAX` |
//! | [`StateChange`] | `name`, `key`, and the fields of its [`Transition`] |
//! | [`TripReason`] | `{"rule": "failure_rate", "found": 5, "calls": 10, "limit": 0.5}`; `rule` is `consecutive_failures` (also for `failure_threshold` without a window), `failure_threshold`, `failure_rate`, `slow_call_rate` or `hang`; `found` counts failures, slow calls or hanging calls; `calls` is null for consecutive failures and for `hang`, whose `limit` is in seconds |
//! | [`TransitionCounts`] | `{"closed": {"open": 1}}`: the count by origin and target state, without zeros |
//! | [`CallDurations`] | `count`, and in seconds `mean`, `p50`, `p95` and `p99` |
//! | [`Ramp`] | its fields; `remaining` is in seconds |
//! | [`WindowCounts`] | its fields, `failure_rate` and `slow_call_rate` |
//! | [`Setting`], [`SettingValue`], [`SettingDuration`] | a label; a number, text or boolean; a text such as `"30s"` |
//! | [`SettingSource`] | `{"kind": "file", "at": "breakers.toml:7"}` |
//! | [`ConfigBuilder`] | the settings that are set, by their names |
//! | [`EffectiveConfig`] | `{"failure_threshold": {"value": 5, "source": ..}}`, for all settings |
//! | [`SettingsChange`] | `name`, `key` and `settings`: `from`, `to` and `source` of each setting that changed |
//! | [`Snapshot`] | its fields, and in place of the settings the `sources` of those that do not have their default; times are in seconds, truncated to milliseconds, except those in `durations` |
//!
//! Every struct has a known number of fields, which compact formats such as postcard need. `None` is `null`. The types
//! do not implement `Deserialize`, except `ConfigBuilder`, `SettingValue` and `SettingDuration`. `Config` and
//! `Conflict` implement neither.
//!
//! This is the JSON of a snapshot. No rule evaluates consecutive failures, so they are not counted:
//!
//! ```
//! use breaker_runtime::{CircuitBreaker, Config, Outcome};
//! use serde_json::json;
//!
//! let config = Config::builder().window_calls(100).failure_rate(0.5).build()?;
//! let breaker = CircuitBreaker::new("search", config)?;
//! breaker.try_acquire()?.settle(Outcome::Success);
//! breaker.try_acquire()?.settle(Outcome::Failure);
//!
//! let mut json = serde_json::to_value(breaker.snapshot())?;
//! json["time_in_state"] = 2.5.into(); // the time since the breaker was created
//! let sources = json["sources"].clone();
//! assert_eq!(sources["failure_rate"]["kind"], "program"); // and "at" is the line of `CircuitBreaker::new`
//! assert_eq!(json, json!({
//!     "name": "search", "key": null, "state": "closed", "mode": "enforce", "critical": false,
//!     "time_in_state": 2.5, "retry_after": null, "ramp": null, "time_open": 0.0, "generation": 0,
//!     "consecutive_failures": 0,
//!     "window": {"calls": 2, "failures": 1, "slow": 0, "failure_rate": 0.5, "slow_call_rate": 0.0},
//!     "trials_in_flight": 0, "calls_in_flight": null,
//!     "totals": {
//!         "successes": 1, "failures": 1, "timeouts": 0, "injected": 0, "delayed": 0, "ignored": 0, "rejected": 0,
//!         "rejections": {"open": 0, "half_open": 0, "ramping": 0, "forced_open": 0, "bulkhead": 0},
//!         "fallbacks": {"successes": 0, "failures": 0},
//!         "cancellations": {"ignored": 0, "failures": 0},
//!     },
//!     "shadow_rejections": 0, "waived_rejections": 0, "waives": false, "durations": null, "changes": {},
//!     "queue": null, "drill": null, "keys": null, "last_transition": null, "sources": sources,
//! }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;

use std::collections::BTreeMap;
use std::time::Duration;

use ::serde::ser::SerializeStruct;
use ::serde::{Serialize, Serializer};

pub(super) use self::config::Sources;
use crate::config::{Adopt, Mode, Sharing};
#[cfg(doc)]
use crate::config::{ConfigBuilder, EffectiveConfig, Setting, SettingDuration, SettingSource, SettingValue};
use crate::drill::{ActiveDrill, Fault};
use crate::durations::CallDurations;
use crate::error::ErrorKind;
#[cfg(doc)]
use crate::event::SettingsChange;
use crate::event::StateChange;
use crate::outcome::Outcome;
use crate::snapshot::{KeyCounts, QueueCounts, Snapshot};
use crate::state::{Cause, Ramp, State, Transition, TransitionCounts};
use crate::totals::{Cancellations, Fallbacks, Rejections, Totals};
use crate::window::{TripReason, WindowCounts};

/// The fields of a snapshot that the dashboard shows unchanged: all except identity, state, mode, keys and
/// transitions.
#[derive(Clone, Copy)]
pub(super) struct SnapshotFigures<'a>(pub(super) &'a Snapshot);

/// Serializes all fields of a struct. Compilation fails if a field is missing here.
macro_rules! serialize_fields {
    ($($type:ident { $($field:ident),+ })+) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let $type { $($field),+ } = self;
                let mut fields = serializer.serialize_struct(stringify!($type), [$(stringify!($field)),+].len())?;
                $(fields.serialize_field(stringify!($field), $field)?;)+
                fields.end()
            }
        }
    )+};
}

serialize_fields! {
    Totals {
        successes, failures, timeouts, injected, delayed, ignored, rejected, rejections, fallbacks, cancellations
    }
    Rejections { open, half_open, ramping, forced_open, bulkhead }
    Fallbacks { successes, failures }
    Cancellations { ignored, failures }
    KeyCounts { closed, open, half_open, forced_open, disabled }
    QueueCounts { length, capacity, queued, delivered, discarded, refused }
}

/// Serializes an enum without data as its label.
macro_rules! serialize_labels {
    ($($type:ident)+) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.label())
            }
        }
    )+};
}

serialize_labels! { State Cause Mode Sharing Adopt Outcome ErrorKind }

/// Writes fields of a struct by their names. Unlike `#[serde(flatten)]`, it works in formats such as postcard, which
/// need the number of fields first.
macro_rules! write_fields {
    ($fields:ident, $($field:ident: $value:expr,)+) => {
        $($fields.serialize_field(stringify!($field), &$value)?;)+
    };
}

impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Snapshot", SnapshotFigures::COUNT + 8)?;
        write_fields! { fields,
            name: *self.name,
            key: self.key.as_deref(),
            state: self.state,
        }
        SnapshotFigures(self).write(&mut fields)?;
        write_fields! { fields,
            mode: self.mode,
            changes: self.changes,
            keys: self.keys,
            last_transition: self.last_transition,
            sources: Sources(&self.settings),
        }
        fields.end()
    }
}

impl Serialize for SnapshotFigures<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("SnapshotFigures", Self::COUNT)?;
        self.write(&mut fields)?;
        fields.end()
    }
}

impl SnapshotFigures<'_> {
    const COUNT: usize = 17;

    fn write<S: SerializeStruct>(self, fields: &mut S) -> Result<(), S::Error> {
        // Without `..`, so that compilation fails if a field of a snapshot is missing here.
        let &Snapshot {
            name: _,
            key: _,
            state: _,
            mode: _,
            changes: _,
            keys: _,
            last_transition: _,
            since: _,
            time_in_state,
            retry_after,
            ramp,
            generation,
            critical,
            consecutive_failures,
            window,
            trials_in_flight,
            calls_in_flight,
            totals,
            shadow_rejections,
            waived_rejections,
            waives,
            ref durations,
            time_open,
            queue,
            ref drill,
            settings: _,
        } = self.0;
        write_fields! { fields,
            time_in_state: seconds(time_in_state),
            retry_after: retry_after.map(seconds),
            ramp: ramp,
            generation: generation,
            critical: critical,
            consecutive_failures: consecutive_failures,
            window: window,
            trials_in_flight: trials_in_flight,
            calls_in_flight: calls_in_flight,
            totals: totals,
            shadow_rejections: shadow_rejections,
            waived_rejections: waived_rejections,
            waives: waives,
            durations: durations,
            time_open: seconds(time_open),
            queue: queue,
            drill: drill,
        }
        Ok(())
    }
}

impl Serialize for Transition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Transition", Self::FIELDS)?;
        self.write(&mut fields)?;
        fields.end()
    }
}

impl Transition {
    /// The number of fields that [`write`](Self::write) writes.
    const FIELDS: usize = 8;

    fn write<S: SerializeStruct>(&self, fields: &mut S) -> Result<(), S::Error> {
        // Without `..`, so that compilation fails if a field is missing here.
        let Self { from, to, cause, generation, trip, ref last_failure, retry_after, ref initiator } = *self;
        write_fields! { fields,
            from: from,
            to: to,
            cause: cause,
            generation: generation,
            trip: trip,
            last_failure: last_failure,
            retry_after: retry_after.filter(|hint| *hint != Duration::MAX).map(seconds),
            initiator: initiator,
        }
        Ok(())
    }
}

impl Serialize for StateChange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("StateChange", Transition::FIELDS + 2)?;
        write_fields! { fields,
            name: self.name(),
            key: self.key(),
        }
        self.transition().write(&mut fields)?;
        fields.end()
    }
}

impl Serialize for TripReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (rule, found, calls, limit) = match *self {
            Self::ConsecutiveFailures { failures, limit } => {
                ("consecutive_failures", failures.into(), None, limit.into())
            }
            Self::FailuresInWindow { failures, calls, limit } => {
                ("failure_threshold", failures, Some(calls), limit.into())
            }
            Self::FailureRate { failures, calls, limit } => ("failure_rate", failures, Some(calls), limit),
            Self::SlowCallRate { slow, calls, limit } => ("slow_call_rate", slow, Some(calls), limit),
            Self::HangingCall { limit } => ("hang", 1, None, limit.as_secs_f64()),
        };
        let (found, limit): (u64, f64) = (found, limit);
        let mut fields = serializer.serialize_struct("TripReason", 4)?;
        fields.serialize_field("rule", rule)?;
        fields.serialize_field("found", &found)?;
        fields.serialize_field("calls", &calls)?;
        fields.serialize_field("limit", &limit)?;
        fields.end()
    }
}

impl Serialize for TransitionCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut counts: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
        for from in State::ALL {
            for to in State::ALL {
                match self.count(from, to) {
                    0 => {}
                    count => _ = counts.entry(from.label()).or_default().insert(to.label(), count),
                }
            }
        }
        counts.serialize(serializer)
    }
}

impl Serialize for WindowCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("WindowCounts", 5)?;
        fields.serialize_field("calls", &self.calls)?;
        fields.serialize_field("failures", &self.failures)?;
        fields.serialize_field("slow", &self.slow)?;
        fields.serialize_field("failure_rate", &self.failure_rate())?;
        fields.serialize_field("slow_call_rate", &self.slow_call_rate())?;
        fields.end()
    }
}

impl Serialize for ActiveDrill {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { fault: Fault { fail, delay, delay_share }, remaining, initiator } = self;
        let mut fields = serializer.serialize_struct("ActiveDrill", 5)?;
        write_fields! { fields,
            fail: fail,
            delay: seconds(*delay),
            delay_share: delay_share,
            remaining: seconds(*remaining),
            initiator: initiator,
        }
        fields.end()
    }
}

impl Serialize for Ramp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Ramp", 2)?;
        fields.serialize_field("share", &self.share)?;
        fields.serialize_field("remaining", &seconds(self.remaining))?;
        fields.end()
    }
}

impl Serialize for CallDurations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let unrounded = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
        let mut fields = serializer.serialize_struct("CallDurations", 5)?;
        fields.serialize_field("count", &self.count())?;
        fields.serialize_field("mean", &unrounded(self.mean()))?;
        fields.serialize_field("p50", &unrounded(self.p50()))?;
        fields.serialize_field("p95", &unrounded(self.p95()))?;
        fields.serialize_field("p99", &unrounded(self.p99()))?;
        fields.end()
    }
}

/// Returns the time in seconds, truncated to milliseconds, because the time changes while it is sent.
#[expect(clippy::cast_precision_loss, reason = "a time of 2^53 milliseconds need not be exact")]
pub(super) fn seconds(time: Duration) -> f64 {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    // One division rounds once, so the shortest text of the number has three decimals.
    millis as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use ::serde::Serialize;
    use ::serde::ser::SerializeStruct;

    use super::{Duration, SnapshotFigures, Transition, seconds};
    use crate::breaker::CircuitBreaker;
    use crate::config::Config;

    #[test]
    fn a_time_has_at_most_three_decimals() {
        for millis in (0..5000).chain([2_913, 1_800_000_000_117]) {
            let text = seconds(Duration::from_millis(millis) + Duration::from_nanos(999_999)).to_string();
            assert_eq!(
                text,
                format!("{}.{:03}", millis / 1000, millis % 1000)
                    .trim_end_matches(['0'])
                    .trim_end_matches('.')
            );
        }
    }

    /// Counts the fields of a struct.
    struct FieldCount(usize);

    impl SerializeStruct for FieldCount {
        type Ok = ();
        type Error = fmt::Error;

        fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, _: &T) -> fmt::Result {
            self.0 += 1;
            Ok(())
        }

        fn end(self) -> fmt::Result {
            Ok(())
        }
    }

    #[test]
    fn the_numbers_of_fields_are_those_that_are_written() {
        let breaker = CircuitBreaker::new("search", Config::default()).unwrap();
        breaker.force_open();
        let snapshot = breaker.snapshot();
        let (mut figures, mut fields) = (FieldCount(0), FieldCount(0));
        SnapshotFigures(&snapshot).write(&mut figures).unwrap();
        snapshot.last_transition.as_ref().unwrap().write(&mut fields).unwrap();
        assert_eq!((figures.0, fields.0), (SnapshotFigures::COUNT, Transition::FIELDS));
    }
}
