//! The errors of services and bodies, whatever their `Display` does: they reach the caller, and their text is formatted
//! only where it is used.

use std::cell::Cell;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::ready;

use breaker_runtime::integrations::tower::{BreakerLayer, BreakerService, ServiceError};
use breaker_runtime::{CircuitBreaker, Config, State};
use bytes::Bytes;
use futures_util::{FutureExt as _, stream};
use http::Response;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tower::{Layer as _, Service as _, service_fn};

/// An error with an unusual `Display`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Unusual {
    /// It returns an error.
    Fails,
    Panics,
    /// It writes 64 MB, unless the formatter returns an error.
    Long,
}

thread_local! {
    /// The bytes that this thread has formatted.
    static WRITTEN: Cell<usize> = const { Cell::new(0) };
}

impl fmt::Display for Unusual {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = "0123456789abcdef".repeat(1 << 12);
        let parts = if *self == Self::Long { 1024 } else { 1 };
        for _ in 0..parts {
            WRITTEN.set(WRITTEN.get() + part.len());
            match self {
                Self::Fails => {
                    out.write_str("partial")?;
                    return Err(fmt::Error);
                }
                Self::Panics => panic!("Display panics"),
                Self::Long => out.write_str(&part)?,
            }
        }
        Ok(())
    }
}

impl Error for Unusual {}

const ALL: [(Unusual, &str); 3] = [
    (Unusual::Fails, "partial"),
    (Unusual::Panics, "(formatting the failure panicked)"),
    (Unusual::Long, "0123456789abcdef"),
];

fn circuit(failure_threshold: u32) -> CircuitBreaker {
    let settings = Config::builder().failure_threshold(failure_threshold);
    CircuitBreaker::new("texts", settings.build().unwrap()).unwrap()
}

fn last_failure(breaker: &CircuitBreaker) -> String {
    assert_eq!(breaker.state(), State::Open);
    breaker.snapshot().last_transition.unwrap().last_failure.as_deref().unwrap().to_owned()
}

#[test]
fn an_error_of_a_service_reaches_the_caller_whatever_its_display_does() {
    for (error, text) in ALL {
        let breaker = circuit(1);
        let mut service = BreakerService::new(service_fn(|(): ()| ready(Err::<(), _>(error))), &breaker);
        let returned = service.call(()).now_or_never().unwrap().unwrap_err();
        assert_eq!(returned, ServiceError::Inner(error));
        assert!(last_failure(&breaker).starts_with(text) && last_failure(&breaker).len() <= 1024);
        let breaker = circuit(1);
        let boxed = service_fn(|(): ()| ready(Err::<(), Box<dyn Error + Send + Sync>>(Box::new(error))));
        let mut service = BreakerLayer::new(&breaker).boxed_errors().layer(boxed);
        let returned = service.call(()).now_or_never().unwrap().unwrap_err();
        assert_eq!(returned.into_box().downcast_ref::<Unusual>(), Some(&error));
        assert!(last_failure(&breaker).starts_with(text) && last_failure(&breaker).len() <= 1024);
    }
}

#[test]
fn an_error_of_a_body_reaches_its_reader_whatever_its_display_does() {
    for (error, text) in ALL {
        let breaker = circuit(1);
        let response = move |(): ()| {
            let frames = stream::iter([Err::<Frame<Bytes>, _>(error)]);
            ready(Ok::<_, Infallible>(Response::new(StreamBody::new(frames))))
        };
        let mut service =
            BreakerLayer::new(&breaker).classify_http().until_body_end().layer(service_fn(response));
        let mut body = service.call(()).now_or_never().unwrap().unwrap().into_body();
        let frame = body.frame().now_or_never().unwrap().unwrap();
        assert_eq!(frame.unwrap_err(), error);
        let text = if error == Unusual::Panics { text.to_owned() } else { format!("the body broke: {text}") };
        assert!(last_failure(&breaker).starts_with(&text) && last_failure(&breaker).len() <= 1024);
    }
}

#[test]
fn a_failure_that_changes_nothing_is_not_formatted_and_a_long_text_only_up_to_its_limit() {
    let breaker = circuit(2);
    let mut service = BreakerService::new(service_fn(|(): ()| ready(Err::<(), _>(Unusual::Long))), &breaker);
    let mut call = || service.call(()).now_or_never().unwrap().is_err();
    assert!(call());
    assert_eq!(WRITTEN.get(), 0);
    assert!(call());
    assert_eq!((WRITTEN.get(), breaker.state()), (1 << 16, State::Open), "the first part exceeds the limit");
}
