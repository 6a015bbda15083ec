//! How many clients may watch at a time. A place is a lease: who is alive comes back for another one, and
//! who is not holds nobody up.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::sync::{Mutex, lock};

const MOST: usize = 100;
/// So long a stream lasts.
pub(super) const LEASE: Duration = Duration::from_secs(30);

/// The places, taken and free.
#[derive(Debug, Default)]
pub(super) struct Places {
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    until: Vec<(u64, Moment)>,
}

/// A place; free when this is dropped, or somebody else's once its lease is over and places are scarce.
#[derive(Debug)]
pub(super) struct Place {
    number: u64,
    until: Moment,
    taken: Arc<Mutex<Taken>>,
}

impl Places {
    pub(super) fn take(&self, now: Moment) -> Option<Place> {
        let mut taken = lock(&self.taken);
        if taken.until.len() >= MOST {
            taken.until.retain(|(_, until)| *until > now);
        }
        if taken.until.len() >= MOST {
            return None;
        }
        let (number, until) = (taken.next, now.after(LEASE));
        taken.next += 1;
        taken.until.push((number, until));
        drop(taken);
        Some(Place { number, until, taken: Arc::clone(&self.taken) })
    }
}

impl Place {
    pub(super) fn is_over(&self, now: Moment) -> bool {
        now >= self.until
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.taken).until.retain(|(number, _)| *number != self.number);
    }
}
