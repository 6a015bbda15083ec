//! State changes as [`tracing`] events (feature `tracing`).
//!
//! The target is `breaker`. The level is `WARN` for a circuit that opens, for one that admits calls because of
//! `max_open`, for lost changes and for conflicting declarations, and `INFO` for all other state changes and for evicted circuits.
//!
//! The fields are `circuit`, `key`, `from`, `to`, `cause`, `generation`, `rule` (the threshold that was
//! reached), `last_failure`, `retry_after` (in seconds) and `initiator`; a field without a value is omitted. States and causes are labels
//! as in metrics and JSON: `half_open`, `threshold_reached`. In texts, control characters, invisible characters and
//! those that change the direction of the text are escaped, as in `\u{202e}`.

use ::tracing::{info, warn};

use crate::event::{Event, StateChange, Subscription};
use crate::printable::escape_hidden;
use crate::registry::Registry;
use crate::state::State;

/// Emits an event for every state change in a registry, until the returned subscription is dropped.
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
    registry.listen(|event: &Event| match event {
        Event::StateChanged(change) => emit(change),
        Event::ChangesLost(changes) => warn!(target: "breaker", "{changes}"),
        Event::Conflict(conflict) => warn!(target: "breaker", "{conflict}"),
        Event::Evicted(eviction) => info!(target: "breaker", "{eviction}"),
        Event::Waived(waiver) => warn!(target: "breaker", "{waiver}"),
    })
}

fn emit(change: &StateChange) {
    let transition = change.transition();
    let (circuit, key) = (escape_hidden(change.name()), change.key().map(escape_hidden));
    let last_failure = transition.last_failure.as_deref().map(escape_hidden);
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
                retry_after = transition.retry_after.map(|wait| wait.as_secs_f64()),
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
