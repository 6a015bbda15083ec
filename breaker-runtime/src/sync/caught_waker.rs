//! Wakers that do not panic. They are stored where other code wakes many tasks one after the other, such as in the
//! channels of tokio: there, a panic of one waker would leave the other tasks asleep, and reach the caller.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use super::catch_panic;

/// The waker of a task, which is `None` only while this is dropped.
struct CaughtWaker(Option<Waker>);

/// Returns a waker that wakes the same task, and catches panics of `waker` when it wakes and when it is dropped.
pub(crate) fn caught_waker(waker: &Waker) -> Waker {
    Waker::from(Arc::new(CaughtWaker(Some(waker.clone()))))
}

/// Awaits `future`, which is polled with a waker that does not panic.
#[allow(dead_code, reason = "only the feature `queue` uses it")]
pub(crate) async fn with_caught_waker<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| future.as_mut().poll(&mut Context::from_waker(&caught_waker(context.waker())))).await
}

impl Wake for CaughtWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(waker) = &self.0 {
            catch_panic(|| waker.wake_by_ref());
        }
    }
}

impl Drop for CaughtWaker {
    fn drop(&mut self) {
        let waker = self.0.take();
        catch_panic(|| drop(waker));
    }
}

#[cfg(test)]
#[allow(clippy::panic, reason = "the tests are about panics")]
mod tests {
    use std::task::Poll;

    use super::*;
    use crate::sync::{AtomicU32, Ordering};

    /// Panics when it wakes and when it is dropped.
    #[derive(Default)]
    struct Panics(Arc<AtomicU32>);

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            self.wake_by_ref();
        }

        fn wake_by_ref(self: &Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
            std::panic::resume_unwind(Box::new("wake"));
        }
    }

    impl Drop for Panics {
        fn drop(&mut self) {
            self.0.fetch_add(100, Ordering::Relaxed);
            std::panic::resume_unwind(Box::new("drop"));
        }
    }

    #[test]
    fn panics_of_a_waker_and_of_its_drop_are_caught() {
        let count = Arc::default();
        let caught = {
            let waker = Waker::from(Arc::new(Panics(Arc::clone(&count))));
            caught_waker(&waker)
        };
        caught.wake_by_ref();
        caught.wake_by_ref();
        assert_eq!(count.load(Ordering::Relaxed), 2);
        drop(caught);
        assert_eq!(count.load(Ordering::Relaxed), 102);
    }

    #[test]
    fn a_future_is_polled_with_the_caught_waker_of_its_task() {
        let count = Arc::default();
        let waker = Waker::from(Arc::new(Panics(Arc::clone(&count))));
        let mut woken = None;
        let mut future = Box::pin(with_caught_waker(poll_fn(|context| {
            woken = Some(context.waker().clone());
            Poll::<()>::Pending
        })));
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop((future, waker));
        woken.take().unwrap().wake();
        assert_eq!(count.load(Ordering::Relaxed), 101);
    }
}
