//! Recording the calls of a running service as a trace, with which thresholds can be chosen (feature `recorder`).
//!
//! A [`Recorder`] sees every call of one breaker that ends, and every rejection. A [`TraceWriter`] writes them as CSV,
//! which the example `replay` of the repository plays with other settings; the page on
//! [thresholds](crate::docs::thresholds) shows how.
//!
//! ```no_run
//! use breaker_runtime::recorder::{Recorder, Recording};
//! use breaker_runtime::{BreakerError, Registry, circuit_breaker};
//!
//! #[circuit_breaker(name = "payment")]
//! fn charge(cents: u64) -> Result<(), BreakerError> {
//!     Ok(()) // the real call
//! }
//!
//! let Recording { recorder, writer } = Recorder::builder("payment").start(&Registry::global())?;
//! let file = std::fs::File::create("payment.csv")?;
//! let thread = std::thread::spawn(move || writer.run(file));
//! // ... the service runs ...
//! drop(recorder); // stops the recording; the thread writes what is in the buffer, and ends
//! println!("{}", thread.join().expect("the writer does not panic")?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The trace
//!
//! ```text
//! # trace of the circuit breaker "payment": one in 1 of its calls, buffer for 10000 calls
//! # failure_threshold = 5
//! # recovery_timeout = "30s"
//! time,duration,outcome,key
//! 0.2513,0.081,success,"eu"
//! 0.3128,1.5,timeout,"us"
//! # lost here because the buffer was full: 3 calls, 0 rejections
//! 2.004,0,rejected,"us"
//! # end: wrote 2 calls and 1 rejections, lost 3 calls and 0 rejections
//! ```
//!
//! * `time` is the start of the call, and `duration` is how long it took, both in seconds. Times are counted from the
//!   start of the recording. The lines are in the order of the ends of the calls. `time` is computed from the end of the
//!   call and its duration, which different clocks measure, so it may be wrong by a few microseconds for each second of
//!   the duration; which calls are recorded does not depend on it. The duration of a stream or a response body is the
//!   time for which its consumer waited, and that of a cancelled call is the time that the live circuit has compared with
//!   `cancelled_after`, so both can be shorter than the time until the end.
//! * `outcome` is `success`, `failure`, `ignored`, `timeout` for a call that reached `call_timeout`, `cancelled` for a
//!   call that its caller gave up, or `rejected`. Failures that a [drill](crate::ActiveDrill) injects are failures.
//! * `key` is the key of the circuit in quotes, as CSV: a quote in it is doubled, and commas and line breaks are kept.
//!   It is empty for a breaker without keys, and for the circuit of the keys that have none of their own. Keys may be
//!   personal data; they are written as they are.
//! * Lines that begin with `#` are comments: the settings at the start of the recording, where calls were lost, and the
//!   counts at the end. A trace without the last comment is not complete. A program that wants a date in the trace
//!   writes a comment of its own before it calls [`TraceWriter::run`].
//!
//! # What a trace does not contain
//!
//! * A call that the circuit rejects is never made, so its outcome is unknown. It is written as `rejected` with the
//!   duration 0. A replay leaves these lines out and counts them: while the live circuit is open, a trace shows nothing
//!   of the service except for trial calls. Record in [shadow mode](crate::Mode::Shadow), in which all calls are made,
//!   to compare settings that open later than those of the live circuit.
//! * Calls that began before the recording, calls that have not ended when it stops, and calls of a disabled circuit are
//!   not recorded. Calls that an open circuit admits because of [`max_open`](crate::ConfigBuilder::max_open) are made,
//!   so they are recorded.
//! * A call that its caller gives up while it waits for a slot of `max_concurrent` has never begun, so it is not
//!   recorded. It is in [`Totals::ignored`](crate::Totals::ignored).
//! * It does not tell which calls are sync calls, permits, streams or response bodies, which `call_timeout` does not stop
//!   or not until their end, how long a failure has asked its callers to wait (`retry_after`), and which calls ran inside
//!   a trial call. A replay applies `call_timeout` to each call as a whole, ignores `retry_after`, and plays each call of
//!   its own.
//! * With [`one_in`](RecorderBuilder::one_in), a random share of the calls is recorded. A failure rate is the same in
//!   the sample, but runs of failures and numbers of calls are smaller by the share.
//!
//! # Costs
//!
//! A call never waits for the writer. It adds one entry to a bounded buffer; if the buffer is full, the entry is lost
//! and counted. Rejections use at most half of the buffer, so that an open circuit, which rejects calls faster than any
//! service answers them, does not displace calls. While a circuit is recorded, its calls leave the fast path and are
//! timed, as with `slow_call`. After the recording has stopped, calls are no longer timed; the circuit stays at the
//! level of bookkeeping of one with `max_concurrent`. Without the feature or without a recorder, a call costs nothing
//! more.
//!
//! | file | contents |
//! |---|---|
//! | `error.rs` | why a recording is refused or has ended |
//! | `trace_line.rs` | one call as a line of CSV |
//! | `totals.rs` | the numbers of calls that were written and lost |
//! | `tap.rs` | what sees the calls of each circuit and adds them to the buffer |
//! | `session.rs` | a recording from its start to its end |
//! | `writer.rs` | writes the buffer |
//! | `handle.rs` | the handle that stops a recording, and its settings |
//!
//! A file imports only from files above it in this table.

mod error;
mod handle;
mod session;
mod tap;
mod totals;
mod trace_line;
mod writer;

pub use self::error::{RecorderError, TraceError};
pub use self::handle::{Recorder, RecorderBuilder, Recording};
pub use self::totals::TraceTotals;
pub use self::writer::TraceWriter;
