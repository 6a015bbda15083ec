//! Calls that last until the body of their response has ended, and the classifiers of HTTP and gRPC responses.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use breaker_runtime::integrations::tower::{BreakerLayer, CallEnding, OneCircuit, ServiceError};
use breaker_runtime::integrations::tower_http::CallBody;
use breaker_runtime::{BreakerError, ErrorKind, State};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue, Response};
use http_body::{Body, Frame, SizeHint};
use tower::{Layer as _, service_fn};

use crate::services::{Counts, FAILURE, Fixture, IGNORED, SUCCESS, finish, poll_once, seconds, settings};

type Data = &'static [u8];

/// A body that does what the test says.
#[derive(Debug, Default)]
struct Parts {
    parts: VecDeque<Part>,
    /// `true` if the body knows that it has ended before it is polled.
    knows_its_end: bool,
}

#[derive(Debug)]
enum Part {
    Data,
    Trailers(HeaderMap),
    Wait,
    Break,
    Panic,
}

impl Body for Parts {
    type Data = Data;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Data>>>> {
        match self.parts.pop_front() {
            Some(Part::Data) => Poll::Ready(Some(Ok(Frame::data(b"data".as_slice())))),
            Some(Part::Trailers(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Some(Part::Wait) => Poll::Pending,
            Some(Part::Break) => Poll::Ready(Some(Err(io::Error::other("connection reset")))),
            Some(Part::Panic) => panic!("in body"),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.knows_its_end && self.parts.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.parts.len() as u64)
    }
}

fn parts<const N: usize>(parts: [Part; N]) -> Response<Parts> {
    Response::new(Parts { parts: parts.into(), knows_its_end: false })
}

/// Returns the response of a protected service whose inner service gives this response.
fn call_http(fixture: &Fixture, response: Response<Parts>) -> Response<CallBody<Parts>> {
    let layer = BreakerLayer::new(&fixture.breaker).classify_http().until_body_end();
    respond(&layer, response)
}

fn call_grpc(fixture: &Fixture, response: Response<Parts>) -> Response<CallBody<Parts>> {
    respond(&BreakerLayer::new(&fixture.breaker).classify_grpc(), response)
}

fn respond<N>(layer: &BreakerLayer<OneCircuit, N>, response: Response<Parts>) -> Response<CallBody<Parts>>
where
    N: CallEnding<Response<Parts>, Infallible, Response = Response<CallBody<Parts>>> + Clone,
{
    let inner = service_fn(|response: Response<Parts>| async { Ok::<_, Infallible>(response) });
    finish(&mut layer.layer(inner), response).unwrap()
}

type NextFrame<B> = Option<Result<Frame<<B as Body>::Data>, <B as Body>::Error>>;

fn poll<B: Body + Unpin>(body: &mut B) -> Poll<NextFrame<B>> {
    let mut frame = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context));
    poll_once(Pin::new(&mut frame))
}

fn in_flight(fixture: &Fixture) -> Option<u32> {
    fixture.breaker.snapshot().calls_in_flight
}

#[test]
fn a_call_lasts_until_its_body_has_ended() {
    let fixture = Fixture::with(settings().max_concurrent(1));
    let mut body = call_http(&fixture, parts([Part::Data, Part::Wait, Part::Data])).into_body();
    assert!(matches!(poll(&mut body), Poll::Ready(Some(Ok(frame))) if frame.is_data()));
    assert!(poll(&mut body).is_pending());
    assert!(poll(&mut body).is_ready());
    assert_eq!((fixture.counts(), in_flight(&fixture)), (Counts::default(), Some(1)));
    assert!(matches!(poll(&mut body), Poll::Ready(None)));
    assert_eq!((fixture.counts(), in_flight(&fixture)), (SUCCESS, Some(0)));
    assert!(matches!(poll(&mut body), Poll::Ready(None)));
}

#[test]
fn a_body_that_breaks_is_a_failure() {
    let fixture = Fixture::with(settings().failure_threshold(1));
    let mut body = call_http(&fixture, parts([Part::Data, Part::Break])).into_body();
    assert!(poll(&mut body).is_ready());
    assert!(matches!(poll(&mut body), Poll::Ready(Some(Err(_)))));
    assert_eq!(fixture.counts(), FAILURE);
    let opened = fixture.breaker.snapshot().last_transition.unwrap();
    assert_eq!(opened.last_failure.as_deref(), Some("the body broke: connection reset"));
}

#[test]
fn a_body_that_panics_is_a_failure_and_releases_its_slot() {
    let fixture = Fixture::with(settings().max_concurrent(1));
    let mut body = call_http(&fixture, parts([Part::Panic])).into_body();
    assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut body))).is_err());
    drop(body);
    assert_eq!((fixture.counts(), in_flight(&fixture)), (FAILURE, Some(0)));
}

#[test]
fn a_body_that_is_dropped_long_after_its_last_frame_is_ignored_unless_its_reader_waited() {
    let fixture = Fixture::with(settings().cancelled_after(seconds(5)));
    let mut body = call_http(&fixture, parts([Part::Data])).into_body();
    fixture.clock.advance(seconds(60));
    assert!(poll(&mut body).is_ready());
    fixture.clock.advance(seconds(60));
    drop(body);
    assert_eq!(fixture.counts(), IGNORED);
    assert_eq!(fixture.breaker.snapshot().totals.cancellations.ignored, 1);
}

#[test]
fn a_body_that_is_dropped_within_cancelled_after_of_its_last_frame_is_ignored() {
    let fixture = Fixture::with(settings().cancelled_after(seconds(5)));
    let mut body = call_http(&fixture, parts([Part::Data, Part::Wait])).into_body();
    fixture.clock.advance(seconds(60));
    assert!(poll(&mut body).is_ready());
    assert!(poll(&mut body).is_pending());
    fixture.clock.advance(seconds(4));
    drop(body);
    assert_eq!(fixture.counts(), IGNORED);
}

#[test]
fn a_body_whose_reader_waited_for_cancelled_after_is_a_failure() {
    let fixture = Fixture::with(settings().cancelled_after(seconds(5)));
    let mut body = call_http(&fixture, parts([Part::Data, Part::Wait])).into_body();
    assert!(poll(&mut body).is_ready());
    assert!(poll(&mut body).is_pending());
    fixture.clock.advance(seconds(5));
    drop(body);
    assert_eq!(fixture.counts(), FAILURE);
}

#[test]
fn a_body_that_is_never_polled_releases_its_slot() {
    let fixture = Fixture::with(settings().max_concurrent(1));
    drop(call_http(&fixture, parts([Part::Data])));
    assert_eq!((fixture.counts(), in_flight(&fixture)), (IGNORED, Some(0)));
    assert_eq!(fixture.breaker.snapshot().totals.cancellations.ignored, 1);
}

/// Returns the response with a header that announces this length.
fn announce(mut response: Response<Parts>, length: &'static str) -> Response<Parts> {
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static(length));
    response
}

#[test]
fn a_body_that_is_dropped_after_the_announced_length_is_a_success() {
    for (length, read, expected) in
        [("8", 2, SUCCESS), ("8", 1, IGNORED), ("9", 2, IGNORED), ("0", 0, SUCCESS)]
    {
        let fixture = Fixture::with(settings());
        let mut body = call_http(&fixture, announce(parts([Part::Data, Part::Data]), length)).into_body();
        for _ in 0..read {
            assert!(matches!(poll(&mut body), Poll::Ready(Some(Ok(_)))));
        }
        drop(body);
        assert_eq!(fixture.counts(), expected, "{read} of {length}");
    }
}

#[test]
fn a_body_that_breaks_after_the_announced_length_is_a_failure() {
    let fixture = Fixture::with(settings());
    let mut body = call_http(&fixture, announce(parts([Part::Data, Part::Break]), "4")).into_body();
    assert!(matches!(poll(&mut body), Poll::Ready(Some(Ok(_)))));
    assert!(matches!(poll(&mut body), Poll::Ready(Some(Err(_)))));
    assert_eq!(fixture.counts(), FAILURE);
}

#[test]
fn an_empty_body_ends_its_call_at_once() {
    let fixture = Fixture::with(settings().max_concurrent(1));
    let empty = Response::new(Parts { knows_its_end: true, ..Parts::default() });
    let response = call_http(&fixture, empty);
    assert!(response.body().is_end_stream());
    assert_eq!((fixture.counts(), in_flight(&fixture)), (SUCCESS, Some(0)));
}

#[test]
fn a_body_that_knows_its_end_ends_its_call_with_the_last_frame() {
    let fixture = Fixture::with(settings());
    let response = Response::new(Parts { parts: [Part::Data].into(), knows_its_end: true });
    let mut body = call_http(&fixture, response).into_body();
    assert!(!body.is_end_stream());
    assert!(poll(&mut body).is_ready());
    assert_eq!(fixture.counts(), SUCCESS);
}

/// A body whose end becomes known after its response.
struct Late(Arc<AtomicBool>);

impl Body for Late {
    type Data = Data;
    type Error = BreakerError;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<NextResult>> {
        Poll::Ready(Some(Err(BreakerError::new("another", ErrorKind::Open))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

type NextResult = Result<Frame<Data>, BreakerError>;

/// Returns the body of a response, and what ends it.
fn late_body<N>(layer: &BreakerLayer<OneCircuit, N>) -> (CallBody<Late>, Arc<AtomicBool>)
where
    N: CallEnding<Response<Late>, Infallible, Response = Response<CallBody<Late>>> + Clone,
{
    let end = Arc::new(AtomicBool::new(false));
    let inner = service_fn(|end| async { Ok::<_, Infallible>(Response::new(Late(end))) });
    let response = finish(&mut layer.layer(inner), Arc::clone(&end)).unwrap();
    (response.into_body(), end)
}

#[test]
fn an_empty_body_that_ends_after_its_response_and_is_dropped_unread_is_a_success() {
    let fixture = Fixture::with(settings().max_concurrent(1));
    let layer = BreakerLayer::new(&fixture.breaker).classify_http().until_body_end();
    let (body, end) = late_body(&layer);
    assert!(!body.is_end_stream());
    end.store(true, Ordering::SeqCst);
    assert!(body.is_end_stream());
    assert_eq!((fixture.counts(), in_flight(&fixture)), (Counts::default(), Some(1)));
    drop(body);
    assert_eq!((fixture.counts(), in_flight(&fixture)), (SUCCESS, Some(0)));

    // A response without a gRPC status.
    let fixture = Fixture::with(settings());
    let (body, end) = late_body(&BreakerLayer::new(&fixture.breaker).classify_grpc());
    end.store(true, Ordering::SeqCst);
    assert!(body.is_end_stream());
    drop(body);
    assert_eq!(fixture.counts(), FAILURE);
}

#[test]
fn the_error_of_another_breaker_in_a_body_is_a_failure() {
    let fixture = Fixture::with(settings());
    let layer = BreakerLayer::new(&fixture.breaker).classify_http().until_body_end();
    let (mut body, _) = late_body(&layer);
    assert!(matches!(poll(&mut body), Poll::Ready(Some(Err(_)))));
    assert_eq!(fixture.counts(), FAILURE);
}

#[test]
fn size_and_trailers_pass_through() {
    let fixture = Fixture::with(settings());
    let mut trailers = HeaderMap::new();
    trailers.insert("checksum", HeaderValue::from_static("7"));
    let mut body = call_http(&fixture, parts([Part::Trailers(trailers.clone())])).into_body();
    assert_eq!(body.size_hint().exact(), Some(1));
    let Poll::Ready(Some(Ok(frame))) = poll(&mut body) else { panic!("a frame is ready") };
    assert_eq!(frame.into_trailers().unwrap(), trailers);
    assert_eq!(fixture.counts(), SUCCESS);
}

#[test]
fn an_error_status_is_a_failure_before_its_body_is_read() {
    let fixture = Fixture::with(settings().failure_threshold(1));
    let mut response = parts([Part::Data]);
    *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
    response.headers_mut().insert("retry-after", HeaderValue::from_static("90"));
    let response = call_http(&fixture, response);
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.retry_after), (State::Open, Some(seconds(90))));
    let reason = snapshot.last_transition.unwrap().last_failure.clone();
    assert_eq!(reason.as_deref(), Some("status 503 Service Unavailable"));
    drop(response);
    assert_eq!(fixture.counts(), FAILURE);
}

#[test]
fn nonsense_in_retry_after_does_not_change_the_open_time() {
    for value in ["soon", "-1", "", "1e9", "99 bottles"] {
        let fixture = Fixture::with(settings().failure_threshold(1));
        let mut response = parts([]);
        *response.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
        response.headers_mut().insert("retry-after", HeaderValue::from_str(value).unwrap());
        call_http(&fixture, response);
        assert_eq!(fixture.breaker.snapshot().retry_after, Some(seconds(30)), "{value}");
    }
}

#[test]
fn client_errors_are_successes() {
    let fixture = Fixture::with(settings());
    let layer = BreakerLayer::new(&fixture.breaker).classify_http();
    let inner = service_fn(|status: u16| async move {
        Ok::<_, Infallible>(Response::builder().status(status).body(()).unwrap())
    });
    let mut service = layer.layer(inner);
    for status in [200, 302, 400, 404] {
        finish(&mut service, status).unwrap();
    }
    finish(&mut service, 500).unwrap();
    assert_eq!(fixture.counts(), Counts { successes: 4, failures: 1, ignored: 0 });
    finish(&mut service, 429).unwrap();
    assert!(matches!(finish(&mut service, 200), Err(ServiceError::Breaker(_))));
}

#[test]
fn an_error_of_an_http_service_is_a_failure() {
    let fixture = Fixture::with(settings());
    let inner = service_fn(|(): ()| async { Err::<Response<Parts>, _>(io::Error::other("refused")) });
    let layer = BreakerLayer::new(&fixture.breaker).classify_http().until_body_end();
    assert!(matches!(finish(&mut layer.layer(inner), ()), Err(ServiceError::Inner(_))));
    assert_eq!(fixture.counts(), FAILURE);
}

fn grpc_status(value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), HeaderValue::from_static(value))])
}

#[test]
fn the_grpc_status_in_the_trailers_decides() {
    for (value, counts) in [
        ("0", SUCCESS),
        ("5", SUCCESS),
        ("1", IGNORED),
        ("14", FAILURE),
        ("4", FAILURE),
        ("99", FAILURE),
        ("-1", FAILURE),
        ("nonsense", FAILURE),
    ] {
        let fixture = Fixture::with(settings());
        let response = parts([Part::Data, Part::Trailers(grpc_status(value))]);
        let mut body = call_grpc(&fixture, response).into_body();
        assert!(poll(&mut body).is_ready());
        assert_eq!(fixture.counts(), Counts::default());
        assert!(poll(&mut body).is_ready());
        assert_eq!(fixture.counts(), counts, "{value}");
    }
}

#[test]
fn the_grpc_status_of_a_response_without_a_body_is_in_its_headers() {
    let fixture = Fixture::with(settings().failure_threshold(1));
    let mut response = parts([]);
    *response.headers_mut() = grpc_status("14");
    response.headers_mut().insert("grpc-retry-pushback-ms", HeaderValue::from_static("90000"));
    call_grpc(&fixture, response);
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.retry_after), (State::Open, Some(seconds(90))));
}

#[test]
fn a_grpc_response_that_ends_without_a_status_is_a_failure() {
    let fixture = Fixture::with(settings());
    let mut body = call_grpc(&fixture, parts([Part::Data])).into_body();
    while !matches!(poll(&mut body), Poll::Ready(None)) {}
    assert_eq!(fixture.counts(), FAILURE);

    let fixture = Fixture::with(settings());
    call_grpc(&fixture, Response::new(Parts { knows_its_end: true, ..Parts::default() }));
    assert_eq!(fixture.counts(), FAILURE);
}
