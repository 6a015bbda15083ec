//! Rejections, failures and fallbacks in the span of their caller, with `tracing` and with OpenTelemetry.

use std::convert::Infallible;
use std::pin::pin;
use std::task::Poll;

use ::opentelemetry::trace::{
    FutureExt as _, Status, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use ::opentelemetry::{Context, Value};
use ::tracing::instrument;
use breaker_runtime::integrations::tower::BreakerLayer;
use breaker_runtime::integrations::{opentelemetry, tracing};
use breaker_runtime::testing::Clock;
use breaker_runtime::{BreakerError, CircuitBreaker, Config, Outcome, Registry, circuit_breaker};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tower::{ServiceBuilder, ServiceExt as _, service_fn};

use crate::metrics::LogBuffer;
use crate::support::{poll_once, seconds};

type Answer = Result<u32, BreakerError>;

#[circuit_breaker(breaker = breaker)]
fn price(breaker: &CircuitBreaker) -> Answer {
    Ok(1)
}

#[circuit_breaker(breaker = breaker)]
async fn price_async(breaker: &CircuitBreaker) -> Answer {
    Ok(1)
}

#[circuit_breaker(breaker = breaker, fallback = |_| Ok(2))]
fn price_or_default(breaker: &CircuitBreaker) -> Answer {
    Ok(1)
}

#[instrument(skip_all, fields(circuit_breaker.rejection.kind))]
fn checkout(breaker: &CircuitBreaker) -> Answer {
    price(breaker)
}

#[instrument(skip_all, fields(circuit_breaker.rejection.kind))]
async fn checkout_async(breaker: &CircuitBreaker) -> Answer {
    std::future::ready(()).await;
    price_async(breaker).await
}

#[instrument(skip_all, fields(circuit_breaker.rejection.kind))]
fn checkout_or_default(breaker: &CircuitBreaker) -> Answer {
    price_or_default(breaker)
}

#[circuit_breaker(breaker = breaker)]
#[instrument(skip_all, fields(circuit_breaker.rejection.kind))]
fn span_around_the_call(breaker: &CircuitBreaker) -> Answer {
    Ok(1)
}

#[instrument(skip_all, fields(circuit_breaker.rejection.kind))]
#[circuit_breaker(breaker = breaker)]
fn span_inside_the_call(breaker: &CircuitBreaker) -> Answer {
    Ok(1)
}

#[instrument(skip_all, fields(circuit_breaker.rejection.kind))]
async fn checkout_by_tower(breaker: &CircuitBreaker) -> Answer {
    let inner = service_fn(|()| async { Ok::<u32, Infallible>(1) });
    ServiceBuilder::new()
        .layer(BreakerLayer::new(breaker))
        .service(inner)
        .oneshot(())
        .await
        .map_err(Into::into)
}

/// Returns a circuit of a registry, forced open.
fn forced_open(registry: &Registry) -> CircuitBreaker {
    let breaker = registry.register("payment", Config::default()).unwrap();
    breaker.force_open();
    breaker
}

/// Polls a future once, and returns its output.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match poll_once(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits"),
    }
}

/// Returns the lines that a subscriber writes while `run` calls a circuit that is forced open.
fn traced(run: impl FnOnce(&CircuitBreaker)) -> Vec<String> {
    let log = LogBuffer::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).without_time();
    let subscriber = subscriber.with_max_level(::tracing::Level::DEBUG).with_writer(move || writer.clone());
    ::tracing::subscriber::with_default(subscriber.finish(), || {
        let registry = Registry::new();
        let breaker = forced_open(&registry);
        let _subscription = tracing::listen_to_calls(&registry);
        run(&breaker);
    });
    log.text().lines().map(str::to_owned).collect()
}

#[test]
fn a_rejection_is_an_event_in_the_span_of_the_caller_and_a_field_of_it() {
    type Call = fn(&CircuitBreaker) -> Answer;
    let calls: [(&str, Call); 4] = [
        ("checkout", checkout),
        ("checkout_async", |breaker| ready(checkout_async(breaker))),
        ("checkout_by_tower", |breaker| ready(checkout_by_tower(breaker))),
        ("span_around_the_call", span_around_the_call),
    ];
    for (span, call) in calls {
        let lines = traced(|breaker| _ = call(breaker).unwrap_err());
        let expected =
            format!("{span}{{circuit_breaker.rejection.kind=\"forced_open\"}}: breaker: call rejected");
        assert!(lines.len() == 1 && lines[0].contains(&expected), "{expected} is not in {lines:?}");
        assert!(lines[0].contains("kind=\"forced_open\""), "{lines:?}");
        assert!(lines[0].contains("error.type=\"breaker_runtime::BreakerError\""), "{lines:?}");
    }
}

#[test]
fn a_span_inside_a_call_does_not_contain_its_rejection() {
    let lines = traced(|breaker| _ = span_inside_the_call(breaker).unwrap_err());
    assert!(lines.len() == 1 && !lines[0].contains("span_inside"), "{lines:?}");
}

#[test]
fn a_rejection_and_its_fallback_are_in_the_same_span() {
    let lines = traced(|breaker| assert_eq!(checkout_or_default(breaker), Ok(2)));
    let [rejected, fallback] = lines.try_into().unwrap();
    for (line, message) in [(rejected, "call rejected"), (fallback, "fallback used")] {
        let span = "checkout_or_default{circuit_breaker.rejection.kind=\"forced_open\"}";
        assert!(line.contains(&format!("{span}: breaker: {message}")), "{line}");
    }
}

/// Returns the span that `run` runs in.
fn recorded_span(run: impl FnOnce()) -> SpanData {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    provider.tracer("shop").in_span("checkout", |_| run());
    let [span] = exporter.get_finished_spans().unwrap().try_into().unwrap();
    span
}

/// Returns the events of a span as text.
fn events(span: &SpanData) -> Vec<String> {
    let text = |event: &::opentelemetry::trace::Event| {
        let mut fields: Vec<_> =
            event.attributes.iter().map(|it| format!("{}={}", it.key, it.value)).collect();
        fields.sort_unstable();
        format!("{} {}", event.name, fields.join(" "))
    };
    span.events.iter().map(text).collect()
}

fn attribute(span: &SpanData, name: &str) -> Option<Value> {
    span.attributes.iter().find(|it| it.key.as_str() == name).map(|it| it.value.clone())
}

#[test]
fn opentelemetry_spans_get_an_event_for_each_reported_call() {
    let clock = Clock::new();
    let registry = Registry::with_clock(&clock);
    let config = Config::builder().window_calls(10).failure_threshold(1).slow_call(seconds(1));
    let config = config.recovery_timeout(seconds(30)).build().unwrap();
    let hosts = registry.register_keyed("host\u{202e}", config, 9).unwrap();
    let _subscription = opentelemetry::listen_to_calls(&registry);
    let span = recorded_span(|| {
        let host = hosts.get("a");
        let slow = host.try_acquire().unwrap();
        let failing = host.try_acquire().unwrap();
        clock.advance(seconds(2));
        slow.settle(Outcome::Success);
        failing.fail("no route\u{202e}");
        assert_eq!(price_or_default(&host), Ok(2));
    });
    let [slow, slow_failure, failed, rejected, fallback] = events(&span).try_into().unwrap();
    let circuit = r"circuit_breaker.key=a circuit_breaker.name=host\u{202e}";
    for (event, outcome) in [(slow, "success"), (slow_failure, "failure")] {
        let start = "circuit_breaker.slow circuit_breaker.duration=2";
        assert_eq!(event, format!("{start} {circuit} circuit_breaker.outcome={outcome}"));
    }
    assert_eq!(failed, format!("circuit_breaker.failed {circuit} error.message=no route\u{fffd}"));
    let circuit_and_kind = circuit.replace("=a ", "=a circuit_breaker.kind=open ");
    let error = "circuit_breaker.retry_after=30 error.type=breaker_runtime::BreakerError";
    assert_eq!(rejected, format!("circuit_breaker.rejected {circuit_and_kind} {error}"));
    let cause = "circuit_breaker.fallback circuit_breaker.cause=open";
    assert_eq!(fallback, format!("{cause} {circuit} circuit_breaker.outcome=success"));
}

#[test]
fn an_opentelemetry_span_has_the_kind_of_a_rejection_but_no_error() {
    let registry = Registry::new();
    let breaker = forced_open(&registry);
    let subscription = opentelemetry::listen_to_calls(&registry);
    let span = recorded_span(|| _ = price(&breaker).unwrap_err());
    assert_eq!(attribute(&span, "circuit_breaker.rejection.kind"), Some("forced_open".into()));
    assert_eq!((attribute(&span, "error.type"), span.status), (None, Status::Unset));
    drop(subscription);
    let span = recorded_span(|| _ = price(&breaker).unwrap_err());
    assert_eq!((span.attributes.len(), span.events.len()), (0, 0), "no listener is registered");
}

#[test]
fn an_async_call_is_reported_in_the_opentelemetry_span_of_its_future() {
    let registry = Registry::new();
    let breaker = forced_open(&registry);
    let _subscription = opentelemetry::listen_to_calls(&registry);
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let context = Context::current_with_span(provider.tracer("shop").start("checkout"));
    ready(price_async(&breaker).with_context(context.clone())).unwrap_err();
    price(&breaker).unwrap_err(); // without a span
    context.span().end();
    let [span] = exporter.get_finished_spans().unwrap().try_into().unwrap();
    let span: SpanData = span;
    assert_eq!(
        span.events.iter().map(|event| &*event.name).collect::<Vec<_>>(),
        ["circuit_breaker.rejected"]
    );
}
