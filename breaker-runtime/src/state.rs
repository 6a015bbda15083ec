//! The machine: five states, one table of transitions, one atomic word.
//!
//! | file | |
//! |---|---|
//! | `transition.rs` | the pure table: `next(State, Cause) -> Option<State>` |
//! | `recovery.rs` | the settings that the machine obeys |
//! | `leases.rs` | the places of the trials, and until when each is taken |
//! | `history.rs` | the changes so far, counted, and those that listeners are still to be told |
//! | `record.rs` | the plain machine: state, trials and leases, deadlines; no threads, no clock |
//! | `word.rs` | a state, a generation and a run of failures, packed into 64 bits |
//! | `machine.rs` | the record behind a lock, and the word that callers read without it |
//!
//! It decides in the record, remembers in the word, and does not know what counts as a failure, who
//! is told, or which rule opened it.
//!
//! # Proof of the word
//!
//! [`machine::Machine`] has a lock around the [`record::Record`] and two atomics, `word` and `until`.
//!
//! 1. **Who writes.** Generation bits of `word`, and all of `until`, are written only under the lock, by
//!    `publish`. While the word says Closed, its run of failures and what it keeps are changed by
//!    compare-and-swap (`swap_closed`), within the one generation.
//! 2. **Admission, closed.** One acquire load that says Closed or Disabled admits. It is the moment
//!    at which the call is admitted; no other memory is needed. A circuit that is *watched*, because it
//!    keeps a clock or a bulkhead, has another number for Closed, so its calls take the longer way and a
//!    plain circuit never asks. Calls that were let through before keep their word and their generation.
//! 3. **Settling, closed.** A success that reads the very word that its call was given, which is its own
//!    generation with no failures in it, has nothing to write; otherwise it swaps the run to zero, and a
//!    failure swaps it one up. A swap succeeds only while the word is Closed and of the generation of the
//!    permit: a result of an older generation changes nothing. The words of trials and of watched calls
//!    equal no shared one, so neither takes this way out.
//! 4. **Opening.** The failure whose swap completes the rule takes the lock and trips *its own*
//!    generation: the first one changes the state, the others find another generation and do nothing.
//! 5. **Rejection without the lock.** `publish` swaps `word` to Busy (relaxed), writes `until`
//!    (release), then `word` (release). A reader loads `word` (acquire), `until` (acquire), and `word`
//!    again. If it saw a new `until`, it also sees Busy or later in the second load; if it saw a new
//!    word, it sees that word's `until`. Two equal loads that are not Busy thus bracket a moment at
//!    which both were current, and a rejection is decided at that moment. Everything else (Busy, due,
//!    a trial place that may be free) is decided under the lock.
//! 6. **No ABA.** Generations only grow: 36 bits, 68 thousand million changes of state during one
//!    call before one could be mistaken for another. Within HalfOpen a word may come back with another
//!    `until`. The circuit then had no free place at either load, and no lease had run out before the
//!    second one, for whoever took the lock would have noticed and begun another generation: the
//!    rejection was right at the first load.
//! 7. **A window at rest.** In a circuit with a window the word has one bit more than those of its calls, so
//!    a success does not take the way out of 3 but enters the window. Once one success more would change
//!    nothing there, the bit is cleared (`rest_window`), under the window's lock, which everything takes that
//!    enters the window and is no success; and whatever entered it under that lock sets the bit
//!    (`enter_window`) before its call has ended. So of the two the setting comes last, or what is found
//!    under the lock is not at rest. A success that reads the cleared bit was beside that call, and counts as
//!    having come before it; one that began after that call ended reads the bit.

mod history;
mod leases;
pub(crate) mod machine;
mod record;
mod recovery;
mod transition;
mod word;

pub use history::TransitionCounts;
pub(crate) use record::{Observation, Trial};
pub(crate) use recovery::{Factor, Recovery, Share};
pub(crate) use transition::Details;
pub use transition::{Cause, State, Transition};
pub(crate) use word::{Keeps, MAX_PLACES, MAX_RUN};
