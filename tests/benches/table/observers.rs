//! All integrations at once, observing the registry while instructions are counted.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::{Sender, channel};

use breaker_runtime::integrations::{axum::router, opentelemetry, tracing};
use breaker_runtime::{Registry, fleet};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use tokio::net::TcpListener;
use tokio::runtime::Builder;

use ::opentelemetry::metrics::MeterProvider as _;

/// Starts the observers in a thread of their own, whose instructions are not counted. Returns when each of them has
/// read the registry once; they continue without a pause.
pub(crate) fn start() {
    let registry = Registry::global();
    tracing_subscriber::fmt().with_writer(std::io::sink).init();
    tracing::listen(&registry).detach();
    let (sender, observed) = channel();
    std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("the system has threads");
        runtime.block_on(observe(&registry, &sender));
    });
    observed.recv().expect("the first round succeeds");
}

async fn observe(registry: &Registry, sender: &Sender<()>) {
    let _events = registry.subscribe();
    // No server is needed: the path of a call is the same while it is away.
    let _fleet = fleet::connect("redis://127.0.0.1:1", "table").expect("the URL can be used");
    let provider =
        SdkMeterProvider::builder().with_periodic_exporter(InMemoryMetricExporter::default()).build();
    opentelemetry::observe(&provider.meter("table"), registry);
    let address = serve(registry).await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client without TLS");
    let get = async |path: &str| {
        client.get(format!("http://{address}{path}")).send().await.expect("the server answers")
    };
    let mut stream = get("/circuits/stream").await;
    loop {
        provider.force_flush().expect("a collection succeeds");
        for path in ["/metrics", "/circuits", "/health/circuits"] {
            get(path).await.bytes().await.expect("the response is complete");
        }
        if !matches!(stream.chunk().await, Ok(Some(_))) {
            stream = get("/circuits/stream").await;
        }
        // Only the first message has a receiver.
        _ = sender.send(());
    }
}

async fn serve(registry: &Registry) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
    let address = listener.local_addr().expect("the listener is bound");
    tokio::spawn(axum::serve(listener, router(registry)).into_future());
    address
}
