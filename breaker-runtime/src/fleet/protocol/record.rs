//! The shared state of one circuit.

use std::fmt;
use std::sync::Arc;

use super::instance::InstanceId;
use super::text::{FieldReader, encode, join};

/// The format of a record that this version reads and writes.
const FORMAT: &str = "1";

/// A record with such a number is refused, because the store computes exactly below 2^52 only. The script counts up to
/// the number before, so that it writes no record that is refused.
const MAX_NUMBER: u64 = 1 << 52;
const MAX_ROUNDS: u32 = 1 << 31;

/// The longest name and reason of an operator, in bytes. Longer ones, which another program has written, are cut.
pub(crate) const MAX_COMMAND_TEXT: usize = 256;

/// The longest reason why a circuit opened, in bytes. A longer one is cut.
const MAX_REASON: usize = 2048;

/// The field of a record without a command.
const NO_COMMAND: &str = "-";

/// The shared state of one circuit. All times are milliseconds of the store's clock.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SharedRecord {
    pub state: RecordState,
    /// Grows with every change of state and is never used again.
    pub epoch: u64,
    /// Grows with every change of any record of the namespace.
    pub version: u64,
    /// The time from which an open circuit grants a lease for trial calls.
    pub due: u64,
    /// Number of rounds of trial calls that failed since the circuit was last closed.
    pub rounds: u32,
    /// The fencing token of the last lease. It grows with every lease.
    pub token: u64,
    pub lease: Option<ProbeLease>,
    /// The command of an operator, which takes precedence over the state.
    pub command: Option<Command>,
    /// The operator who gave the last command, which may have ended.
    pub by: Arc<str>,
    /// The reason of the last command.
    pub why: Arc<str>,
    /// The epoch that an operator began who closed the circuit; 0 if there is none, or if there is a command. It is
    /// stored in the place of the end of a command.
    pub closing: u64,
    /// The reason why the circuit opened.
    pub reason: Arc<str>,
    /// The processes that reported that the dependency fails.
    pub votes: Vec<InstanceId>,
    /// The processes that reported that the dependency works although the circuit is open.
    pub dissents: Vec<InstanceId>,
}

/// The state of a shared circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordState {
    Closed,
    Open,
}

/// The permission of one process to run trial calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProbeLease {
    pub owner: InstanceId,
    pub expires: u64,
}

/// A command of an operator to all processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Command {
    pub kind: CommandKind,
    /// The end of the command; 0 if it has none.
    pub until: u64,
}

/// The effect of a command as long as it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommandKind {
    /// All calls are rejected.
    Open,
    /// All calls are admitted.
    Disabled,
}

impl SharedRecord {
    /// Returns the record of a circuit that has never tripped.
    #[must_use]
    pub fn closed() -> Self {
        Self {
            state: RecordState::Closed,
            epoch: 0,
            version: 0,
            due: 0,
            rounds: 0,
            token: 0,
            lease: None,
            command: None,
            by: Arc::from(""),
            why: Arc::from(""),
            closing: 0,
            reason: Arc::from(""),
            votes: Vec::new(),
            dissents: Vec::new(),
        }
    }

    /// Reads a record. Returns `None` if the text is none, or has a format of another version.
    #[must_use]
    pub fn read(line: &str) -> Option<Self> {
        let mut fields = FieldReader::new(line);
        if fields.raw()? != FORMAT {
            return None;
        }
        let state = RecordState::read(fields.raw()?)?;
        let (epoch, version, due) = (fields.number()?, fields.number()?, fields.number()?);
        let (rounds, token) = (fields.number()?, fields.number()?);
        let (owner, expires): (Arc<str>, u64) = (fields.text()?, fields.number()?);
        let lease = (!owner.is_empty()).then(|| ProbeLease { owner: InstanceId::from_text(owner), expires });
        let kind = match fields.raw()? {
            NO_COMMAND => None,
            label => Some(CommandKind::read(label)?),
        };
        let until: u64 = fields.number()?;
        let (by, why) = (fields.start_of_text(MAX_COMMAND_TEXT)?, fields.start_of_text(MAX_COMMAND_TEXT)?);
        let command = kind.map(|kind| Command { kind, until });
        let closing = if command.is_none() { until } else { 0 };
        let reason = fields.start_of_text(MAX_REASON)?;
        let instances = |texts: Vec<_>| texts.into_iter().map(InstanceId::from_text).collect();
        let (votes, dissents) = (instances(fields.texts()?), instances(fields.texts()?));
        fields.end()?;
        let are_small =
            [epoch, version, due, token, expires, until].iter().all(|&number| number < MAX_NUMBER);
        if !are_small || rounds >= MAX_ROUNDS {
            return None;
        }
        Some(Self {
            state,
            epoch,
            version,
            due,
            rounds,
            token,
            lease,
            command,
            by,
            why,
            closing,
            reason,
            votes,
            dissents,
        })
    }

    /// Returns `true` if this record replaces `known`.
    #[must_use]
    pub fn is_newer_than(&self, known: &Self) -> bool {
        (self.epoch, self.version) > (known.epoch, known.version)
    }

    /// Returns the command that applies at this time of the store.
    #[must_use]
    pub fn command_at(&self, now: u64) -> Option<&Command> {
        self.command.as_ref().filter(|command| command.until == 0 || now < command.until)
    }

    /// Returns `true` if the circuit is open, or has a command that applies at this time of the store.
    #[must_use]
    pub fn is_in_force(&self, now: u64) -> bool {
        self.state == RecordState::Open || self.command_at(now).is_some()
    }

    /// Returns `true` if it was an operator who closed the circuit.
    #[must_use]
    pub fn is_closed_by_operator(&self) -> bool {
        let is_closed = self.state == RecordState::Closed && self.command.is_none();
        is_closed && self.closing != 0 && self.closing == self.epoch
    }

    /// Returns the lease that has not ended at this time of the store.
    #[must_use]
    pub fn lease_at(&self, now: u64) -> Option<&ProbeLease> {
        self.lease.as_ref().filter(|lease| now < lease.expires)
    }
}

impl fmt::Display for SharedRecord {
    /// Writes the record as it is stored.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (owner, expires) =
            self.lease.as_ref().map_or(("", 0), |lease| (lease.owner.as_str(), lease.expires));
        write!(out, "{FORMAT} {} {} {}", self.state.label(), self.epoch, self.version)?;
        write!(out, " {} {} {}", self.due, self.rounds, self.token)?;
        write!(out, " {} {expires}", encode(owner))?;
        let (kind, until) =
            self.command.map_or((NO_COMMAND, self.closing), |Command { kind, until }| (kind.label(), until));
        write!(out, " {kind} {until} {} {}", encode(&self.by), encode(&self.why))?;
        let instances = |list: &[InstanceId]| join(list.iter().map(InstanceId::as_str));
        write!(out, " {} {} {}", encode(&self.reason), instances(&self.votes), instances(&self.dissents))
    }
}

impl RecordState {
    fn read(field: &str) -> Option<Self> {
        [Self::Closed, Self::Open].into_iter().find(|state| state.label() == field)
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Closed => "c",
            Self::Open => "o",
        }
    }
}

impl CommandKind {
    fn read(field: &str) -> Option<Self> {
        [Self::Open, Self::Disabled].into_iter().find(|kind| kind.label() == field)
    }

    /// Returns the name of the kind, as it is stored.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Disabled => "disabled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy() -> SharedRecord {
        SharedRecord {
            state: RecordState::Open,
            epoch: 5,
            version: MAX_NUMBER - 1,
            due: 7,
            rounds: 2,
            token: 9,
            lease: Some(ProbeLease { owner: InstanceId::new("pod 1", 7), expires: 11 }),
            command: Some(Command { kind: CommandKind::Disabled, until: 12 }),
            by: Arc::from("ada"),
            why: Arc::from("a, b\nc"),
            closing: 0,
            reason: Arc::from("5 of 10 calls failed"),
            votes: vec![InstanceId::new("a,b", 1), InstanceId::new("c", 2)],
            dissents: vec![InstanceId::new("-", 3)],
        }
    }

    #[test]
    fn every_record_is_read_as_it_was_written() {
        let closed = SharedRecord { state: RecordState::Closed, command: None, closing: 5, ..busy() };
        assert!(closed.is_closed_by_operator());
        for record in [SharedRecord::closed(), busy(), closed] {
            assert_eq!(SharedRecord::read(&record.to_string()), Some(record));
        }
    }

    #[test]
    fn a_record_of_the_version_before_names_no_operator_after_a_command() {
        let record = SharedRecord::read("1 c 5 6 0 0 0 - 0 - 0 - - - - -").unwrap();
        assert_eq!(record, SharedRecord { epoch: 5, version: 6, ..SharedRecord::closed() });
        assert!(!record.is_closed_by_operator());
        let record = SharedRecord::read("1 c 5 6 0 0 0 - 0 open 9 ada test - - -").unwrap();
        assert_eq!((&*record.by, &*record.why, record.closing), ("ada", "test", 0));
    }

    #[test]
    fn no_damaged_record_is_read() {
        let line = busy().to_string();
        for end in 0..line.len() {
            let cut = &line[..end];
            // Cutting the last field yields a shorter, but valid list.
            assert!(SharedRecord::read(cut).is_none_or(|read| read.dissents != busy().dissents), "{cut}");
        }
        for broken in ["", "2 c 0 0 0 0 0 - 0 - 0 - - - - -", "1 x 0 0 0 0 0 - 0 - 0 - - - - -"] {
            assert_eq!(SharedRecord::read(broken), None, "{broken}");
        }
        assert_eq!(SharedRecord::read("1 c -1 0 0 0 0 - 0 - 0 - - - - -"), None);
        assert_eq!(SharedRecord::read(&format!("{line} x")), None);
    }

    #[test]
    fn long_texts_of_another_program_are_cut() {
        let [long, longer] = [MAX_COMMAND_TEXT + 1, MAX_REASON + 1].map(|length| "x".repeat(length));
        let line = format!("1 o 1 1 1 1 1 - 0 open 0 {long} {long} {longer} - -");
        let record = SharedRecord::read(&line).unwrap();
        assert_eq!([record.by.len(), record.why.len(), record.reason.len()], [256, 256, 2048]);
    }

    #[test]
    fn a_record_with_a_number_that_the_store_cannot_count_is_refused() {
        let huge = MAX_NUMBER.to_string();
        for field in ["epoch", "version", "due", "rounds", "token", "expires", "until"] {
            let number = |name| if name == field { huge.as_str() } else { "7" };
            let line = format!(
                "1 o {} {} {} {} {} a:1 {} open {} - - - - -",
                number("epoch"),
                number("version"),
                number("due"),
                number("rounds"),
                number("token"),
                number("expires"),
                number("until"),
            );
            assert_eq!(SharedRecord::read(&line), None, "{line}");
        }
    }
}
