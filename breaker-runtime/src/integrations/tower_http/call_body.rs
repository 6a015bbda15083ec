//! The body of a response that holds the call until it has ended.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Buf as _;
use http::Response;
use http::header::CONTENT_LENGTH;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::super::tower::Classification;
use super::grpc_status::{classify_headers, is_decided_by_head};
use crate::breaker::StreamedCall;
use crate::outcome::Outcome;
use crate::sync::{AtomicBool, Ordering};

pin_project! {
    /// The body of a response that holds the call until it has ended. See the
    /// [module](super#calls-that-last-until-the-body-has-ended).
    ///
    /// Frames, trailers, size and errors are those of the inner body.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use std::convert::Infallible;
    /// use breaker_runtime::integrations::tower::BreakerLayer;
    /// use breaker_runtime::integrations::tower_http::CallBody;
    /// use breaker_runtime::{CircuitBreaker, Config};
    /// use http::Response;
    /// use tower::{Layer as _, ServiceExt as _, service_fn};
    ///
    /// let breaker = CircuitBreaker::new("catalog", Config::default())?;
    /// let catalog = service_fn(|_: ()| async { Ok::<_, Infallible>(Response::new("tea".to_owned())) });
    /// let catalog = BreakerLayer::new(&breaker).classify_http().until_body_end().layer(catalog);
    /// let body: CallBody<String> = catalog.oneshot(()).await?.into_body();
    /// drop(body); // no reader waits for it
    /// assert_eq!(breaker.snapshot().totals.ignored, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub struct CallBody<B> {
        // Dropped first, so that the call is settled before code of the inner body runs.
        call: Option<BodyCall>,
        #[pin]
        body: B,
    }
}

/// The call of a body whose end has not been polled.
struct BodyCall {
    call: StreamedCall,
    ending: BodyEnding,
    /// `true` once a reader was notified that the body has ended. Some readers then drop it without a poll.
    has_ended: AtomicBool,
    /// The part of a known length that no reader has read yet, in bytes.
    unread: Option<u64>,
}

/// The meaning of the end of a body for the call.
#[derive(Clone, Copy, Debug)]
pub(super) enum BodyEnding {
    /// The call is a success.
    Success,
    /// The trailers contain the status of the call.
    GrpcStatus,
}

impl<B> CallBody<B> {
    /// Returns the body of a call that has been settled.
    pub(super) const fn settled(body: B) -> Self {
        Self { body, call: None }
    }

    /// Returns a body that settles the call.
    pub(super) const fn holding(
        body: B,
        call: StreamedCall,
        ending: BodyEnding,
        length: Option<u64>,
    ) -> Self {
        let has_ended = AtomicBool::new(matches!(length, Some(0)));
        Self { body, call: Some(BodyCall { call, ending, has_ended, unread: length }) }
    }

    /// Returns the inner body.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use std::convert::Infallible;
    /// use breaker_runtime::integrations::tower::BreakerLayer;
    /// use breaker_runtime::{CircuitBreaker, Config};
    /// use http::Response;
    /// use tower::{Layer as _, ServiceExt as _, service_fn};
    ///
    /// let breaker = CircuitBreaker::new("catalog", Config::default())?;
    /// let catalog = service_fn(|_: ()| async { Ok::<_, Infallible>(Response::new("tea".to_owned())) });
    /// let catalog = BreakerLayer::new(&breaker).classify_http().until_body_end().layer(catalog);
    /// assert_eq!(catalog.oneshot(()).await?.body().get_ref(), "tea");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn get_ref(&self) -> &B {
        &self.body
    }
}

impl<B: Body> Body for CallBody<B>
where
    B::Error: fmt::Display,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        let Some(BodyCall { call, ending, has_ended, unread }) = this.call else {
            return this.body.poll_frame(context);
        };
        let ending = *ending;
        let polled = call.poll(context, |context| {
            let frame = this.body.as_mut().poll_frame(context);
            // Evaluated while a panic is still one of the call.
            let end = end_of(&frame, ending, || this.body.is_end_stream());
            frame.map(|frame| Polled { frame, end })
        });
        if let Poll::Ready(Polled { frame: Some(Ok(frame)), .. }) = &polled
            && let (Some(data), Some(unread)) = (frame.data_ref(), unread)
        {
            *unread = unread.saturating_sub(data.remaining() as u64);
            // A server drops the body after the announced length, without a poll of its end.
            if *unread == 0 {
                has_ended.store(true, Ordering::Relaxed);
            }
        }
        polled.map(|Polled { frame, end }| {
            if let Some(end) = end
                && let Some(mut ended) = this.call.take()
            {
                match &frame {
                    Some(Err(error)) if end.outcome() == Outcome::Failure => {
                        ended.call.fail(format_args!("the body broke: {error}"));
                    }
                    Some(_) | None => settle(&mut ended.call, &end),
                }
            }
            frame
        })
    }

    fn is_end_stream(&self) -> bool {
        let has_ended = self.body.is_end_stream();
        if has_ended && let Some(call) = &self.call {
            call.has_ended.store(true, Ordering::Relaxed);
        }
        has_ended
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for BodyCall {
    fn drop(&mut self) {
        if self.has_ended.load(Ordering::Relaxed) {
            settle(&mut self.call, &self.ending.without_trailers());
        }
    }
}

/// A frame, with the classification of the call if it has ended.
struct Polled<F> {
    frame: F,
    end: Option<Classification>,
}

/// Returns the classification of the call if this frame is its last one.
fn end_of<D, E: fmt::Display>(
    frame: &Poll<Option<Result<Frame<D>, E>>>,
    ending: BodyEnding,
    is_end_stream: impl FnOnce() -> bool,
) -> Option<Classification> {
    match frame {
        Poll::Pending => None,
        Poll::Ready(None) => Some(ending.without_trailers()),
        Poll::Ready(Some(Err(_))) => Some(Outcome::Failure.into()),
        Poll::Ready(Some(Ok(frame))) => match frame.trailers_ref() {
            Some(trailers) => Some(ending.with_trailers(classify_headers(trailers))),
            // Some readers do not poll a body again that has ended.
            None => is_end_stream().then(|| ending.without_trailers()),
        },
    }
}

fn settle(call: &mut StreamedCall, end: &Classification) {
    match end.outcome() {
        Outcome::Failure => call.fail_with(&(), end),
        outcome @ (Outcome::Success | Outcome::Ignored) => call.settle(outcome),
    }
}

impl BodyEnding {
    /// Returns the length after which a body has ended, if the head of the response announces one. A gRPC body ends with
    /// its trailers.
    pub(super) fn length<B>(self, response: &Response<B>) -> Option<u64> {
        match self {
            Self::Success => response.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok(),
            Self::GrpcStatus => None,
        }
    }

    /// Returns `true` if the head of a response decides about the call, whatever follows in the body.
    pub(super) fn is_in_head<B>(self, response: &Response<B>) -> bool {
        match self {
            Self::Success => false,
            Self::GrpcStatus => is_decided_by_head(response),
        }
    }

    /// Returns the classification of a call whose body has ended without trailers.
    pub(super) fn without_trailers(self) -> Classification {
        self.with_trailers(None)
    }

    fn with_trailers(self, status: Option<Classification>) -> Classification {
        match self {
            Self::Success => Outcome::Success.into(),
            Self::GrpcStatus => {
                status.unwrap_or_else(|| Classification::failure("the response ended without a gRPC status"))
            }
        }
    }
}

impl<B: fmt::Debug> fmt::Debug for CallBody<B> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = self.call.as_ref().map(|call| &call.call);
        out.debug_struct("CallBody").field("body", &self.body).field("call", &call).finish()
    }
}
