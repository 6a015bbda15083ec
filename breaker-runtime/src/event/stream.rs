//! Events for async code, over tokio's broadcast channel. The channel works under any executor.
//!
//! All reads use `poll_next`. The receiver of the channel offers no poll function, only an async `recv`,
//! whose future borrows the receiver. A reader that has to wait therefore moves the receiver into a future
//! and keeps that future in [`Events`]. Cancelling a call of [`Events::next`] leaves it there, so no event is
//! lost.
//!
//! The channel wakes its readers one after the other, and would stop at a waker that panics. It therefore gets wakers
//! that do not panic.

use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use tokio::sync::broadcast::{self, error::RecvError, error::TryRecvError};
use tokio::task::coop::unconstrained;

use super::Event;
use crate::printable::Counted;
use crate::sync::caught_waker;

/// The events of a registry, from the moment of the subscription.
///
/// A reader blocks neither callers nor other readers. One that is more than 1,024 events behind loses the
/// oldest ones and receives [`Lagged`] with their number. With the feature `stream`, this type implements
/// `Stream`.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use breaker_runtime::{Config, Event, Registry, State};
///
/// let registry = Registry::new();
/// let mut events = registry.subscribe();
/// registry.register("search", Config::default())?.force_open();
///
/// let Some(Ok(Event::StateChanged(change))) = events.next().await else { panic!("no state change") };
/// assert_eq!(change.transition().to, State::ForcedOpen);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Events {
    source: Source,
}

/// The number of events that a reader lost because it was too slow.
///
/// ```
/// use breaker_runtime::{Config, Lagged, Registry};
///
/// let registry = Registry::new();
/// let mut events = registry.subscribe();
/// let breaker = registry.register("search", Config::default())?;
/// for _ in 0..1030 {
///     breaker.reset();
/// }
/// assert!(matches!(events.try_next(), Some(Err(Lagged(6)))));
/// assert!(matches!(events.try_next(), Some(Ok(_)))); // the oldest remaining event
/// # Ok::<(), breaker_runtime::RegisterError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lagged(pub u64);

type Receiver = broadcast::Receiver<Event>;
type Item = Result<Event, Lagged>;

/// The owner of the receiver.
enum Source {
    /// No read is in progress.
    Idle(Receiver),
    /// A read waits for an event, or was cancelled while it waited.
    Waiting(Waiting),
    /// The channel is closed: the registry and all its breakers are dropped.
    Ended,
}

struct Waiting {
    read: Pin<Box<dyn Future<Output = Received> + Send + Sync>>,
    /// The waker of the last poll, which does not panic.
    waker: Waker,
}

// A panic of a reader leaves the state of `Events` valid: either idle, or waiting, or ended.
impl UnwindSafe for Events {}
impl RefUnwindSafe for Events {}

struct Received {
    receiver: Receiver,
    result: Result<Event, RecvError>,
}

impl Events {
    pub(super) const fn new(receiver: Receiver) -> Self {
        Self { source: Source::Idle(receiver) }
    }

    /// Waits for the next event.
    ///
    /// Returns `None` once the registry and all its breakers are dropped.
    ///
    /// # Errors
    ///
    /// The item is [`Lagged`] if events were lost because this reader was too slow. The next call continues
    /// with the oldest remaining event.
    ///
    /// # Cancellation
    ///
    /// This method is cancel-safe: if the future is dropped before it completes, no event is lost.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use breaker_runtime::{Config, Lagged, Registry};
    ///
    /// let registry = Registry::new();
    /// let mut events = registry.subscribe();
    /// registry.register("payment", Config::default())?.operator("alice").disable();
    /// drop(registry);
    ///
    /// let mut lines = Vec::new();
    /// while let Some(event) = events.next().await {
    ///     match event {
    ///         Ok(event) => lines.push(event.to_string()),
    ///         Err(Lagged(count)) => lines.push(format!("{count} events were lost")),
    ///     }
    /// }
    /// assert_eq!(lines, [r#"circuit breaker "payment": closed -> disabled: disabled by alice"#]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn next(&mut self) -> Option<Result<Event, Lagged>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// Returns the next event if it is available, without waiting.
    ///
    /// Returns `None` if no event is available now, or if none will follow.
    ///
    /// # Errors
    ///
    /// The item is [`Lagged`] if events were lost because this reader was too slow.
    ///
    /// ```
    /// use breaker_runtime::{Config, Event, Registry};
    ///
    /// let registry = Registry::new();
    /// let mut events = registry.subscribe();
    /// assert!(events.try_next().is_none());
    /// registry.register("payment", Config::default())?.force_open();
    /// assert!(matches!(events.try_next(), Some(Ok(Event::StateChanged(_)))));
    /// # Ok::<(), breaker_runtime::RegisterError>(())
    /// ```
    pub fn try_next(&mut self) -> Option<Result<Event, Lagged>> {
        match &mut self.source {
            Source::Idle(receiver) => match receiver.try_recv() {
                Ok(event) => Some(Ok(event)),
                Err(TryRecvError::Lagged(count)) => Some(Err(Lagged(count))),
                Err(TryRecvError::Empty | TryRecvError::Closed) => None,
            },
            Source::Waiting(Waiting { read, waker }) => {
                // A poll replaces the waker, and a task that uses the stream may still wait to be woken by
                // it. Without `unconstrained`, a task that has used up its budget would not see an event.
                match pin!(unconstrained(read)).poll(&mut Context::from_waker(waker)) {
                    Poll::Ready(received) => self.finish_read(received),
                    Poll::Pending => None,
                }
            }
            Source::Ended => None,
        }
    }

    /// Polls for the next event, and registers the waker if there is none.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Item>> {
        let mut read = match mem::replace(&mut self.source, Source::Ended) {
            Source::Idle(mut receiver) => {
                // Reading an event that is available allocates nothing. The waker of this poll is not needed: an event
                // that arrives before the next one is available there.
                let polled = pin!(receiver.recv()).poll(&mut Context::from_waker(Waker::noop()));
                if let Poll::Ready(result) = polled {
                    return Poll::Ready(self.finish_read(Received { receiver, result }));
                }
                Box::pin(read(receiver))
            }
            Source::Waiting(Waiting { read, .. }) => read,
            Source::Ended => return Poll::Ready(None),
        };
        let waker = caught_waker(context.waker());
        match read.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(received) => Poll::Ready(self.finish_read(received)),
            Poll::Pending => {
                self.source = Source::Waiting(Waiting { read, waker });
                Poll::Pending
            }
        }
    }

    fn finish_read(&mut self, Received { receiver, result }: Received) -> Option<Item> {
        let item = match result {
            Ok(event) => Ok(event),
            Err(RecvError::Lagged(count)) => Err(Lagged(count)),
            Err(RecvError::Closed) => {
                self.source = Source::Ended;
                return None;
            }
        };
        self.source = Source::Idle(receiver);
        Some(item)
    }
}

async fn read(mut receiver: Receiver) -> Received {
    let result = receiver.recv().await;
    Received { receiver, result }
}

impl fmt::Debug for Events {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Events").finish_non_exhaustive()
    }
}

impl fmt::Display for Lagged {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.0 == 1 { "was" } else { "were" };
        write!(out, "{} {verb} lost because the reader was too slow", Counted(self.0, "event"))
    }
}

impl std::error::Error for Lagged {}

#[cfg(test)]
mod tests {
    use std::panic::{RefUnwindSafe, UnwindSafe};
    use std::pin::pin;
    use std::sync::{Arc, mpsc};
    use std::task::{Context, Poll, Wake, Waker};

    use super::{Events, Lagged};
    use crate::{CircuitBreaker, Config, Event, Registry};

    /// A task that sends a message when it is woken.
    struct Task(mpsc::Sender<()>);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.send(()).unwrap();
        }
    }

    fn subscribed() -> (Registry, CircuitBreaker, Events) {
        let registry = Registry::new();
        let breaker = registry.register("search", Config::default()).unwrap();
        let events = registry.subscribe();
        (registry, breaker, events)
    }

    /// Polls a new call of `next` once, and drops it.
    fn poll_next_once(events: &mut Events) -> Poll<Option<Result<u64, Lagged>>> {
        let mut context = Context::from_waker(Waker::noop());
        let polled = pin!(events.next()).poll(&mut context);
        polled.map(|item| item.map(generation))
    }

    fn generation(item: Result<Event, Lagged>) -> Result<u64, Lagged> {
        item.map(|event| match event {
            Event::StateChanged(change) => change.transition().generation,
            Event::ChangesLost(_)
            | Event::Conflict(_)
            | Event::Evicted(_)
            | Event::Waived(_)
            | Event::SettingsChanged(_)
            | Event::DrillStarted(_)
            | Event::DrillEnded(_) => 0,
        })
    }

    #[test]
    fn a_cancelled_call_of_next_loses_no_event() {
        let (_registry, breaker, mut events) = subscribed();
        assert!(poll_next_once(&mut events).is_pending());
        assert!(poll_next_once(&mut events).is_pending());
        breaker.force_open();
        breaker.reset();
        assert_eq!(poll_next_once(&mut events), Poll::Ready(Some(Ok(1))));
        assert_eq!(poll_next_once(&mut events), Poll::Ready(Some(Ok(2))));
        assert!(poll_next_once(&mut events).is_pending());
    }

    #[test]
    fn try_next_continues_a_cancelled_call_of_next() {
        let (_registry, breaker, mut events) = subscribed();
        assert!(poll_next_once(&mut events).is_pending());
        assert!(events.try_next().is_none());
        breaker.force_open();
        assert_eq!(events.try_next().map(generation), Some(Ok(1)));
        assert!(events.try_next().is_none());
    }

    #[test]
    fn a_waiting_task_is_woken_even_if_try_next_is_called_in_between() {
        let (_registry, breaker, mut events) = subscribed();
        let (sender, woken) = mpsc::channel();
        let waker = Waker::from(Arc::new(Task(sender)));
        assert!(events.poll_next(&mut Context::from_waker(&waker)).is_pending());
        assert!(events.try_next().is_none());
        breaker.force_open();
        assert_eq!(woken.try_iter().count(), 1);
    }

    #[test]
    fn a_slow_reader_receives_the_number_of_lost_events_even_after_a_cancelled_call() {
        let (_registry, breaker, mut events) = subscribed();
        assert!(poll_next_once(&mut events).is_pending());
        for _ in 0..1030 {
            breaker.reset();
        }
        assert_eq!(poll_next_once(&mut events), Poll::Ready(Some(Err(Lagged(6)))));
        assert_eq!(poll_next_once(&mut events), Poll::Ready(Some(Ok(7))));
    }

    #[test]
    fn the_stream_ends_when_the_registry_and_its_breakers_are_dropped() {
        let (registry, breaker, mut events) = subscribed();
        assert!(poll_next_once(&mut events).is_pending());
        breaker.force_open();
        drop((registry, breaker));
        assert_eq!(poll_next_once(&mut events), Poll::Ready(Some(Ok(1))));
        for _ in 0..2 {
            assert_eq!(poll_next_once(&mut events), Poll::Ready(None));
            assert!(events.try_next().is_none());
        }
    }

    #[test]
    fn a_reader_can_move_to_another_thread_and_be_shared() {
        fn check<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>(_: &T) {}
        fn check_future<T: Send>(_: T) {}
        let (_registry, _breaker, mut events) = subscribed();
        check(&events);
        check_future(events.next());
    }
}
