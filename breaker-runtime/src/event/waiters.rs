//! The tasks that wait for the next state change of a circuit.
//!
//! Wakers are cloned, woken and dropped without the lock, because they are user code. A panic in one waker does
//! not affect the others.

use std::collections::BTreeMap;
use std::task::Waker;

use crate::sync::{Mutex, catch_panic, lock};

/// The wakers of the waiting tasks.
#[derive(Debug, Default)]
pub(super) struct Waiters(Mutex<Registered>);

#[derive(Debug, Default)]
struct Registered {
    wakers: BTreeMap<u64, Waker>,
    last_id: u64,
}

/// One waiting task. Dropping it ends the wait.
#[derive(Debug)]
pub(crate) struct Waiter<'a> {
    waiters: &'a Waiters,
    id: u64,
}

impl Waiters {
    /// Returns a task that does not wait yet.
    pub(super) fn waiter(&self) -> Waiter<'_> {
        let mut registered = lock(&self.0);
        registered.last_id += 1;
        Waiter { waiters: self, id: registered.last_id }
    }

    /// Wakes all tasks that wait now.
    pub(super) fn wake_all(&self) {
        let wakers = std::mem::take(&mut lock(&self.0).wakers);
        for waker in wakers.into_values() {
            catch_panic(|| waker.wake());
        }
    }
}

impl Waiter<'_> {
    /// Makes the next [`wake_all`](Waiters::wake_all) wake this task. The caller reads the state afterwards, so
    /// that no change in between is missed.
    pub(crate) fn register(&self, waker: &Waker) {
        let waker = waker.clone();
        let replaced = lock(&self.waiters.0).wakers.insert(self.id, waker);
        catch_panic(|| drop(replaced));
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let waker = lock(&self.waiters.0).wakers.remove(&self.id);
        catch_panic(|| drop(waker));
    }
}
