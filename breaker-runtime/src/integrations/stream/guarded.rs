//! A stream that settles its call when it ends or fails. It does not know where its permit comes from.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::items::{ByResult, ClassifiedBy, DescribedBy, InspectErrors};
use crate::breaker::{OwnedPermit, PartMeaning, StreamedCall};
use crate::classifier::Classifier;
use crate::outcome::Outcome;

pin_project! {
    /// A stream whose call lasts until it ends; see [`guard_stream`].
    ///
    /// It passes all items of the inner stream on unchanged, also after the call has been settled. It is `Send`,
    /// `Unpin` and `'static` if the inner stream is.
    ///
    /// ```
    /// use breaker_runtime::integrations::stream::{GuardedStream, guard_stream};
    /// use breaker_runtime::{CircuitBreaker, Config};
    /// use futures_util::{StreamExt as _, stream};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let breaker = CircuitBreaker::new("chat", Config::default())?;
    /// let tokens = stream::iter([Ok::<_, std::io::Error>("circuit"), Ok("breaker")]);
    /// let mut tokens: GuardedStream<_> = guard_stream(breaker.try_acquire_owned()?, tokens);
    /// assert_eq!(tokens.next().await.unwrap()?, "circuit");
    /// drop(tokens); // the consumer needs no more
    /// assert_eq!(breaker.snapshot().totals.successes, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "a stream that is dropped before its first item counts as a cancelled call; poll it"]
    pub struct GuardedStream<S, C = ByResult> {
        // Dropped first, so that the call is settled before code of the inner stream runs.
        call: Option<StreamedCall>,
        #[pin]
        stream: S,
        classifier: C,
    }
}

/// Continues the call of a permit until `stream` ends.
///
/// The first `Err` settles the call as a failure, and the end of the stream as a success. The
/// [module](super#the-call-of-a-stream) describes panics, streams that are dropped, and what the time limits measure.
///
/// The error of another circuit breaker is a failure too, because this function cannot inspect the error, and
/// [`Transition::last_failure`](crate::Transition) shows the name of its type.
/// [`inspect_errors`](GuardedStream::inspect_errors) changes both.
///
/// ```
/// use breaker_runtime::integrations::stream::guard_stream;
/// use breaker_runtime::{CircuitBreaker, Config, State};
/// use futures_util::{StreamExt as _, stream};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let breaker = CircuitBreaker::new("chat", Config::builder().failure_threshold(1).build()?)?;
/// let permit = breaker.try_acquire_owned()?; // before the stream is opened
/// let tokens = stream::iter([Ok("circuit"), Err("connection reset")]);
/// let mut tokens = guard_stream(permit, tokens);
/// assert_eq!(tokens.next().await, Some(Ok("circuit")));
/// assert_eq!(tokens.next().await, Some(Err("connection reset")));
/// assert_eq!(breaker.state(), State::Open);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn guard_stream<T, E, S: Stream<Item = Result<T, E>>>(
    permit: OwnedPermit,
    stream: S,
) -> GuardedStream<S> {
    GuardedStream::new(Some(permit), stream, ByResult)
}

impl<S, C> GuardedStream<S, C> {
    /// Guards a stream, if there is a permit.
    pub(super) fn new(permit: Option<OwnedPermit>, stream: S, classifier: C) -> Self {
        Self {
            call: permit.map(|permit| StreamedCall::new(permit, PartMeaning::Success)),
            stream,
            classifier,
        }
    }

    /// Decides with `classify` what each item shows about the dependency, instead of treating each `Err` as a failure.
    ///
    /// [`Outcome::Success`] means that the stream goes on; the call is a success when it ends. [`Outcome::Failure`] and
    /// [`Outcome::Ignored`] settle the call, and later items are not classified. A panic of `classify` counts as a
    /// failure and continues. The text of an `Err` stays as it is, and an `Ok` that is a failure has none;
    /// [`describe`](Self::describe) sets both, before or after this method.
    ///
    /// ```
    /// use breaker_runtime::integrations::stream::guard_stream;
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome};
    /// use futures_util::{StreamExt as _, stream};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let breaker = CircuitBreaker::new("chat", Config::builder().failure_threshold(1).build()?)?;
    /// // The service reports its own failure in an event, and the client's in an `Err`.
    /// let events = stream::iter([Ok("token"), Err("too long"), Ok("overloaded")]);
    /// let events = guard_stream(breaker.try_acquire_owned()?, events).classify(|event| match event {
    ///     Ok("overloaded") => Outcome::Failure,
    ///     Ok(_) | Err(_) => Outcome::Success,
    /// });
    /// assert_eq!(events.count().await, 3);
    /// assert_eq!(breaker.snapshot().totals.failures, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn classify<F>(self, classify: F) -> GuardedStream<S, ClassifiedBy<C, F>>
    where
        S: Stream,
        F: Fn(&S::Item) -> Outcome,
    {
        self.with(|described| ClassifiedBy { described, classify })
    }

    /// Describes the item that is a failure, for [`Transition::last_failure`](crate::Transition) and for [call
    /// events](crate::CallEventKind::Failed). `describe` runs only if the failure changes the state or is reported. The
    /// text becomes one line of at most 1,024 bytes.
    ///
    /// ```
    /// use breaker_runtime::integrations::stream::guard_stream;
    /// use breaker_runtime::{CircuitBreaker, Config};
    /// use futures_util::{StreamExt as _, stream};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let breaker = CircuitBreaker::new("chat", Config::builder().failure_threshold(1).build()?)?;
    /// let tokens = stream::iter([Ok(1), Err("connection reset")]);
    /// let tokens = guard_stream(breaker.try_acquire_owned()?, tokens).describe(|item| format!("{item:?}"));
    /// tokens.count().await;
    /// let opened = breaker.snapshot().last_transition.unwrap();
    /// assert_eq!(opened.last_failure.as_deref(), Some(r#"Err("connection reset")"#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn describe<F>(self, describe: F) -> GuardedStream<S, DescribedBy<C, F>>
    where
        S: Stream,
        F: Fn(&S::Item) -> String,
    {
        self.with(|classifier| DescribedBy { classifier, describe })
    }

    fn with<D>(self, classifier: impl FnOnce(C) -> D) -> GuardedStream<S, D> {
        let Self { call, stream, classifier: replaced } = self;
        GuardedStream { call, stream, classifier: classifier(replaced) }
    }
}

impl<T, E, S: Stream<Item = Result<T, E>>> GuardedStream<S> {
    /// Shows the text of an error in [`Transition::last_failure`](crate::Transition), and ignores the error of another
    /// circuit breaker, also among the sources of an error, as annotated functions do.
    ///
    /// ```
    /// use breaker_runtime::integrations::stream::guard_stream;
    /// use breaker_runtime::{BreakerError, CircuitBreaker, Config, ErrorKind};
    /// use futures_util::{StreamExt as _, stream};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let breaker = CircuitBreaker::new("chat", Config::default())?;
    /// let tokens = stream::iter([Ok(1), Err(BreakerError::new("search", ErrorKind::Open))]);
    /// let tokens = guard_stream(breaker.try_acquire_owned()?, tokens).inspect_errors();
    /// tokens.count().await;
    /// assert_eq!(breaker.snapshot().totals.ignored, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inspect_errors(self) -> GuardedStream<S, InspectErrors>
    where
        E: Error,
    {
        self.with(|ByResult| InspectErrors)
    }
}

impl<S: Stream, C: Classifier<S::Item>> Stream for GuardedStream<S, C> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let (stream, classifier) = (this.stream, this.classifier);
        let Some(call) = this.call else {
            return stream.poll_next(context);
        };
        let mut outcome = Outcome::Success;
        let item = ready!(call.poll(context, |context| {
            stream.poll_next(context).map(|item| {
                outcome = item.as_ref().map_or(outcome, |item| classifier.outcome(item));
                item
            })
        }));
        match (&item, outcome) {
            (Some(_), Outcome::Success) => return Poll::Ready(item),
            (Some(item), Outcome::Failure) => call.fail_with(item, classifier),
            (Some(_), Outcome::Ignored) | (None, _) => call.settle(outcome),
        }
        *this.call = None;
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

impl<S, C> fmt::Debug for GuardedStream<S, C> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("GuardedStream").field("call", &self.call).finish_non_exhaustive()
    }
}
