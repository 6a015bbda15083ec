//! The decision about a call that the fast path has not admitted, packed into two words.
//!
//! A function returns two words in registers. Three words, as in the `Result` of an admission, would be returned in
//! memory, and every annotated function would reserve it in its stack frame.

use super::admission::{Admission, Call};
use super::stamp::Stamp;
use crate::error::ErrorKind;
use crate::state::machine::Ticket;

/// The admission or the rejection of a call, or neither if it is not decided yet.
///
/// ```text
///  127 .... 64   63 .............................. 0
///  stamp         ticket, or the kind of the rejection
/// ```
///
/// It is one integer and not two fields, because the compiler then turns a call at the end of a function into a jump.
/// The stamp of a rejected call is [`Stamp::ENDED`].
#[derive(Clone, Copy, Debug)]
#[must_use = "an admission that is not settled is never recorded"]
pub(super) struct Decision(u128);

/// The ticket and the stamp of a call that is admitted, or that is undecided and has [`Stamp::UNDECIDED`].
pub(super) type TicketAndStamp = (Ticket, Stamp);

impl Decision {
    pub(super) const UNDECIDED: Self = Self::admitted(Ticket::SHADOW, Stamp::UNDECIDED);

    #[inline]
    pub(super) const fn admitted(ticket: Ticket, stamp: Stamp) -> Self {
        Self::pack(ticket.bits(), stamp)
    }

    #[inline]
    pub(super) const fn rejected(kind: ErrorKind) -> Self {
        Self::pack(kind.index(), Stamp::ENDED)
    }

    /// Returns the ticket and the stamp, or the kind of the rejection.
    #[inline]
    pub(super) const fn into_result(self) -> Result<TicketAndStamp, ErrorKind> {
        // The shifts leave 64 bits.
        let word = (self.0 << u64::BITS >> u64::BITS) as u64;
        let stamp = Stamp::from_bits((self.0 >> u64::BITS) as u64);
        if stamp.is_ended() { Err(ErrorKind::from_index(word)) } else { Ok((Ticket::from_bits(word), stamp)) }
    }

    #[inline]
    const fn pack(word: u64, stamp: Stamp) -> Self {
        Self((stamp.bits() as u128) << u64::BITS | word as u128)
    }
}

impl From<Result<Admission<'_>, ErrorKind>> for Decision {
    fn from(admitted: Result<Admission<'_>, ErrorKind>) -> Self {
        match admitted {
            Ok(Admission(Call { ticket, stamp, .. })) => Self::admitted(ticket, stamp),
            Err(kind) => Self::rejected(kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_fits_into_two_registers_and_returns_what_was_packed() {
        assert_eq!(size_of::<Decision>(), 2 * size_of::<u64>());
        let admitted = Decision::admitted(Ticket::SHADOW, Stamp::IN_BULKHEAD);
        assert_eq!(admitted.into_result(), Ok((Ticket::SHADOW, Stamp::IN_BULKHEAD)));
        assert_eq!(Decision::UNDECIDED.into_result(), Ok((Ticket::SHADOW, Stamp::UNDECIDED)));
        for kind in [
            ErrorKind::Open,
            ErrorKind::HalfOpen,
            ErrorKind::Ramping,
            ErrorKind::ForcedOpen,
            ErrorKind::BulkheadFull,
            ErrorKind::Injected,
            ErrorKind::TimedOut,
        ] {
            assert_eq!(Decision::rejected(kind).into_result(), Err(kind));
        }
    }
}
