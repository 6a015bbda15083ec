//! The HTTP response of a handler that returns the error of a breaker.

use axum::body::to_bytes;
use axum::response::IntoResponse as _;
use breaker_runtime::{BreakerError, ErrorKind, Registry};
use serde_json::{Value, json};

use crate::support::{Fixture, NANO, seconds, settings};

/// The parts of a response that a client sees.
struct Answer {
    status: u16,
    retry_after: Option<String>,
    body: Value,
}

async fn answer(error: BreakerError) -> Answer {
    let response = error.into_response();
    assert_eq!(response.headers()["content-type"], "application/json");
    let header = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 10_000).await.unwrap();
    Answer { status, retry_after: header, body: serde_json::from_slice(&body).unwrap() }
}

#[tokio::test]
async fn a_rejected_call_is_503_and_a_timeout_504() {
    let statuses = [
        (ErrorKind::Open, 503),
        (ErrorKind::HalfOpen, 503),
        (ErrorKind::ForcedOpen, 503),
        (ErrorKind::BulkheadFull, 503),
        (ErrorKind::TimedOut, 504),
    ];
    for (kind, status) in statuses {
        let found = answer(BreakerError::new("payment", kind)).await;
        assert_eq!((found.status, found.retry_after), (status, None), "{kind:?}");
        assert_eq!(found.body.as_object().unwrap().len(), 3, "{kind:?}");
        assert_eq!(found.body["circuit"], json!("payment"));
        assert_eq!(found.body["kind"], json!(kind.label()));
    }
}

#[tokio::test]
async fn retry_after_is_in_whole_seconds_rounded_up() {
    let Fixture { clock, breaker } = Fixture::open();
    let error = breaker.try_acquire().unwrap_err();
    for (passed, shown) in [(seconds(0), 30), (NANO, 30), (seconds(3), 27), (seconds(60), 0)] {
        clock.advance(passed);
        let found = answer(error.clone()).await;
        assert_eq!(found.retry_after, Some(shown.to_string()), "after {passed:?}");
        assert_eq!(found.body["retry_after"], json!(shown));
    }
    let never = BreakerError::new("payment", ErrorKind::Open).with_retry_after(std::time::Duration::MAX);
    assert_eq!(answer(never).await.retry_after, None);
}

#[tokio::test]
async fn the_body_names_the_circuit_and_the_kind_but_neither_key_nor_failure() {
    let config = settings().failure_threshold(2).build().unwrap();
    let breaker = Registry::new().register_keyed("hosts", config, 10).unwrap().get("10.0.0.7");
    (0..2).for_each(|_| _ = breaker.try_acquire().unwrap().fail("password=secret"));
    let error = breaker.try_acquire().unwrap_err();
    let text = error.to_string();
    assert!(text.contains("password=secret") && text.contains("10.0.0.7"), "{text}");
    let body = answer(error).await.body;
    let expected = json!({
        "error": "the service is temporarily unavailable; try again later",
        "circuit": "hosts",
        "kind": "open",
        "retry_after": 30,
    });
    assert_eq!(body, expected);
}
