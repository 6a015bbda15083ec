//! Single calls as events of the active span.

use std::time::Duration;

use ::opentelemetry::KeyValue;
use ::opentelemetry::trace::get_active_span;

use crate::event::{CallEvent, CallEventKind, CallEvents, FallbackCause, Subscription};
use crate::printable::escape_hidden;
use crate::registry::Registry;

/// The name and the attributes of an event, except for circuit and key.
struct SpanEvent {
    name: &'static str,
    attributes: Vec<KeyValue>,
}

/// The type of the error of a rejected call, in the attribute `error.type`.
const REJECTION_TYPE: &str = "breaker_runtime::BreakerError";

/// Adds an event to the active span for each rejected, failed and slow call and each fallback in a registry, until the
/// returned subscription is dropped. The section Spans of the [module](super) lists the events and their attributes.
///
/// The active span is that of the current `opentelemetry::Context` on the thread of the call. Without one, or if it is
/// not recorded, nothing happens.
///
/// ```
/// use breaker_runtime::{Config, Registry, integrations::opentelemetry::listen_to_calls};
/// use opentelemetry::trace::Tracer as _;
///
/// let registry = Registry::new();
/// listen_to_calls(&registry).detach();
/// let payment = registry.register("payment", Config::default())?;
/// payment.force_open();
/// // The span "checkout" has an event "circuit_breaker.rejected".
/// opentelemetry::global::tracer("shop").in_span("checkout", |_| assert!(payment.try_acquire().is_err()));
/// # Ok::<(), breaker_runtime::RegisterError>(())
/// ```
pub fn listen_to_calls(registry: &Registry) -> Subscription {
    registry.listen_to_calls(CallEvents::ALL, add_to_active_span)
}

fn add_to_active_span(event: &CallEvent) {
    get_active_span(|span| {
        if !span.is_recording() {
            return;
        }
        if let CallEventKind::Rejected(error) = event.kind() {
            span.set_attribute(KeyValue::new("circuit_breaker.rejection.kind", error.kind().label()));
        }
        let SpanEvent { name, mut attributes } = SpanEvent::of(event.kind());
        attributes.push(KeyValue::new("circuit_breaker.name", escape_hidden(event.name()).into_owned()));
        let key = event.key().map(|key| escape_hidden(key).into_owned());
        attributes.extend(key.map(|key| KeyValue::new("circuit_breaker.key", key)));
        span.add_event(name, attributes);
    });
}

impl SpanEvent {
    fn of(kind: &CallEventKind) -> Self {
        match kind {
            CallEventKind::Rejected(error) => {
                let retry_after = error.retry_after().filter(|wait| *wait != Duration::MAX);
                let retry_after =
                    retry_after.map(|wait| KeyValue::new("circuit_breaker.retry_after", wait.as_secs_f64()));
                let attributes = [
                    KeyValue::new("error.type", REJECTION_TYPE),
                    KeyValue::new("circuit_breaker.kind", error.kind().label()),
                ];
                let attributes = attributes.into_iter().chain(retry_after).collect();
                Self { name: "circuit_breaker.rejected", attributes }
            }
            CallEventKind::Failed { text } => {
                let message = text.as_deref().map(|text| KeyValue::new("error.message", text.to_owned()));
                Self { name: "circuit_breaker.failed", attributes: message.into_iter().collect() }
            }
            CallEventKind::Slow { duration, outcome } => {
                let duration = KeyValue::new("circuit_breaker.duration", duration.as_secs_f64());
                let outcome = KeyValue::new("circuit_breaker.outcome", outcome.label());
                Self { name: "circuit_breaker.slow", attributes: vec![duration, outcome] }
            }
            CallEventKind::FallbackUsed { cause, outcome } => {
                let cause = match cause {
                    FallbackCause::Breaker(kind) => kind.label(),
                    FallbackCause::Failed => "failed",
                };
                let cause = KeyValue::new("circuit_breaker.cause", cause);
                let outcome = KeyValue::new("circuit_breaker.outcome", outcome.label());
                Self { name: "circuit_breaker.fallback", attributes: vec![cause, outcome] }
            }
        }
    }
}
