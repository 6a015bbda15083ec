//! Turns: one test at a time has the whole process for itself. Only tests use them, so their lock is that of the
//! standard library.

use std::future::poll_fn;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::catch_panic;

/// The turn of one test. It ends when this is dropped, also by a panic.
#[derive(Debug)]
pub(crate) struct Turn(());

/// The test that has the turn, and those that wait for it.
#[derive(Debug)]
struct Turns {
    is_taken: bool,
    tasks: Vec<Waker>,
}

static TURNS: Mutex<Turns> = Mutex::new(Turns { is_taken: false, tasks: Vec::new() });
/// Notified when a turn ends.
static ENDED: Condvar = Condvar::new();

impl Turn {
    /// Blocks the thread until no other test has a turn.
    pub(crate) fn take_blocking() -> Self {
        let mut turns = lock();
        while turns.is_taken {
            turns = ENDED.wait(turns).unwrap_or_else(PoisonError::into_inner);
        }
        turns.is_taken = true;
        Self(())
    }

    /// Waits until no other test has a turn.
    pub(crate) async fn take() -> Self {
        poll_fn(Self::poll_take).await
    }

    fn poll_take(context: &mut Context<'_>) -> Poll<Self> {
        // Cloned before the lock is taken and dropped after it is released, because both run user code.
        let mut unused = Some(context.waker().clone());
        let mut turns = lock();
        let polled = if turns.is_taken {
            if !turns.tasks.iter().any(|task| task.will_wake(context.waker())) {
                turns.tasks.extend(unused.take());
            }
            Poll::Pending
        } else {
            turns.is_taken = true;
            Poll::Ready(Self(()))
        };
        drop(turns);
        polled
    }
}

fn lock() -> MutexGuard<'static, Turns> {
    TURNS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut turns = lock();
        turns.is_taken = false;
        let tasks = std::mem::take(&mut turns.tasks);
        drop(turns);
        ENDED.notify_one();
        for task in tasks {
            catch_panic(|| task.wake());
        }
    }
}
