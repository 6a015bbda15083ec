//! The end of all event streams before the server shuts down. No task runs: the streams poll the future of the
//! application.

use std::fmt;
use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use tokio::sync::Mutex as AsyncMutex;

/// A future that completes when the server begins to shut down.
type Signal = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The signal that ends all streams. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Shutdown {
    /// `None` if the application set no signal. The inner value is `None` once the signal has completed, or has
    /// panicked. The stream that holds the lock polls the signal for all others.
    signal: Option<Arc<AsyncMutex<Option<Signal>>>>,
}

impl Shutdown {
    pub(super) fn new(signal: impl Future<Output = ()> + Send + 'static) -> Self {
        let signal: Signal = Box::pin(signal);
        Self { signal: Some(Arc::new(AsyncMutex::new(Some(signal)))) }
    }

    /// Returns `true` if the signal has completed. A signal that another stream polls has not.
    pub(super) fn has_begun(&self) -> bool {
        self.wait().now_or_never().is_some()
    }

    /// Returns the output of `future`, or `None` if the signal completes first.
    pub(super) async fn unless_begun<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        match select(pin!(future), pin!(self.wait())).await {
            Either::Left((output, _)) => Some(output),
            Either::Right(_) => None,
        }
    }

    /// Waits until the signal has completed.
    async fn wait(&self) {
        let Some(signal) = &self.signal else { return pending().await };
        let mut signal = signal.lock().await;
        poll_fn(|context| {
            // Taken out while it is polled, so that a signal that panics is not polled again.
            let Some(mut running) = signal.take() else { return Poll::Ready(()) };
            let poll = running.as_mut().poll(context);
            if poll.is_pending() {
                *signal = Some(running);
            }
            poll
        })
        .await;
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Shutdown").finish_non_exhaustive()
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use std::future::{pending, ready};
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use futures_util::FutureExt as _;
    use tokio::runtime::Builder;
    use tokio::sync::oneshot::channel;
    use tokio::task::{spawn, yield_now};

    use super::Shutdown;

    #[test]
    fn every_stream_ends_although_one_of_them_polls_the_signal_and_is_cancelled() {
        Builder::new_current_thread().build().unwrap().block_on(async {
            let (sender, receiver) = channel::<()>();
            let shutdown = Shutdown::new(async { _ = receiver.await });
            let stream = || {
                let shutdown = shutdown.clone();
                spawn(async move { shutdown.unless_begun(pending::<()>()).await })
            };
            let (first, others) = (stream(), [stream(), stream(), stream()]);
            yield_now().await;
            first.abort();
            yield_now().await;
            assert!(!shutdown.has_begun());
            sender.send(()).unwrap();
            for other in others {
                assert_eq!(other.await.unwrap(), None);
            }
            assert!(shutdown.has_begun());
        });
    }

    #[test]
    fn without_a_signal_nothing_ends() {
        assert!(!Shutdown::default().has_begun());
        assert_eq!(Shutdown::default().unless_begun(ready(1)).now_or_never(), Some(Some(1)));
    }

    #[test]
    fn a_signal_that_panics_is_not_polled_again() {
        let shutdown = Shutdown::new(async { std::panic::resume_unwind(Box::new("the test panics")) });
        assert!(catch_unwind(AssertUnwindSafe(|| shutdown.has_begun())).is_err());
        assert!(shutdown.has_begun());
    }
}
