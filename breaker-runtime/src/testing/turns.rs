//! The turns of tests that use a scope for the whole process: one such test runs at a time.

use std::cell::RefCell;
use std::future::poll_fn;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::sync::thread_local::{self, ThreadSlotGuard};

/// The turn of one test. It ends when this is dropped, also by a panic.
#[derive(Debug)]
pub(super) struct Turn(());

/// The test that has the turn, and those that wait for it.
#[derive(Debug)]
struct Turns {
    is_taken: bool,
    tasks: Vec<Waker>,
}

static TURNS: Mutex<Turns> = Mutex::new(Turns { is_taken: false, tasks: Vec::new() });
/// Notified when a turn ends.
static ENDED: Condvar = Condvar::new();

thread_local! {
    /// Set while this thread runs code in the scope of a turn.
    static IN_TURN: RefCell<Option<()>> = const { RefCell::new(None) };
}

impl Turn {
    /// Blocks the thread until no other test has a turn.
    #[track_caller]
    pub(super) fn take_blocking() -> Self {
        reject_nested();
        let mut turns = lock();
        while turns.is_taken {
            turns = ENDED.wait(turns).unwrap_or_else(PoisonError::into_inner);
        }
        turns.is_taken = true;
        Self(())
    }

    /// Waits until no other test has a turn.
    pub(super) async fn take() -> Self {
        reject_nested();
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

/// Marks this thread as running in the scope of a turn until the guard is dropped.
pub(super) fn mark_thread() -> ThreadSlotGuard<()> {
    ThreadSlotGuard::set(&IN_TURN, ())
}

/// Panics if this thread runs in the scope of a turn: it would wait for itself.
#[track_caller]
fn reject_nested() {
    assert!(
        thread_local::current(&IN_TURN).is_none(),
        "a process scope cannot begin inside another one, for which it would wait forever; use the outer scope, or \
         testing::scope for a registry of its own on this thread"
    );
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
        tasks.into_iter().for_each(Waker::wake);
    }
}
