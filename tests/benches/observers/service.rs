//! A service with many circuits, a dashboard and calls.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use breaker_runtime::integrations::axum::router;
use breaker_runtime::{CircuitBreaker, Config, Outcome, Registry};
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};

/// The time between two calls of one circuit.
const PACE: Duration = Duration::from_millis(10);

pub(crate) struct Service {
    registry: Registry,
    breakers: Vec<CircuitBreaker>,
    address: SocketAddr,
}

impl Service {
    /// Starts a service with this number of circuits, and a keyed breaker with this number of keys, if any.
    pub(crate) async fn start(breakers: u32, keys: u32) -> Self {
        let registry = Registry::new();
        let config = Config::builder().window_calls(100).failure_rate(0.5).durations(true).max_concurrent(10);
        let config = config.build().expect("the settings are valid");
        let mut registered: Vec<_> = (0..breakers)
            .map(|nth| {
                registry
                    .register(format!("service/circuit-{nth:04}"), config.clone())
                    .expect("the name is new")
            })
            .collect();
        if keys > 0 {
            let keyed = registry.register_keyed("host", config, keys).expect("the name is new");
            registered.extend((0..keys).map(|key| keyed.get(&format!("host-{key:05}.example"))));
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
        let address = listener.local_addr().expect("the listener is bound");
        tokio::spawn(axum::serve(listener, router(&registry)).into_future());
        let service = Self { registry, breakers: registered, address };
        (0..100).for_each(|nth| service.call_each(nth));
        service
    }

    pub(crate) const fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the length of the response, in bytes.
    pub(crate) async fn get(&self, path: &str) -> usize {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client without TLS");
        let request = client.get(format!("http://{}{path}", self.address));
        let response = request.send().await.expect("the server answers");
        response.bytes().await.expect("the response is complete").len()
    }

    pub(crate) async fn work(&self, time: Duration) {
        let mut ticks = interval(PACE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        for nth in 0..time.as_millis() / PACE.as_millis() {
            ticks.tick().await;
            self.call_each(nth);
        }
    }

    fn call_each(&self, nth: u128) {
        let outcome = if nth.is_multiple_of(10) { Outcome::Failure } else { Outcome::Success };
        for breaker in &self.breakers {
            if let Ok(permit) = breaker.try_acquire() {
                permit.settle(outcome);
            }
        }
    }
}
