//! `Serialize` for the types that users store or send (feature `serde`).
//!
//! | type | format |
//! |---|---|
//! | [`State`], [`Cause`], [`Mode`], [`Outcome`], [`ErrorKind`] | a label: `"half_open"`, `"threshold_reached"` |
//! | [`Totals`], [`Rejections`], [`Fallbacks`], [`Transition`] | their fields |
//! | [`StateChange`] | `name`, `key`, and the fields of its [`Transition`] |
//! | [`TripReason`] | `{"rule": "failure_rate", "found": 5, "calls": 10, "limit": 0.5}`; `rule` is the setting that was reached, `found` counts failures or slow calls, and `calls` is null for consecutive failures |
//! | [`TransitionCounts`] | `{"closed": {"open": 1}}`: the count by origin and target state, without zeros |
//! | [`CallDurations`] | `count`, and in seconds `mean`, `p50`, `p95` and `p99` |
//! | [`WindowCounts`] | its fields, `failure_rate` and `slow_call_rate` |
//! | [`Snapshot`] | its fields; times are in seconds, to the millisecond |
//!
//! A value that is `None` is null.
//!
//! ```
//! use breaker_runtime::{CircuitBreaker, Config};
//!
//! let breaker = CircuitBreaker::new("search", Config::default())?;
//! breaker.operator("alice").force_open();
//!
//! let json = serde_json::to_value(breaker.snapshot())?;
//! assert_eq!(json["state"], "forced_open");
//! assert_eq!(json["last_transition"]["initiator"], "alice");
//! assert_eq!(json["totals"]["rejections"]["forced_open"], 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use ::serde::ser::SerializeStruct as _;
use ::serde::{Serialize, Serializer};

use crate::config::Mode;
use crate::durations::CallDurations;
use crate::error::ErrorKind;
use crate::event::StateChange;
use crate::outcome::Outcome;
use crate::snapshot::Snapshot;
use crate::state::{Cause, State, Transition, TransitionCounts};
use crate::totals::{Fallbacks, Rejections, Totals};
use crate::window::{TripReason, WindowCounts};

/// The fields of a snapshot that the dashboard shows as they are: all but identity, state, mode and transitions.
#[derive(Clone, Copy)]
pub(super) struct Figures<'a>(pub(super) &'a Snapshot);

/// Serializes all fields of a struct. A field that is missing here does not compile.
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
    Totals { successes, failures, timeouts, ignored, rejected, rejections, fallbacks }
    Rejections { open, half_open, forced_open, bulkhead }
    Fallbacks { successes, failures }
    Transition { from, to, cause, generation, trip, last_failure, initiator }
}

/// Serializes an enum without data as a label.
macro_rules! serialize_labels {
    ($($type:ident $label:expr;)+) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let label: fn($type) -> &'static str = $label;
                serializer.serialize_str(label(*self))
            }
        }
    )+};
}

serialize_labels! {
    State State::label;
    Cause Cause::label;
    Mode |mode| match mode {
        Mode::Enforce => "enforce",
        Mode::Shadow => "shadow",
    };
    Outcome |outcome| match outcome {
        Outcome::Success => "success",
        Outcome::Failure => "failure",
        Outcome::Ignored => "ignored",
    };
    ErrorKind |kind| match kind {
        ErrorKind::Open => "open",
        ErrorKind::HalfOpen => "half_open",
        ErrorKind::ForcedOpen => "forced_open",
        ErrorKind::BulkheadFull => "bulkhead_full",
        ErrorKind::TimedOut => "timed_out",
    };
}

impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            name: &'a str,
            key: Option<&'a str>,
            state: State,
            #[serde(flatten)]
            figures: Figures<'a>,
            mode: Mode,
            changes: TransitionCounts,
            last_transition: Option<&'a Transition>,
        }

        Fields {
            name: &self.name,
            key: self.key.as_deref(),
            state: self.state,
            figures: Figures(self),
            mode: self.mode,
            changes: self.changes,
            last_transition: self.last_transition.as_deref(),
        }
        .serialize(serializer)
    }
}

impl Serialize for Figures<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let snapshot = self.0;
        let mut fields = serializer.serialize_struct("Figures", 12)?;
        fields.serialize_field("time_in_state", &seconds(snapshot.time_in_state))?;
        fields.serialize_field("retry_after", &snapshot.retry_after.map(seconds))?;
        fields.serialize_field("generation", &snapshot.generation)?;
        fields.serialize_field("critical", &snapshot.critical)?;
        fields.serialize_field("consecutive_failures", &snapshot.consecutive_failures)?;
        fields.serialize_field("window", &snapshot.window)?;
        fields.serialize_field("trials_in_flight", &snapshot.trials_in_flight)?;
        fields.serialize_field("calls_in_flight", &snapshot.calls_in_flight)?;
        fields.serialize_field("totals", &snapshot.totals)?;
        fields.serialize_field("shadow_rejections", &snapshot.shadow_rejections)?;
        fields.serialize_field("durations", &snapshot.durations)?;
        fields.serialize_field("time_open", &seconds(snapshot.time_open))?;
        fields.end()
    }
}

impl Serialize for StateChange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            name: &'a str,
            key: Option<&'a str>,
            #[serde(flatten)]
            transition: &'a Transition,
        }

        let (name, key, transition) = (self.name(), self.key(), self.transition());
        Fields { name, key, transition }.serialize(serializer)
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

impl Serialize for CallDurations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let exact = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
        let mut fields = serializer.serialize_struct("CallDurations", 5)?;
        fields.serialize_field("count", &self.count())?;
        fields.serialize_field("mean", &exact(self.mean()))?;
        fields.serialize_field("p50", &exact(self.p50()))?;
        fields.serialize_field("p95", &exact(self.p95()))?;
        fields.serialize_field("p99", &exact(self.p99()))?;
        fields.end()
    }
}

/// Returns the time in seconds, truncated to milliseconds: more digits of a time that passes are noise.
pub(super) fn seconds(time: Duration) -> f64 {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(millis).as_secs_f64()
}
