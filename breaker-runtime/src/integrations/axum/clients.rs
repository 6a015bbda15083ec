//! Limits how many clients stream at a time. A slot expires after 30 s, so a disconnected client does not
//! keep it. A client that reads slowly may finish its event after that, unless another client needs its slot.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::sync::{Mutex, lock};

/// Maximum number of clients that stream at a time.
const MAX_CLIENTS: usize = 100;
/// Length of a stream.
const LEASE: Duration = Duration::from_secs(30);

/// The slots of all clients.
#[derive(Debug, Default)]
pub(super) struct Clients {
    occupied: Arc<Mutex<Occupied>>,
}

/// The slots in use. Every slot has a number of its own, so a late drop frees no slot of another client.
#[derive(Debug, Default)]
struct Occupied {
    next_number: u64,
    slots: Vec<Slot>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    number: u64,
    expires: Moment,
}

/// The slot of one client. Dropping it frees the slot; when slots are scarce, an expired one is reused before
/// that.
#[derive(Debug)]
pub(super) struct ClientSlot {
    slot: Slot,
    occupied: Arc<Mutex<Occupied>>,
}

impl Clients {
    /// Returns a slot; `None` if all are in use.
    pub(super) fn acquire(&self, now: Moment) -> Option<ClientSlot> {
        let mut occupied = lock(&self.occupied);
        if occupied.slots.len() >= MAX_CLIENTS {
            occupied.slots.retain(|slot| slot.expires > now);
        }
        if occupied.slots.len() >= MAX_CLIENTS {
            return None;
        }
        let slot = Slot { number: occupied.next_number, expires: now.after(LEASE) };
        occupied.next_number += 1;
        occupied.slots.push(slot);
        drop(occupied);
        Some(ClientSlot { slot, occupied: Arc::clone(&self.occupied) })
    }
}

impl ClientSlot {
    pub(super) fn is_expired(&self, at: Moment) -> bool {
        at >= self.slot.expires
    }

    /// Returns `true` if the slot has expired and another client has needed it.
    pub(super) fn is_lost(&self) -> bool {
        lock(&self.occupied).slots.iter().all(|slot| slot.number != self.slot.number)
    }
}

impl Drop for ClientSlot {
    fn drop(&mut self) {
        lock(&self.occupied).slots.retain(|slot| slot.number != self.slot.number);
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use super::{ClientSlot, Clients, LEASE, MAX_CLIENTS};
    use crate::clock::Moment;

    #[test]
    fn an_expired_slot_is_reused_only_when_slots_are_scarce() {
        let (clients, start) = (Clients::default(), Moment::from_nanos(0));
        let mut held: Vec<_> = (0..MAX_CLIENTS).map_while(|_| clients.acquire(start)).collect();
        assert_eq!(held.len(), MAX_CLIENTS);
        assert!(clients.acquire(start).is_none());

        held.pop();
        held.extend(clients.acquire(start));
        assert_eq!((held.len(), clients.acquire(start).is_none()), (MAX_CLIENTS, true));

        let late = start.after(LEASE);
        assert!(held.iter().all(|slot| slot.is_expired(late) && !slot.is_expired(start) && !slot.is_lost()));
        let next: Vec<_> = (0..MAX_CLIENTS).map_while(|_| clients.acquire(late)).collect();
        assert!(held.iter().all(ClientSlot::is_lost) && !next.iter().any(ClientSlot::is_lost));
        // Dropping an expired slot does not free the slot that replaced it.
        drop(held);
        assert_eq!((next.len(), clients.acquire(late).is_none()), (MAX_CLIENTS, true));
    }
}
