//! Streams of `futures-core`: [`Events`](crate::Events) is one, and [`guard_stream`] protects one with a circuit.
//!
//! | file | contents |
//! |---|---|
//! | `events.rs` | `Events` as a `Stream` |
//! | `items.rs` | the classifiers of items |
//! | `guarded.rs` | a stream that settles its call when it ends |
//! | `returned.rs` | the streams that functions with `settle = stream` return |
//!
//! # The call of a stream
//!
//! A stream that opens and breaks half-way has failed, although the function that opened it returned `Ok`. So the call
//! of a guarded stream ends with the stream:
//!
//! | event | outcome of the call |
//! |---|---|
//! | the stream ends | a success |
//! | an item is an `Err` | a failure; later items pass through |
//! | an item is the error of another circuit breaker | ignored, where the error can be inspected |
//! | polling the stream panics | a failure; the panic continues |
//! | the stream is dropped after an item, before the next one is polled | a success: the service works, and the consumer needs no more |
//! | the stream is dropped before it was polled | that of a cancelled call without a wait: ignored |
//! | the stream is dropped after a pending poll, before the next item | a failure if its consumer has waited for [`cancelled_after`](crate::ConfigBuilder::cancelled_after), otherwise ignored |
//!
//! Until then, the call holds its slots: with [`max_concurrent`](crate::ConfigBuilder::max_concurrent), a bulkhead
//! slot, and as a trial call, a trial slot. A trial call whose stream takes longer than
//! [`half_open_timeout`](crate::ConfigBuilder::half_open_timeout) counts as failed, so that setting must be longer than
//! a healthy stream. A function with `settle = stream` that is called inside another call of the same circuit runs in
//! the slot of that call, and its stream holds no slot, also after the outer call has returned it. `guard_stream`
//! always holds the slots of its permit. Calls of the circuit that the stream makes while it is polled run in its slots;
//! calls that its consumer makes beside it do not.
//!
//! Only waiting counts as time of the call. A wait begins with a poll that is pending, and ends when the stream wakes
//! its consumer, however late the consumer polls again. The time in which the consumer handles an item or does other
//! work, as with `ready_chunks` or `select!`, does not count, so a slow consumer does not open the circuit. If the poll
//! after a wake-up is pending too, the wait for the item goes on. The wake-ups need one allocation for each stream.
//!
//! * [`hang`](crate::ConfigBuilder::hang) limits the wait for each item. A stream that makes progress for minutes does
//!   not hang.
//! * [`slow_call`](crate::ConfigBuilder::slow_call) and [`durations`](crate::ConfigBuilder::durations) measure the time
//!   until the stream was returned, plus all waits for its items. Those of a trial call contain the time of the
//!   consumer.
//! * [`call_timeout`](crate::ConfigBuilder::call_timeout) limits only the time until an annotated function returns the
//!   stream.

mod events;
mod guarded;
mod items;
mod returned;

pub use self::guarded::{GuardedStream, guard_stream};
pub use self::items::{ByResult, ClassifiedBy, DescribedBy, InspectErrors};
#[doc(hidden)]
pub use self::returned::{AnyStream, BoxedStream, guard_boxed, guard_opaque};
