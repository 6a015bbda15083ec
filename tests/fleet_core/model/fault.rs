//! What can go wrong in the model, and faults of the programs themselves, which the model must find.

/// What happens to an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fate {
    /// The request is executed, and its answer and messages arrive at once.
    Arrives,
    /// The request is lost.
    LosesRequest,
    /// The request is executed, and its answer is lost.
    LosesReply,
    /// The request is executed, and its messages are lost.
    LosesPush,
    /// The process gives the request up. It may be executed later.
    DelaysRequest,
    /// The request is executed, and its answer arrives later.
    DelaysReply,
    /// The request is executed, and its messages arrive later, perhaps twice.
    DelaysPush,
    /// The request is executed twice.
    Doubles,
}

impl Fate {
    pub(crate) const FAULTS: [Self; 7] = [
        Self::LosesRequest,
        Self::LosesReply,
        Self::LosesPush,
        Self::DelaysRequest,
        Self::DelaysReply,
        Self::DelaysPush,
        Self::Doubles,
    ];
}

/// A program with a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mutant {
    None,
    /// The server accepts a verdict with any token.
    NoTokenCheck,
    /// The server ignores the epoch of a report.
    NoEpochCheck,
    /// Processes do not execute commands.
    IgnoredCommands,
}
