//! How many clients may watch at a time. A place is a lease: who is alive comes back for another one, and
//! who is not holds nobody up.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::sync::{Mutex, lock};

const MOST: usize = 100;
/// So long a stream lasts.
const LEASE: Duration = Duration::from_secs(30);

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
    pub(super) fn is_over(&self, at: Moment) -> bool {
        at >= self.until
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.taken).until.retain(|(number, _)| *number != self.number);
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use super::{LEASE, MOST, Places};
    use crate::clock::Moment;

    #[test]
    fn a_place_whose_lease_is_over_is_given_to_another_only_when_places_are_scarce() {
        let (places, start) = (Places::default(), Moment::from_nanos(0));
        let mut held: Vec<_> = (0..MOST).map_while(|_| places.take(start)).collect();
        assert_eq!(held.len(), MOST);
        assert!(places.take(start).is_none());

        held.pop();
        held.extend(places.take(start));
        assert_eq!((held.len(), places.take(start).is_none()), (MOST, true));

        let late = start.after(LEASE);
        assert!(held.iter().all(|place| place.is_over(late) && !place.is_over(start)));
        let next: Vec<_> = (0..MOST).map_while(|_| places.take(late)).collect();
        // Those who are thrown out give nothing back that is another's.
        drop(held);
        assert_eq!((next.len(), places.take(late).is_none()), (MOST, true));
    }
}
