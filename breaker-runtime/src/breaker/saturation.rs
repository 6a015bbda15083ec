//! Lets successes skip a window that they would not change.
//!
//! A window is *saturated* when another success would not change it: a count-based window that is full of successes, or
//! no window at all. Recording successes there would take time without effect. Therefore the word of the machine has a
//! recording bit, which the tickets of calls do not have:
//!
//! * While the bit is set, the word differs from the ticket of every success, so each success is recorded in
//!   the window.
//! * While it is clear, a success ends at [`Circuit::record_success`] and does not access the window. The success of a
//!   tracked call ends after its slot was released, if the word is that of the generation of its ticket and has neither
//!   the bit nor a run ([`Machine::is_clean_for`](crate::state::machine::Machine::is_clean_for)).
//!
//! Proof. The bit is cleared under the lock of the window, after saturation has been checked there
//! ([`Circuit::record_success_in_window`]). Every failure, every slow call and every change of the span
//! enters the window under the same lock, and sets the bit (`resume_recording`) before its call or command
//! ends. Therefore either the bit is set after it was cleared, or the check finds a window that is not
//! saturated. A success that reads the cleared bit ran concurrently with that other call, and counts as
//! having ended before it; a success that begins after that call ended reads the set bit.
//!
//! The bit affects only the window. It belongs to one closed generation; a new generation of a circuit with a
//! window begins with it set.

use super::circuit::Circuit;
use super::options::CircuitOptions;
use crate::state::machine::Ticket;

impl Circuit {
    /// Records a success in the window. Once the window is saturated, later successes skip it.
    #[inline(never)]
    pub(super) fn record_success_in_window(&self, ticket: Ticket, options: &CircuitOptions) {
        let generation = ticket.generation();
        if options.record_success(generation, &self.clock) {
            options.if_saturated(generation, || self.machine.clear_recording(generation));
        }
    }

    /// Makes later successes enter the window again, after its contents or its span has changed.
    pub(super) fn resume_recording(&self, options: &CircuitOptions, generation: u64) {
        if options.has_window() {
            self.machine.set_recording(generation);
        }
    }
}
