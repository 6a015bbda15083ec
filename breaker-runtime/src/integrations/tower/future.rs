//! The future of the call of a service.
//!
//! Invariants: the inner service is called once, by a call that was admitted; code of the user runs in the slot of the
//! call, drops included; after the output the future holds nothing.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_service::Service;

use super::ending::CallEnding;
use super::error::ServiceError;
use crate::breaker::{ServiceCall, SlotRequest};
use crate::error::BreakerError;

pin_project! {
    /// The future of [`BreakerService`](super::BreakerService). Dropping it cancels the call.
    ///
    /// It holds the request and the service only while the call waits for a slot. If it is polled after it has
    /// completed, it stays pending.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use std::io;
    /// use breaker_runtime::integrations::tower::{BreakerService, ResponseFuture};
    /// use breaker_runtime::{CircuitBreaker, Config};
    /// use tower::{Service as _, ServiceExt as _, service_fn};
    ///
    /// let breaker = CircuitBreaker::new("search", Config::default())?;
    /// let search = service_fn(|_: &str| async { Ok::<u16, io::Error>(200) });
    /// let mut search = BreakerService::new(search, &breaker);
    /// let response: ResponseFuture<_, _, _> = search.ready().await?.call("rust");
    /// drop(response); // the caller gives up
    /// assert_eq!(breaker.snapshot().totals.ignored, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, Request, N>
    where
        S: Service<Request>,
    {
        #[pin]
        stage: Stage<S, Request, S::Future>,
        ending: N,
    }

    impl<S, Request, N> PinnedDrop for ResponseFuture<S, Request, N>
    where
        S: Service<Request>,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut stage = this.project().stage;
            if let StageProjection::Running { call, .. } = stage.as_mut().project() {
                let call = call.take();
                call.run_in_slot(|| stage.set(Stage::Ended));
            }
        }
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<S, Request, F> {
        Rejected { error: Option<BreakerError> },
        Waiting { waiting: Option<Box<WaitingRequest<S, Request>>> },
        Running { #[pin] future: F, call: ServiceCall },
        Ended,
    }
}

/// The next stage of a request that has waited, unless it is rejected.
type Admitted<S, Request> = Result<Stage<S, Request, <S as Service<Request>>::Future>, BreakerError>;

/// A request that waits for a slot, with the service that was ready for it.
struct WaitingRequest<S, Request> {
    slot: SlotRequest,
    service: S,
    request: Request,
}

impl<S: Service<Request>, Request, N> ResponseFuture<S, Request, N> {
    /// Returns the future of a call that was rejected.
    pub(super) const fn rejected(error: BreakerError, ending: N) -> Self {
        Self { stage: Stage::Rejected { error: Some(error) }, ending }
    }

    /// Returns the future of a call that waits for a slot.
    pub(super) fn waiting(slot: SlotRequest, service: S, request: Request, ending: N) -> Self {
        let waiting = Some(Box::new(WaitingRequest { slot, service, request }));
        Self { stage: Stage::Waiting { waiting }, ending }
    }

    /// Returns the future of a call that the inner service makes.
    pub(super) const fn running(future: S::Future, call: ServiceCall, ending: N) -> Self {
        Self { stage: Stage::Running { future, call }, ending }
    }
}

impl<S, Request, N> Future for ResponseFuture<S, Request, N>
where
    S: Service<Request>,
    N: CallEnding<S::Response, S::Error>,
{
    type Output = Result<N::Response, ServiceError<S::Error>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.stage.as_mut().project() {
                StageProjection::Rejected { error } => {
                    let error = error.take();
                    this.stage.set(Stage::Ended);
                    return error.map_or(Poll::Pending, |error| Poll::Ready(Err(error.into())));
                }
                StageProjection::Waiting { waiting } => match ready!(poll_slot(waiting, context)) {
                    Ok(running) => this.stage.set(running),
                    Err(error) => {
                        this.stage.set(Stage::Ended);
                        return Poll::Ready(Err(error.into()));
                    }
                },
                StageProjection::Running { future, call } => {
                    match call.run(|| future.poll(context)) {
                        Poll::Ready(result) => {
                            let mut call = call.take();
                            call.run(|| this.stage.set(Stage::Ended));
                            let result = this.ending.end(&mut call, result);
                            return Poll::Ready(result.map_err(ServiceError::Inner));
                        }
                        Poll::Pending => ready!(call.suspend(context)),
                    }
                    // Also counts as timed out if the drop of the future panics.
                    let mut call = TimedOut(call.take());
                    call.0.run_in_slot(|| this.stage.set(Stage::Ended));
                    return call.0.time_out().map_or(Poll::Pending, |error| Poll::Ready(Err(error.into())));
                }
                StageProjection::Ended => return Poll::Pending,
            }
        }
    }
}

/// A call that has timed out. It is settled once its future has been dropped.
struct TimedOut(ServiceCall);

impl Drop for TimedOut {
    fn drop(&mut self) {
        self.0.time_out();
    }
}

/// Waits for the slot of a call, and calls the service.
fn poll_slot<S: Service<Request>, Request>(
    waiting: &mut Option<Box<WaitingRequest<S, Request>>>,
    context: &mut Context<'_>,
) -> Poll<Admitted<S, Request>> {
    let Some(request) = waiting else {
        return Poll::Pending;
    };
    let admitted = ready!(request.slot.as_mut().poll(context));
    let Some(request) = waiting.take() else {
        return Poll::Pending;
    };
    let WaitingRequest { service, request, .. } = *request;
    Poll::Ready(admitted.map(|mut call| {
        let future = call.run(move || {
            let mut service = service;
            service.call(request)
        });
        Stage::Running { future, call }
    }))
}

impl<S: Service<Request>, Request, N> fmt::Debug for ResponseFuture<S, Request, N> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Rejected { .. } => "Rejected",
            Stage::Waiting { .. } => "Waiting",
            Stage::Running { .. } => "Running",
            Stage::Ended => "Ended",
        };
        out.debug_tuple("ResponseFuture").field(&format_args!("{stage}")).finish()
    }
}
