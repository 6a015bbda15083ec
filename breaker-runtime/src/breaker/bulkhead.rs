//! The limit on concurrent calls: first come, first served, with sync and async calls in one queue.
//!
//! | file | contents |
//! |---|---|
//! | `limit.rs` | the bulkhead: its slots and its queue |
//! | `slots.rs` | the limit and the slots in use, packed into one word |
//! | `settings.rs` | the limit, and what happens to a call that finds no free slot |
//! | `queue.rs` | the calls that wait, and the slots that are offered to them |
//! | `waiting.rs` | a waiting call, which blocks its thread or is a future |
//!
//! While no call waits, a slot is acquired and released by one compare-and-swap of the word. As soon as a call
//! waits, the word shows a limit of zero, and is then changed only by the thread that holds the lock of the queue.
//!
//! A call that finds no free slot reads the limit and what it means for the call under that lock, where both
//! change together. Therefore a call is never rejected by the limit of one setting and the `max_wait` of another.
//!
//! # Offers
//!
//! A released slot is *offered* to the first waiting call, which is woken. The slot stays in use until the call is
//! polled, which takes the offer, or is cancelled, which passes it on. A call that was forgotten, or whose task no
//! longer polls it, does neither. Therefore an offer lapses after [`OFFER`](queue::OFFER): the slot goes to
//! the next waiting call, and nothing of the forgotten one remains. If it is polled later after all, it waits again,
//! ahead of all calls that arrived after it.
//!
//! A lapsed offer is noticed by every new call, by every call that ends, and by the calls that wait behind it. No
//! new call gets a slot before its offer lapses, so a waiting call that is polled in time is never overtaken.
//!
//! No user code runs under the lock: wakers are cloned before it is taken, and woken and dropped after it is
//! released.

mod limit;
mod queue;
mod settings;
mod slots;
mod waiting;

pub(super) use self::limit::Bulkhead;
pub(super) use self::queue::Attempt;
pub(super) use self::settings::{BulkheadSettings, FullPolicy};
