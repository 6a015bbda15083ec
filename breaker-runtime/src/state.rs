//! The state machine of a circuit: five states, one table of transitions, one atomic word.
//!
//! | file | contents |
//! |---|---|
//! | `transition.rs` | the pure table: `next(State, Cause) -> Option<State>` |
//! | `recovery.rs` | the settings of the recovery |
//! | `ramp.rs` | the share of calls that a circuit admits while it closes gradually |
//! | `trial_slots.rs` | the slots of trial calls, and the end of each lease |
//! | `history.rs` | the counts of past transitions, the last one, and the time open |
//! | `backlog.rs` | the transitions that listeners must still be notified of |
//! | `progress.rs` | the recovery and the history of a circuit that has changed its state |
//! | `record.rs` | the state machine of one thread, without a clock |
//! | `adoption.rs` | the decisions of a fleet of processes, and how the record follows them |
//! | `word.rs` | state, run of failures and generation, packed into 64 bits |
//! | `ticket.rs` | the word of an admitted call |
//! | `machine.rs` | the record behind a lock, and the word that callers read without it |
//!
//! The record decides, the word publishes the decision. Neither knows which results are failures, which
//! listeners exist, or which rule opened the circuit.
//!
//! # Proof of the word
//!
//! [`machine::Machine`] has a lock around the [`record::Record`] and two atomics, `word` and `until`.
//!
//! 1. **Writers.** The generation bits of `word`, and all of `until`, are written only under the lock, by
//!    `publish`. While the word is Closed, its run of failures and its recording bit are changed by
//!    compare-and-swap (`swap_closed`), within one generation.
//! 2. **Admission while closed.** One acquire load that reads Closed or Disabled admits the call, at the
//!    moment of that load; no other memory is read. A circuit that *tracks* its calls (`max_concurrent`,
//!    `call_timeout` or recorded durations) encodes Closed differently, so its calls leave the fast path, and
//!    calls of other circuits need no check. Calls admitted before the encoding changed keep their ticket. A call that
//!    has waited for a bulkhead slot is admitted again when it gets the slot: by one such load while the circuit is
//!    closed, and otherwise under the lock, where expired leases are handled first. While it waits, each change of the
//!    generation wakes it after `publish`, and it is admitted again or rejected.
//! 3. **Settlement while closed.** A success that reads exactly the word of its own ticket (its own
//!    generation, no failures) has no effect. Otherwise it swaps the run to zero; a failure increments the
//!    run. A swap succeeds only while the word is Closed and of the ticket's generation, so a result of an
//!    older generation changes nothing. The tickets of trial calls and of tracked calls equal no shared word,
//!    so neither ends early.
//! 4. **Opening.** The failure whose swap reaches the threshold takes the lock and trips *its own*
//!    generation. The first such failure changes the state; the others find another generation and do nothing.
//! 5. **Rejection without the lock.** `publish` swaps `word` to `BUSY` (relaxed), writes `until` (release),
//!    then `word` (release). A reader loads `word` (acquire), `until` (acquire), and `word` again. If it saw
//!    a new `until`, it also sees `BUSY` or something later in the second load; if it saw a new word, it sees
//!    the `until` of that word. Two equal loads that are not `BUSY` therefore bracket a moment at which both
//!    values were current, and a rejection is decided at that moment. A call that sees an open circuit reads the time
//!    before `until`, and is rejected here only if that is further away than the coarse clock lags. Everything else
//!    (`BUSY`, a due circuit, a trial slot that may be free) is decided under the lock.
//! 6. **No ABA.** Generations only grow: with 36 bits, 68 billion changes of state would have to happen
//!    during one call before one generation could be mistaken for another. Within HalfOpen a word may recur
//!    with another `until`. The circuit then had no free slot at either load, and no lease had ended before
//!    the second one, because the thread that held the lock would have begun another generation. Therefore
//!    the rejection was correct at the first load.
//! 7. **The recording bit** of a circuit with a window is proven in `breaker/saturation.rs`.
//! 8. **Checks.** While a closed circuit ramps or watches its calls, its encoding sends every call through the checks
//!    of `breaker/checks.rs`. Such a word may keep its value while `until`, the end of the ramp, changes: a reader uses
//!    one of the two ends, each of which was current during its read. The word loses this encoding under the lock, by
//!    a compare-and-swap that keeps the run, so no concurrent failure is lost. The tickets of checked calls equal no
//!    shared word, so they settle as those of tracked calls do, before and after that swap.
//! 9. **Holds.** The fleet moves the end of an open state under the lock. The word stays, and `until` changes by one
//!    release store. A reader that loads the word of this generation twice has loaded one of the ends of this
//!    generation in between, as in 5, and decides at the moment of that load.
//! 10. **Taps.** A circuit tracks its calls while it has taps. Each change of the taps is followed by a change of the
//!     encoding under the lock, where it is decided by the taps that exist then, so the last change prevails. As in 8,
//!     the encoding is lowered by a compare-and-swap that keeps the run, and the tickets of tracked calls equal no
//!     shared word. A ticket from before the taps equals the word again only if the run is zero. The lowered word of a
//!     circuit that has had a window has the recording bit, and settings that need tracked calls have raised the level
//!     for good.

mod adoption;
mod backlog;
mod history;
pub(crate) mod machine;
mod progress;
mod ramp;
mod record;
mod recovery;
mod ticket;
mod transition;
mod trial_slots;
mod word;

#[allow(unused_imports, reason = "only the feature `redis` and the tests of it make decisions")]
pub(crate) use adoption::Adoption;
pub(crate) use backlog::{DatedTransition, Notification};
pub use history::TransitionCounts;
pub use ramp::Ramp;
pub(crate) use record::{HungCall, Observation, Opening, TrialCall};
pub(crate) use recovery::{Factor, Recovery, Share};
pub(crate) use transition::Details;
pub use transition::{Cause, State, Transition};
pub(crate) use word::{MAX_RUN, MAX_TRIALS, Tracking, is_later_generation};
