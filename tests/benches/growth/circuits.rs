//! The number of circuits that are listed, scraped and streamed.

use std::hint::black_box;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, BodyDataStream, to_bytes};
use axum::http::Request;
use breaker_runtime::integrations::{axum::router, prometheus};
use breaker_runtime::{CircuitBreaker, Config, Registry};
use futures_util::StreamExt as _;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

use super::curves::{Chart, Curve, Order, Probe, Unit, seconds, seconds_per_call};
use super::processor;
use super::work::work_or_fail;

const CIRCUITS: [u32; 5] = [1, 10, 100, 1000, 10_000];
const LOOKUPS: u32 = 10_000;

/// A registry with many circuits, all of which have been called.
struct Service {
    circuits: u32,
    registry: Registry,
    breakers: Vec<CircuitBreaker>,
    names: Vec<String>,
    runtime: Runtime,
}

pub(crate) fn charts() -> Vec<Chart> {
    let services = CIRCUITS.map(Service::new);
    let linear = |name, measure: fn(&Service) -> f64| curve(name, Order::Linear, &services, measure);
    let curves = vec![
        linear("Registry::snapshots", |service| seconds(|| service.registry.snapshots())),
        linear("prometheus::encode", |service| seconds(|| prometheus::encode(&service.registry))),
        linear("JSON of /circuits", |service| service.runtime.block_on(service.list())),
        linear("first event of the stream", |service| service.runtime.block_on(service.first_event())),
        linear("next event of the stream, all changed", |service| {
            service.runtime.block_on(service.next_event())
        }),
        curve("Registry::get", Order::Logarithmic, &services, Service::lookup),
    ];
    vec![Chart { title: "Registry", axis: "circuits", unit: Unit::Seconds, curves }]
}

fn curve(name: &'static str, order: Order, services: &[Service], measure: fn(&Service) -> f64) -> Curve {
    let probes = services.iter().map(|service| Probe::new(service.circuits, move || measure(service)));
    Curve::measure(name, order, probes.collect())
}

impl Service {
    fn new(circuits: u32) -> Self {
        let registry = Registry::new();
        let config = Config::builder().window_calls(100).failure_rate(0.5).durations(true).max_concurrent(10);
        let config = config.build().expect("the settings are valid");
        let names: Vec<String> = (0..circuits).map(|number| format!("service/circuit-{number:05}")).collect();
        let breakers = names
            .iter()
            .map(|name| registry.register(name.clone(), config.clone()).expect("the name is new"))
            .collect();
        let runtime = Builder::new_current_thread().enable_all().build().expect("the system has threads");
        let service = Self { circuits, registry, breakers, names, runtime };
        (0..100).for_each(|number| service.call_each(number));
        service
    }

    fn call_each(&self, number: u64) {
        for breaker in &self.breakers {
            _ = breaker.call(|| work_or_fail(10, number));
        }
    }

    fn lookup(&self) -> f64 {
        let mut names = self.names.iter().cycle();
        seconds_per_call(LOOKUPS, |_| _ = black_box(names.next().and_then(|name| self.registry.get(name))))
    }

    /// Returns the seconds of a complete response, without a network. A new router has no cached results.
    async fn list(&self) -> f64 {
        let router = router(&self.registry);
        let start = Instant::now();
        let body = get(router, "/circuits").await;
        to_bytes(body, usize::MAX).await.expect("the response is complete");
        start.elapsed().as_secs_f64()
    }

    async fn first_event(&self) -> f64 {
        let router = router(&self.registry);
        let start = Instant::now();
        let mut stream = get(router, "/circuits/stream").await.into_data_stream();
        read_event(&mut stream).await;
        start.elapsed().as_secs_f64()
    }

    /// Returns the processor time of an event that reports all circuits; it is due a second after the first one.
    async fn next_event(&self) -> f64 {
        let mut stream = get(router(&self.registry), "/circuits/stream").await.into_data_stream();
        read_event(&mut stream).await;
        (0..10).for_each(|number| self.call_each(number));
        let before = processor::seconds();
        read_event(&mut stream).await;
        processor::seconds() - before
    }
}

async fn get(router: Router, path: &str) -> Body {
    let request = Request::get(path).body(Body::empty()).expect("the path is valid");
    router.oneshot(request).await.expect("the router cannot fail").into_body()
}

/// Reads the chunks of one event, which ends with an empty line.
async fn read_event(stream: &mut BodyDataStream) {
    loop {
        let chunk = stream.next().await.expect("the stream continues").expect("the stream has no error");
        if chunk.ends_with(b"\n\n") {
            return;
        }
    }
}
