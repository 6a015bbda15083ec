//! A web server with the dashboard, and sample circuits.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use breaker_runtime::integrations::axum::Dashboard;
use breaker_runtime::{Config, Outcome, Registry};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) const TOKEN: &str = "correct horse";
pub(crate) const READ_TOKEN: &str = "battery staple";

/// A server that ends with all its connections when it is dropped.
pub(crate) struct WebSite {
    address: SocketAddr,
    shutdown: watch::Sender<bool>,
    running: Option<(Runtime, JoinHandle<()>)>,
}

impl WebSite {
    pub(crate) fn start(registry: &Registry) -> Self {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), registry)
    }

    pub(crate) fn start_at(address: SocketAddr, registry: &Registry) -> Self {
        Self::serve(address, Dashboard::new(registry).token(TOKEN).router())
    }

    /// Starts a site that requires [`READ_TOKEN`] to read.
    pub(crate) fn start_restricted(registry: &Registry) -> Self {
        let dashboard = Dashboard::new(registry).token(TOKEN).read_token(READ_TOKEN);
        Self::serve((Ipv4Addr::LOCALHOST, 0).into(), dashboard.router())
    }

    /// Starts a site whose token for reading is empty, so that no client may read.
    pub(crate) fn start_unreadable(registry: &Registry) -> Self {
        Self::serve((Ipv4Addr::LOCALHOST, 0).into(), Dashboard::new(registry).read_token("").router())
    }

    /// Starts another site, whose pages have no Content-Security-Policy.
    pub(crate) fn start_bare() -> Self {
        let page = axum::response::Html("<!doctype html><title>elsewhere</title><body>");
        let router = axum::Router::new().route("/", axum::routing::get(page));
        Self::serve((Ipv4Addr::LOCALHOST, 0).into(), router)
    }

    /// Starts a site whose streams end when it shuts down.
    pub(crate) fn start_graceful(registry: &Registry) -> Self {
        let (shutdown, mut signal) = watch::channel(false);
        let signal = async move { _ = signal.wait_for(|is_shutting_down| *is_shutting_down).await };
        let router = Dashboard::new(registry).shutdown(signal).router();
        Self::serve_until((Ipv4Addr::LOCALHOST, 0).into(), router, shutdown)
    }

    fn serve(address: SocketAddr, router: axum::Router) -> Self {
        Self::serve_until(address, router, watch::channel(false).0)
    }

    fn serve_until(address: SocketAddr, router: axum::Router, shutdown: watch::Sender<bool>) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind(address)).unwrap();
        let address = listener.local_addr().unwrap();
        let mut signal = shutdown.subscribe();
        let signal = async move { _ = signal.wait_for(|is_shutting_down| *is_shutting_down).await };
        let server = axum::serve(listener, router).with_graceful_shutdown(signal);
        let server = runtime.spawn(async { server.await.unwrap() });
        Self { address, shutdown, running: Some((runtime, server)) }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Shuts the server down gracefully, and returns its address for another one.
    pub(crate) fn shut_down(mut self) -> SocketAddr {
        self.shutdown.send_replace(true);
        let (runtime, server) = self.running.take().unwrap();
        runtime.block_on(server).unwrap();
        self.address
    }

    /// Ends the server and returns its address for another one.
    pub(crate) fn end(self) -> SocketAddr {
        self.address
    }
}

impl Drop for WebSite {
    fn drop(&mut self) {
        if let Some((runtime, _)) = self.running.take() {
            runtime.shutdown_background();
        }
    }
}

/// Registers one circuit of each kind.
pub(crate) fn register_samples(registry: &Registry) {
    let register = |name: &'static str, settings: breaker_runtime::ConfigBuilder| {
        registry.register(name, settings.build().unwrap()).unwrap()
    };
    let end = |breaker: &breaker_runtime::CircuitBreaker, successes: u32, failures: u32| {
        (0..successes).for_each(|_| _ = breaker.try_acquire().unwrap().settle(Outcome::Success));
        (0..failures).for_each(|_| _ = breaker.try_acquire().unwrap().fail("503 from upstream"));
    };
    let rate = || {
        Config::builder()
            .window_calls(100)
            .failure_rate(0.5)
            .slow_call(Duration::from_secs(1))
            .slow_call_rate(0.8)
    };
    end(&register("payment", rate().minimum_calls(20).critical(true).durations(true)), 60, 20);
    end(&register("search::query", rate().durations(true).max_concurrent(50)), 400, 3);
    end(&register("recommendations", Config::builder()), 120, 2);
    end(&register("mail", Config::builder().failure_threshold(2)), 5, 2);
    let stock = register("warehouse::stock", rate().minimum_calls(10));
    end(&stock, 4, 6);
    (0..40).for_each(|_| drop(stock.try_acquire()));
    let trial = register(
        "fraud-check",
        Config::builder()
            .failure_threshold(1)
            .recovery_timeout(Duration::from_nanos(1))
            .half_open_timeout(Duration::from_secs(60)),
    );
    end(&trial, 0, 1);
    std::mem::forget(trial.try_acquire().unwrap());
    register("legacy-export", Config::builder()).operator("alice, #4711").force_open();
    register("shadowed", Config::builder().mode(breaker_runtime::Mode::Shadow)).operator("bob").disable();
    let shops = registry
        .register_keyed("shop", Config::builder().failure_threshold(2).build().unwrap(), 1000)
        .unwrap();
    for region in ["eu-1", "eu-2", "us-1", "ap-1"] {
        end(&shops.get(region), 9, 0);
    }
    end(&shops.get("eu-3"), 1, 2);
}
