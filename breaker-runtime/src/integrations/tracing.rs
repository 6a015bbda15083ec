//! Changes of state as events of [`tracing`].
//!
//! Target `breaker`; `WARN` for a circuit that opens and for two declarations that disagree, `INFO` for all
//! else. Fields, those that a change does not have left out: `circuit`, `key`, `from`, `to`, `cause`,
//! `generation`, `rule` with its figures, `last_failure`, `initiator`. States and causes are spelled as the
//! dashboard and the metrics spell them: `half_open`, `threshold_reached`.

use ::tracing::{info, warn};

use crate::event::{Event, StateChange, Subscription};
use crate::registry::Registry;
use crate::state::State;

/// Tells `tracing` what happens to all breakers of a registry, for as long as what is returned lives.
///
/// ```
/// use breaker_runtime::{Config, Registry, integrations::tracing::listen};
///
/// // In an application: the global registry, and a subscriber of your choice.
/// let registry = Registry::new();
/// listen(&registry).detach();
/// // WARN breaker: circuit breaker opened circuit="payment" from="closed" to="forced_open" cause="forced_open" ..
/// registry.register("payment", Config::default())?.force_open();
/// # Ok::<(), breaker_runtime::RegisterError>(())
/// ```
pub fn listen(registry: &Registry) -> Subscription {
    registry.listen(|event: &Event| match event {
        Event::StateChanged(change) => tell(change),
        Event::Conflict(conflict) => warn!(target: "breaker", "{conflict}"),
    })
}

fn tell(change: &StateChange) {
    let transition = change.transition();
    // A macro has one level and one set of fields.
    macro_rules! tell {
        ($level:ident, $message:literal) => {
            $level!(
                target: "breaker",
                circuit = change.name(),
                key = change.key(),
                from = transition.from.label(),
                to = transition.to.label(),
                cause = transition.cause.label(),
                generation = transition.generation,
                rule = transition.trip.map(::tracing::field::display),
                last_failure = transition.last_failure.as_deref(),
                initiator = transition.initiator.as_deref(),
                $message
            )
        };
    }
    match transition.to {
        State::Open | State::ForcedOpen => tell!(warn, "circuit breaker opened"),
        State::HalfOpen => tell!(info, "circuit breaker tries again"),
        State::Closed => tell!(info, "circuit breaker closed"),
        State::Disabled => tell!(info, "circuit breaker disabled"),
    }
}
