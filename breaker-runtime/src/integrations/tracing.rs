//! State changes, and on demand single calls, as [`tracing`] events (feature `tracing`).
//!
//! The target is `breaker`. The level is `WARN` for a circuit that opens, for one that admits calls because of
//! `max_open`, for lost changes and for conflicting declarations, and `INFO` for all other state changes and for
//! evicted circuits.
//!
//! The fields are `circuit`, `key`, `from`, `to`, `cause`, `generation`, `rule` (the threshold that was reached),
//! `last_failure`, `retry_after` (in seconds) and `initiator`; a field without a value is omitted. States and causes
//! are labels as in metrics and JSON: `half_open`, `threshold_reached`. In texts, control characters, invisible
//! characters and those that change the direction of the text are escaped, as in `\u{202e}`.
//!
//! # Single calls
//!
//! [`listen_to_calls`] also emits an event of the level `DEBUG` for each rejected, failed and slow call and each
//! fallback. Without it, calls are not reported and cost nothing more. The events are in the span of the caller.
//! A rejection is also recorded on that span, if the span has the field:
//!
//! ```
//! use tracing::field::Empty;
//!
//! #[tracing::instrument(fields(circuit_breaker.rejection.kind = Empty))]
//! async fn checkout() { /* calls protected functions */ }
//! ```
//!
//! The span of a protected function itself has the field too if `#[circuit_breaker]` is above `#[tracing::instrument]`.
//! In the other order, the span is inside of the call, so a rejected call has none.
//!
//! With `tracing-opentelemetry`, the field is an attribute of the span. The status and the attribute `error.type` of
//! the span are not set, because a fallback may follow: by the semantic conventions of OpenTelemetry, a span does not
//! record errors that were handled. The caller of a function without a fallback sets them, for example with the
//! argument `err` of `#[tracing::instrument]`, or in a span with the field `error.type`:
//!
//! ```
//! use breaker_runtime::BreakerError;
//!
//! fn mark_failed(_error: &BreakerError) {
//!     tracing::Span::current().record("error.type", "breaker_runtime::BreakerError");
//! }
//! ```
//!
//! | message | fields besides `circuit` and `key` |
//! |---|---|
//! | `call rejected` | `kind`: `open`, `half_open`, `ramping`, `forced_open` or `bulkhead_full`; `retry_after`, in seconds; `error.type` = `breaker_runtime::BreakerError` |
//! | `call failed` | `failure`, the text of the failure |
//! | `call was slow` | `duration`, in seconds; `outcome` |
//! | `fallback used` | `cause`: the `kind` of the rejection, `timed_out` or `failed`; `outcome` |

use std::fmt::Display;
use std::time::Duration;

use ::tracing::{Level, Span, debug, enabled, info, warn};

use crate::event::{CallEvent, CallEventKind, CallEvents, Event, FallbackCause, StateChange, Subscription};
use crate::printable::escape_hidden;
use crate::registry::Registry;
use crate::state::State;
use crate::warning::{self, Severity};

/// The type of the error of a rejected call, in the field `error.type`.
const REJECTION_TYPE: &str = "breaker_runtime::BreakerError";

/// Emits an event for every state change in a registry, until the returned subscription is dropped.
///
/// From the first call in a process, messages that the library otherwise writes to stderr are events instead: for
/// example that a configuration was refused, that a setting has no effect, that Redis is away, and that a drill started,
/// at the level `WARN`; and that Redis is back, at the level `INFO`. A message is still written to stderr if the
/// subscriber of its thread is not interested in that level, or panics.
///
/// ```
/// use breaker_runtime::{Config, Registry, integrations::tracing::listen};
///
/// // An application uses `Registry::global()`, and installs a subscriber of its choice.
/// let registry = Registry::new();
/// listen(&registry).detach();
/// // WARN breaker: circuit breaker opened circuit="payment" from="closed" to="forced_open" cause="forced_open" ..
/// registry.register("payment", Config::default())?.force_open();
/// # Ok::<(), breaker_runtime::RegisterError>(())
/// ```
pub fn listen(registry: &Registry) -> Subscription {
    warning::pass_to(emit_message);
    registry.listen(|event: &Event| match event {
        Event::StateChanged(change) => emit(change),
        Event::ChangesLost(changes) => warn!(target: "breaker", "{changes}"),
        Event::Conflict(conflict) => warn!(target: "breaker", "{conflict}"),
        Event::Evicted(eviction) => info!(target: "breaker", "{eviction}"),
        Event::Waived(waiver) => warn!(target: "breaker", "{waiver}"),
        Event::SettingsChanged(change) => info!(target: "breaker", "{change}"),
        Event::DrillStarted(_) => {} // `emit_message` receives it too
        Event::DrillEnded(drill) => info!(target: "breaker", "{drill}"),
    })
}

/// Emits an event of the level `DEBUG` for each rejected, failed and slow call and each fallback in a registry, until
/// the returned subscription is dropped. A rejection is recorded in the field `circuit_breaker.rejection.kind` of the
/// span of the caller, if the span has that field.
///
/// [`listen`] emits state changes; an application that needs both calls both.
///
/// ```
/// use breaker_runtime::{Config, Registry, integrations::tracing::listen_to_calls};
///
/// let registry = Registry::new();
/// listen_to_calls(&registry).detach();
/// let breaker = registry.register("payment", Config::default())?;
/// // DEBUG breaker: call failed circuit="payment" failure="no route to host"
/// breaker.try_acquire()?.fail("no route to host");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn listen_to_calls(registry: &Registry) -> Subscription {
    registry.listen_to_calls(CallEvents::ALL, emit_call)
}

/// Emits a message, unless the subscriber of the thread wants none of its level.
fn emit_message(severity: Severity, message: &dyn Display) -> bool {
    let is_wanted = match severity {
        Severity::Warning => enabled!(target: "breaker", Level::WARN),
        Severity::Note => enabled!(target: "breaker", Level::INFO),
    };
    if is_wanted {
        match severity {
            Severity::Warning => warn!(target: "breaker", "{message}"),
            Severity::Note => info!(target: "breaker", "{message}"),
        }
    }
    is_wanted
}

fn emit_call(event: &CallEvent) {
    let (circuit, key) = (escape_hidden(event.name()), event.key().map(escape_hidden));
    let (circuit, key) = (&*circuit, key.as_deref());
    match event.kind() {
        CallEventKind::Rejected(error) => {
            let (kind, wait) = (error.kind().label(), error.retry_after());
            Span::current().record("circuit_breaker.rejection.kind", kind);
            let retry_after = wait.map(|wait| wait.as_secs_f64());
            debug!(target: "breaker", circuit, key, kind, retry_after, "error.type" = REJECTION_TYPE, "call rejected");
        }
        CallEventKind::Failed { text } => {
            let failure = text.as_deref().map(escape_hidden);
            debug!(target: "breaker", circuit, key, failure = failure.as_deref(), "call failed");
        }
        CallEventKind::Slow { duration, outcome } => {
            let duration = duration.as_secs_f64();
            debug!(target: "breaker", circuit, key, duration, outcome = outcome.label(), "call was slow");
        }
        CallEventKind::FallbackUsed { cause, outcome } => {
            let cause = match cause {
                FallbackCause::Breaker(kind) => kind.label(),
                FallbackCause::Failed => "failed",
            };
            debug!(target: "breaker", circuit, key, cause, outcome = outcome.label(), "fallback used");
        }
    }
}

fn emit(change: &StateChange) {
    let transition = change.transition();
    let (circuit, key) = (escape_hidden(change.name()), change.key().map(escape_hidden));
    let last_failure = transition.last_failure.as_deref().map(escape_hidden);
    let hint = transition.retry_after.filter(|hint| *hint != Duration::MAX);
    // The macros of `tracing` require the level as a constant, so the fields are listed in a macro too.
    macro_rules! emit {
        ($level:ident, $message:literal) => {
            $level!(
                target: "breaker",
                circuit = &*circuit,
                key = key.as_deref(),
                from = transition.from.label(),
                to = transition.to.label(),
                cause = transition.cause.label(),
                generation = transition.generation,
                rule = transition.trip.map(::tracing::field::display),
                last_failure = last_failure.as_deref(),
                retry_after = hint.map(|wait| wait.as_secs_f64()),
                initiator = transition.initiator.as_deref(),
                $message
            )
        };
    }
    match transition.to {
        State::Open | State::ForcedOpen => emit!(warn, "circuit breaker opened"),
        State::HalfOpen => emit!(info, "circuit breaker admits trial calls"),
        State::Closed => emit!(info, "circuit breaker closed"),
        State::Disabled => emit!(info, "circuit breaker disabled"),
    }
}
