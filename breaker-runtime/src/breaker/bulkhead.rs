//! The limit on concurrent calls: first come, first served, with sync and async calls in one queue.
//!
//! | file | contents |
//! |---|---|
//! | `limit.rs` | the bulkhead: its slots and its queue |
//! | `slots.rs` | the limit and the slots in use, packed into one word |
//! | `settings.rs` | the limit, and what happens to a call that finds no free slot |
//! | `queue.rs` | the calls that wait, and the slots that are offered to them |
//! | `queued_call.rs` | a call in the queue, and when it checks the queue by itself |
//!
//! While no call waits, a slot is acquired by one compare-and-swap of the word. As soon as a call waits, the word shows
//! a queue, and only the thread that holds the lock of the queue acquires slots. A slot is released by one subtraction
//! from the word. If the word showed a queue, the slot is then offered under the lock.
//!
//! A call that finds no free slot reads the limit and the treatment of the call under that lock, where both change
//! together. Therefore a call is never rejected by the limit of old settings and the `max_wait` of new ones.
//!
//! # Offers
//!
//! A released slot is *offered* to the first waiting call, which is woken. The slot stays in use until the call is
//! polled, which takes the offer, or is cancelled, which passes it on. A call that was forgotten, or whose task no
//! longer polls it, does neither. Therefore an offer lapses after [`OFFER_LIFETIME`](queue::OFFER_LIFETIME): the slot
//! goes to the next waiting call, and the queue forgets the first one. If that call is polled later after all, it waits
//! again, ahead of all calls that arrived after it, and its next offer lasts twice as long, up to
//! [`MAX_OFFER_LIFETIME`](queue::MAX_OFFER_LIFETIME). Therefore a call that is polled at least once a second takes its
//! eighth offer at the latest, and a slot that is offered in vain stays unused for at most twice the time between two
//! polls of its call.
//!
//! A lapsed offer is noticed by every new call, by every call that ends, and by the calls that wait behind it. No
//! new call gets a slot before its offer lapses, so a waiting call that is polled in time is never overtaken.
//!
//! # Changes while a call waits
//!
//! Each time a waiting call is polled, it checks by the current settings and the current state whether it still has
//! to wait (`breaker/slot_wait.rs`). Every change of the settings or of the state wakes all waiting calls.
//!
//! No user code runs under the lock: wakers are cloned before it is taken, and woken and dropped after it is
//! released.

mod limit;
mod queue;
mod queued_call;
mod settings;
mod slots;

pub(super) use self::limit::{Bulkhead, UnfinishedRelease};
pub(super) use self::queue::Attempt;
pub(super) use self::queued_call::QueuedCall;
pub(super) use self::settings::{BulkheadSettings, CallNeeds, FullPolicy};
