//! All who can watch, while instructions are counted: the feature `integrations`.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::{Sender, channel};

use breaker_runtime::Registry;
use breaker_runtime::integrations::{axum::router, opentelemetry, tracing};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use tokio::net::TcpListener;
use tokio::runtime::Builder;

use ::opentelemetry::metrics::MeterProvider as _;

/// Returns when everything has been looked at once; the looking goes on, without a pause, in a thread of its own,
/// which callgrind does not count.
pub(crate) fn begin() {
    let registry = Registry::global();
    tracing_subscriber::fmt().with_writer(std::io::sink).init();
    tracing::listen(&registry).detach();
    let (tell, looked) = channel();
    std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("the system has threads");
        runtime.block_on(watch(&registry, &tell));
    });
    looked.recv().expect("the first look succeeds");
}

async fn watch(registry: &Registry, tell: &Sender<()>) {
    let _events = registry.subscribe();
    let provider =
        SdkMeterProvider::builder().with_periodic_exporter(InMemoryMetricExporter::default()).build();
    opentelemetry::observe(&provider.meter("table"), registry);
    let address = serve(registry).await;
    let get = async |path: &str| reqwest::get(format!("http://{address}{path}")).await.expect("it is served");
    let mut stream = get("/circuits/stream").await;
    loop {
        provider.force_flush().expect("a collection succeeds");
        for path in ["/metrics", "/circuits", "/health/circuits"] {
            get(path).await.bytes().await.expect("an answer has an end");
        }
        if !matches!(stream.chunk().await, Ok(Some(_))) {
            stream = get("/circuits/stream").await;
        }
        // Only the first is waited for.
        _ = tell.send(());
    }
}

async fn serve(registry: &Registry) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(axum::serve(listener, router(registry)).into_future());
    address
}
