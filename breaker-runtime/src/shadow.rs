//! Candidates: other settings that run beside those of a circuit, on its live calls (feature `shadow`).
//!
//! A candidate is a circuit of its own, with the state machine of the live one. Each call that the live circuit admits
//! is played through it when the call ends, and the candidate counts what it would have rejected. It affects no call.
//! When the report is convincing, one command promotes the candidate: its settings become those of the live circuit.
//!
//! ```
//! use breaker_runtime::{Config, Outcome, Registry, State};
//!
//! let registry = Registry::new();
//! let payment = registry.register("payment", Config::builder().failure_threshold(5).build()?)?;
//! let strict = registry.shadow("payment", "strict", Config::builder().failure_threshold(2))?;
//!
//! for _ in 0..4 {
//!     payment.try_acquire()?.settle(Outcome::Failure);
//! }
//! let report = strict.report();
//! assert_eq!((report.live.state, report.live.opened), (State::Closed, 0));
//! assert_eq!((report.shadow.state, report.shadow.opened), (State::Open, 1)); // after the second failure
//! assert_eq!(report.spared_failures, 2); // it would have rejected the last two calls
//!
//! strict.promote("alice")?;
//! assert_eq!(payment.config().failure_threshold(), Some(2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a candidate can know
//!
//! * It decides about a call when the call ends, because only then the outcome is known. So its decisions are late by
//!   the duration of the calls, and it never sees calls that overlap: `max_concurrent`, `max_wait` and `hang` have no
//!   effect in it.
//! * A call that took at least its `call_timeout` is a timeout for it, if the live circuit could have stopped that call
//!   as well: a service for tower, or an async call that was pending. For a stream and a response body, that is the time
//!   until the call has returned it. It does not stop the call, so the call is no shorter.
//! * `cancelled_after` is compared with the time that the live circuit measures, although some settings of the candidate,
//!   such as `slow_call`, would measure it from admission.
//! * A trial call of the candidate that took longer than its `half_open_timeout` opens its circuit again when the call
//!   ends, and a success among them extends the next lease, as in the live circuit. The lease of a stream or a response
//!   body includes the time in which its consumer handles what it has received.
//! * It does not know how long a failure has asked its callers to wait, such as `retry_after` and
//!   [`fail_with_retry_after`](crate::Permit::fail_with_retry_after): its circuit stays open for its recovery timeout.
//! * It plays each call of its own. A call inside a trial call decides nothing in the live circuit, but may be a trial
//!   call of the candidate, or count in its window.
//! * Calls that the live circuit rejects are never made, so their outcome is unknown. They are counted as
//!   [`unseen`](CandidateReport::unseen) and are not played. A candidate with a higher threshold than the live circuit
//!   therefore learns little while the live circuit is open; run the live circuit in
//!   [shadow mode](crate::Mode::Shadow) to see all calls.
//! * Calls of a disabled circuit, and calls that began before the candidate, are not played. Calls that an open circuit
//!   admits because of [`max_open`](crate::ConfigBuilder::max_open) are made, so they are played.
//! * With keys, each circuit has a circuit of the candidate, which is dropped with it. The totals are kept. Settings that
//!   a key had of its own when the candidate started apply to its circuit, unless they contradict those of the candidate;
//!   later changes of the live settings do not.
//! * `max_open`, `shared`, `adopt` and `mode` have no effect in a candidate: it is always alone and enforcing.
//!
//! # Costs
//!
//! While a circuit has a candidate, its calls leave the fast path and are timed. The end of a call costs a further call
//! of the state machine, and locks that are held for its duration. When the last candidate has ended, calls return to
//! the fast path. Without the feature or without a candidate, a call costs nothing more. The page
//! [performance](crate::docs::performance) has the numbers.
//!
//! | file | contents |
//! |---|---|
//! | `error.rs` | why a candidate is refused |
//! | `tally.rs` | the counts of a candidate |
//! | `report.rs` | the comparison as plain data |
//! | `played_circuit.rs` | the circuit of a candidate beside one live circuit |
//! | `candidate_taps.rs` | the circuits of a candidate beside all circuits of a breaker |
//! | `running.rs` | the candidates that run in a registry |
//! | `candidate.rs` | the handle of a candidate |
//!
//! A file imports only from files above it in this table.

mod candidate;
mod candidate_taps;
mod error;
mod played_circuit;
mod report;
mod running;
mod tally;

pub use self::candidate::Candidate;
pub use self::error::ShadowError;
pub use self::report::{CandidateReport, SettingComparison, ShadowSide};
#[allow(unused_imports, reason = "only the integration `axum` finds candidates by name")]
pub(crate) use self::running::{promote, reports};
