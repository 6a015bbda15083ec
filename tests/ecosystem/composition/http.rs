//! The right order with a real HTTP server and client: governor, the breaker with `call_timeout`, and backon.

use std::error::Error;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use backon::{ConstantBuilder, Retryable};
use breaker_runtime::{BreakerError, ErrorKind, Registry, circuit_breaker, testing};
use governor::{DefaultDirectRateLimiter, Quota};
use http::StatusCode;

use crate::http::client;

#[derive(Debug, thiserror::Error)]
enum PriceError {
    #[error("the shop could not be reached")]
    Http(#[from] reqwest::Error),
    #[error("the price was not available")]
    Rejected(#[from] BreakerError),
}

#[circuit_breaker(name = "composed-shop", failure_threshold = 3, call_timeout = "10s")]
async fn price(url: &str) -> Result<String, PriceError> {
    Ok(client().get(url).send().await?.error_for_status()?.text().await?)
}

/// A server that answers with a status that the test chooses, and counts its requests.
struct Shop {
    url: String,
    status: Arc<AtomicU16>,
    requests: Arc<AtomicU32>,
}

impl Shop {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/price", listener.local_addr().expect("it is bound"));
        let (status, requests) = (Arc::new(AtomicU16::new(503)), Arc::new(AtomicU32::new(0)));
        let answer = {
            let (status, requests) = (Arc::clone(&status), Arc::clone(&requests));
            move || {
                requests.fetch_add(1, Ordering::SeqCst);
                std::future::ready((
                    StatusCode::from_u16(status.load(Ordering::SeqCst)).expect("a status"),
                    "42",
                ))
            }
        };
        let router = Router::new().route("/price", get(answer));
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { url, status, requests }
    }

    fn requests(&self) -> u32 {
        self.requests.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_failing_http_service_gets_as_many_requests_as_open_the_circuit_and_no_retry_after_that() {
    testing::scope_async(async |scope| {
        let shop = Shop::start().await;
        let limiter = DefaultDirectRateLimiter::direct(Quota::per_second(NonZeroU32::new(1000).unwrap()));
        let breaker = Registry::global().get("composed-shop").expect("it is declared");
        let budget = breaker.budget();
        let attempt = async || {
            if breaker.would_admit() {
                assert!(limiter.check().is_ok(), "the limit is far away");
            }
            price(&shop.url).await
        };
        let call = async || {
            let backoff = ConstantBuilder::new().with_delay(Duration::from_millis(1)).with_max_times(9);
            let next = |error: &PriceError, pause: Option<Duration>| {
                let is_rejected = ErrorKind::find_in(error).is_some_and(|kind| kind != ErrorKind::TimedOut);
                pause.filter(|_| !is_rejected && budget.try_retry())
            };
            attempt.retry(backoff).adjust(next).await
        };

        let error = call().await.unwrap_err();
        assert!(error.source().is_some_and(|source| source.to_string().contains("503")), "{error:?}");
        assert_eq!(shop.requests(), 3, "the third failure opens the circuit");
        assert!(matches!(call().await, Err(PriceError::Rejected(_))));
        assert_eq!(shop.requests(), 3, "neither a call nor a retry arrives");

        shop.status.store(200, Ordering::SeqCst);
        scope.advance(Duration::from_secs(30));
        assert_eq!(call().await.unwrap(), "42");
        assert_eq!((shop.requests(), budget.remaining()), (4, 10));
    })
    .await;
}
