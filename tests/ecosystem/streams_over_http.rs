//! `settle = stream` with a real server, which sends server-sent events and breaks the connection half-way.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State as Shared;
use axum::routing::get;
use breaker_runtime::{ErrorKind, Registry, State, circuit_breaker, testing};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::http::client;

type AnyError = Box<dyn Error + Send + Sync>;

const RECOVERY: Duration = Duration::from_secs(30);

#[circuit_breaker(name = "model", settle = stream, failure_threshold = 3, success_threshold = 1)]
async fn complete(
    url: &str,
) -> Result<impl Stream<Item = Result<String, AnyError>> + Send + use<>, AnyError> {
    let response = client().get(url).send().await?.error_for_status()?;
    Ok(stream::try_unfold(response, |mut response| async {
        let chunk = response.chunk().await?;
        Ok(chunk.map(|bytes| (String::from_utf8_lossy(&bytes).into_owned(), response)))
    }))
}

/// A service that breaks its responses after one event while it is broken.
#[derive(Default)]
struct Service {
    is_broken: AtomicBool,
    requests: AtomicUsize,
    /// Allows the second half of one response.
    second_half: Notify,
}

async fn answer(Shared(service): Shared<Arc<Service>>) -> Body {
    service.requests.fetch_add(1, Ordering::Relaxed);
    let last = if service.is_broken.load(Ordering::Relaxed) { Err("crashed") } else { Ok("data: 2\n\n") };
    let second_half = stream::once(async move {
        service.second_half.notified().await;
        last
    });
    Body::from_stream(stream::iter([Ok("data: 1\n\n")]).chain(second_half))
}

async fn serve(service: Arc<Service>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound address");
    let router = Router::new().route("/", get(answer)).with_state(service);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/")
}

async fn read(url: &str) -> Result<String, AnyError> {
    complete(url).await?.try_collect().await
}

#[tokio::test]
async fn streams_that_a_server_breaks_half_way_open_the_circuit_and_a_whole_one_closes_it() {
    let service = Arc::new(Service::default());
    let url = serve(Arc::clone(&service)).await;
    testing::scope_async(|scope| async move {
        service.second_half.notify_one();
        assert_eq!(read(&url).await.expect("a whole stream"), "data: 1\n\ndata: 2\n\n");
        let circuit = Registry::global().get("model").expect("it was called");
        assert_eq!(circuit.snapshot().totals.successes, 1);
        service.is_broken.store(true, Ordering::Relaxed);
        for failures in 1..=3 {
            let mut broken = Box::pin(complete(&url).await.expect("the response has status 200"));
            assert!(matches!(broken.next().await, Some(Ok(_))));
            assert_eq!(circuit.snapshot().totals.failures, failures - 1);
            service.second_half.notify_one();
            assert!(matches!(broken.next().await, Some(Err(_))), "the connection is closed");
            assert_eq!(circuit.snapshot().totals.failures, failures);
        }
        assert_eq!(circuit.state(), State::Open);
        let rejected = read(&url).await.expect_err("the circuit is open");
        assert_eq!(ErrorKind::find_in(rejected.as_ref()), Some(ErrorKind::Open));
        assert_eq!(service.requests.load(Ordering::Relaxed), 4, "the rejected call sent nothing");
        service.is_broken.store(false, Ordering::Relaxed);
        scope.advance(RECOVERY);
        let trial = complete(&url).await.expect("a trial call");
        assert_eq!(circuit.state(), State::HalfOpen);
        service.second_half.notify_one();
        assert!(trial.try_collect::<String>().await.is_ok());
        assert_eq!(circuit.state(), State::Closed);
    })
    .await;
}
