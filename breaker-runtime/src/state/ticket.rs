//! The word of an admitted call.

use std::time::Duration;

use super::record::TrialCall;
use super::word::Word;

/// The word of an admitted call: state and generation and, for a trial call, its slot. The word of a call on
/// the fast path is the shared word without the run of failures and the recording bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(pub(super) Word);

impl Ticket {
    /// The ticket of a call that shadow mode admits although the circuit rejects it. Its result has no
    /// effect: the ticket belongs to no state, and to the first generation, which rejects no call.
    pub(crate) const SHADOW: Self = Self(Word::SHADOW_CALL);

    #[inline]
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(Word::from_bits(bits))
    }

    #[inline]
    pub(crate) const fn bits(self) -> u64 {
        self.0.bits()
    }

    /// Returns the trial call that this ticket belongs to, if it is one.
    #[inline]
    pub(crate) fn trial(self) -> Option<TrialCall> {
        self.0.slot().map(|slot| TrialCall { generation: self.generation(), slot, ran: Duration::ZERO })
    }

    /// Returns `true` if limits and timing apply to the call. They do not apply to a call that was admitted
    /// on the fast path, which releases no slot, to a call of a disabled circuit, or to a call that only
    /// shadow mode admitted.
    pub(crate) fn is_tracked(self) -> bool {
        self.0.is_tracked_call() || self.is_nested() || self.trial().is_some()
    }

    /// Returns `true` if a closed circuit that tracks its calls admitted the call without checks.
    #[inline]
    pub(crate) const fn is_plainly_tracked(self) -> bool {
        self.0.is_plainly_tracked_call()
    }

    /// Returns `true` if the circuit rejects the call and has waived the rejection.
    pub(crate) const fn is_waived(self) -> bool {
        self.0.is_waived_call()
    }

    /// Returns `true` if a closed circuit admitted the call after its checks.
    pub(crate) const fn is_checked(self) -> bool {
        self.0.is_checked_call()
    }

    /// Returns the ticket of this checked call, with its entry among the watched calls.
    pub(crate) fn with_entry(self, entry: u32) -> Self {
        Self(self.0.with_entry(entry))
    }

    /// Returns the ticket of this checked call without an entry among the watched calls.
    pub(crate) fn without_entry(self) -> Self {
        Self(self.0.without_run())
    }

    /// Returns the entry of the call among the watched calls, if it has one.
    pub(crate) fn entry(self) -> Option<u32> {
        self.0.entry()
    }

    /// Returns `true` if only shadow mode admitted the call.
    pub(crate) fn is_shadow(self) -> bool {
        self == Self::SHADOW
    }

    /// Returns `true` if this is a call inside a trial call.
    pub(crate) const fn is_nested(self) -> bool {
        self.0.is_nested_call()
    }

    /// Returns the ticket of a call inside this trial call.
    pub(crate) const fn nested(self) -> Self {
        Self(self.0.nested_call())
    }

    #[inline]
    pub(crate) const fn generation(self) -> u64 {
        self.0.generation()
    }
}
