//! A queue for calls that a circuit rejected, which makes them later (feature `queue`).
//!
//! The caller of a rejected call gets a receipt instead of an error, and the queue makes the call once the circuit
//! admits it. That suits calls whose result the caller does not need: captures of payments, mails, reports. Three parts
//! are to be written: the queue, one line in the attribute, and the task that drains the queue.
//!
//! ```
//! use std::sync::LazyLock;
//! use breaker_runtime::{BreakerError, Registry, circuit_breaker, queue::RetryQueue};
//!
//! #[derive(Clone, Debug)]
//! struct Order {
//!     id: u64,
//!     cents: u64,
//! }
//!
//! #[derive(Debug, PartialEq)]
//! enum Receipt {
//!     Captured,
//!     Queued,
//! }
//!
//! #[derive(Debug)]
//! enum CaptureError {
//!     Provider(String),
//!     QueueFull,
//! }
//!
//! // At most 1,000 orders wait. `get` finds the circuit before the first call.
//! static LATER: LazyLock<RetryQueue<Order>> = LazyLock::new(|| {
//!     let breaker = Registry::global().get("capture").expect("`capture` is annotated");
//!     RetryQueue::in_memory(&breaker, 1000)
//! });
//!
//! #[circuit_breaker(name = "capture", fallback = async |_| later(order).await)]
//! async fn capture(order: &Order) -> Result<Receipt, CaptureError> {
//!     capture_now(order).await?;
//!     Ok(Receipt::Captured)
//! }
//!
//! async fn later(order: &Order) -> Result<Receipt, CaptureError> {
//!     LATER.push(order.clone()).await.map_err(|_| CaptureError::QueueFull)?;
//!     Ok(Receipt::Queued)
//! }
//!
//! async fn capture_now(order: &Order) -> Result<(), CaptureError> {
//!     // the real call
//! #   Ok(())
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! // In main: delivers at most ten orders per second, whenever the circuit admits calls.
//! let drain = tokio::spawn(
//!     LATER
//!         .drain(|order| async move { capture_now(&order).await.map_err(|error| format!("{error:?}")) })
//!         .run(),
//! );
//!
//! let circuit = Registry::global().get("capture").unwrap();
//! circuit.force_open();
//! assert_eq!(capture(&Order { id: 1, cents: 995 }).await.unwrap(), Receipt::Queued);
//! assert_eq!(circuit.snapshot().queue.unwrap().length, 1);
//!
//! // At the end of main, after the last call:
//! LATER.close();
//! drain.await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! In a sync function, the fallback calls [`push_blocking`](RetryQueue::push_blocking): `fallback = |_| later(order)`.
//!
//! A call that fails before the circuit opens returns its error. To queue it as well, add `fallback_on = failure`, and
//! select with `failure_if` only errors after which the call can still succeed.
//!
//! # What the drain does
//!
//! * It delivers items in the order in which they were added, one at a time, and starts at most one delivery per
//!   [interval](Drain::interval). Only items keep their order: a call that the circuit admits is made at once, before
//!   the items that wait.
//! * Each delivery is a call of the circuit: a failed one counts, and a half-open circuit may use it as its trial call.
//!   So a circuit without other traffic recovers. While the circuit is open, the drain waits for the next trial call or
//!   a change of the state. Meanwhile it runs code only to look for new settings, once per longest
//!   [pause](Drain::pause).
//! * A failed delivery is repeated after a [pause](Drain::pause), before any other item. The handler returns
//!   [`Delivery::Discard`] for an item that can never succeed, so that it does not block the others.
//!
//! # No item is lost
//!
//! | event | effect |
//! |---|---|
//! | the queue is full or closed, or its store fails | [`push`](RetryQueue::push) returns the item and the reason; [`push_or_replace`](RetryQueue::push_or_replace) returns the oldest items instead |
//! | the store fails during a drain | the error is [reported](Drain::on_store_error), and the drain tries again after a pause |
//! | the drain is dropped, or its handler panics | the item stays at the front; the next drain goes on |
//! | the process ends | items in memory are lost, unless [`take_items`](RetryQueue::take_items) saves them; those in a [store](QueueStore) remain |
//! | the process ends, or `call_timeout` stops the delivery, after the service has executed a call and before its item is removed | the item is **delivered again**; send an idempotency key with it, such as the number of the order, so that the service executes it once |
//! | `call_timeout` stops a call, whose fallback queues it | the service may have executed it: the same key avoids that it does so twice |
//! | a future of the queue is neither polled nor dropped, for example forgotten with `mem::forget` | it counts as running, like that of a slow store: no drain delivers the item that such a [`push_or_replace`](RetryQueue::push_or_replace) was removing, and no drain starts after such a [`Drain::run`]. The items stay in the store. Drop futures that are not needed |
//! | two processes drain one store | each item may be delivered by both: let one process drain it, or give each process a store of its own |
//!
//! A queue belongs to one circuit for as long as it exists. If the circuit of a key is removed or evicted, the queue
//! keeps it, and delivers its items once this circuit admits calls; see
//! [`KeyedBreaker::remove`](crate::KeyedBreaker::remove).
//!
//! The items are figures of the circuit: [`Snapshot::queue`](crate::Snapshot::queue), the metrics
//! `circuit_breaker_queue_length`, `circuit_breaker_queue_capacity` and `circuit_breaker_queue_items_total`, and the
//! dashboard show them.
//!
//! # Tests
//!
//! A queue in a `static` belongs to the circuit of the test that uses it first, and keeps its items for the next test.
//! With the scopes of the feature `test-util`, each test needs a queue of its own: the code gets it as an argument or
//! has it in a field, and the test creates it in the scope, with the circuit of the scope.
//!
//! | file | contents |
//! |---|---|
//! | `push_error.rs` | the error that returns an item that was not queued |
//! | `store.rs` | the trait of a store |
//! | `in_memory.rs` | the store in memory |
//! | `delivery.rs` | the result of one delivery |
//! | `meter.rs` | the figures of one queue |
//! | `claims.rs` | the items that are being delivered or evicted |
//! | `eviction.rs` | the removal of the oldest item for a newer one |
//! | `backoff.rs` | the pauses after failures |
//! | `pace.rs` | when the next delivery may start |
//! | `retry_queue.rs` | the queue |
//! | `drain.rs` | the task that delivers the items |

mod push_error;
mod store;
mod in_memory;
mod delivery;
mod meter;
mod claims;
mod eviction;
mod backoff;
mod pace;
mod retry_queue;
mod drain;

pub use self::delivery::Delivery;
pub use self::drain::Drain;
pub use self::in_memory::InMemory;
pub use self::push_error::{PushError, PushErrorKind};
pub use self::retry_queue::RetryQueue;
pub use self::store::{QueueStore, QueuedItem};
