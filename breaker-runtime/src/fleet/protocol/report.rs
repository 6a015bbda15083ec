//! The reports of a process about a circuit.

use std::sync::Arc;
use std::time::Duration;

use super::name::SharedName;
use super::record::SharedRecord;
use super::text::encode;

/// A report about one circuit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Report {
    pub name: SharedName,
    /// The epoch of the record that the process has seen. The store ignores a report about another epoch, except for a
    /// command or an older record.
    pub epoch: u64,
    pub kind: ReportKind,
}

/// The number of processes that must agree that a dependency fails before the circuit opens everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Policy {
    /// A tenth of the processes, at least 2 and at most 10.
    Quorum,
    /// One process.
    First,
}

/// The content of a report.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ReportKind {
    /// The dependency fails: the circuit of this process has opened, for this long.
    Vote { open: Duration, policy: Policy, reason: Arc<str>, settings: Arc<str> },
    /// An earlier vote or dissent no longer holds.
    Withdraw,
    /// The dependency works for this process.
    Dissent { policy: Policy },
    /// The process has calls to try, and asks for the lease.
    AskLease { lease: Duration, settings: Arc<str> },
    /// Enough trial calls under the lease with this token succeeded.
    Passed { token: u64 },
    /// A trial call under the lease with this token failed. The circuit stays open for this long.
    Failed { token: u64, open: Duration, reason: Arc<str> },
    /// The store has lost this record.
    Assert { record: Box<SharedRecord> },
    /// An operator opens or disables the circuit of all processes, until released or for this long.
    Force { kind: ForceKind, lasts: Option<Duration>, by: Arc<str>, why: Arc<str> },
}

/// A command to all processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ForceKind {
    /// Reject all calls.
    Open,
    /// Admit all calls.
    Disabled,
    /// Close the circuit now.
    Closed,
    /// End an earlier command.
    Release,
}

/// The number of arguments of one report in a call of the script.
pub(crate) const REPORT_ARGUMENTS: usize = 8;

impl Report {
    /// Returns the arguments of the script for this report. The top of `sync.lua` says what each of them means.
    #[must_use]
    pub fn arguments(&self) -> [String; REPORT_ARGUMENTS] {
        let mut a = String::from("0");
        let mut b = String::from("0");
        let mut policy = "-";
        let (mut text, mut settings) = (String::from("-"), String::from("-"));
        let kind = match &self.kind {
            ReportKind::Vote { open, policy: chosen, reason, settings: own } => {
                a = millis(*open).to_string();
                policy = chosen.label();
                text = encode(reason);
                settings = encode(own);
                "vote"
            }
            ReportKind::Withdraw => "withdraw",
            ReportKind::Dissent { policy: chosen } => {
                policy = chosen.label();
                "dissent"
            }
            ReportKind::AskLease { lease, settings: own } => {
                a = millis(*lease).to_string();
                settings = encode(own);
                "lease"
            }
            ReportKind::Passed { token } => {
                a = token.to_string();
                "passed"
            }
            ReportKind::Failed { token, open, reason } => {
                a = token.to_string();
                b = millis(*open).to_string();
                text = encode(reason);
                "failed"
            }
            ReportKind::Assert { record } => {
                text = record.to_string();
                "assert"
            }
            ReportKind::Force { kind, lasts, by, why } => {
                a = lasts.map_or(0, millis).to_string();
                policy = kind.label();
                text = encode(by);
                settings = encode(why);
                "force"
            }
        };
        [
            kind.to_owned(),
            self.name.as_str().to_owned(),
            self.epoch.to_string(),
            a,
            b,
            policy.to_owned(),
            text,
            settings,
        ]
    }
}

impl Policy {
    /// Returns the name of the policy in a call of the script.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Quorum => "q",
            Self::First => "f",
        }
    }

    /// Returns how many of `alive` processes must agree.
    #[must_use]
    pub const fn needed(self, alive: u32) -> u32 {
        match self {
            Self::First => 1,
            Self::Quorum => {
                let tenth = alive.div_ceil(10);
                let wanted = if tenth < 2 {
                    2
                } else if tenth > 10 {
                    10
                } else {
                    tenth
                };
                let possible = if alive == 0 { 1 } else { alive };
                if wanted < possible { wanted } else { possible }
            }
        }
    }
}

impl ForceKind {
    /// Returns the name of the command in a call of the script.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Disabled => "disabled",
            Self::Closed => "closed",
            Self::Release => "none",
        }
    }
}

/// The longest time that the store computes with: about 34 years, so that sums stay exact in its numbers.
const MAX_MILLIS: u64 = 1 << 40;

/// Returns a duration in whole milliseconds, at least one.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).clamp(1, MAX_MILLIS)
}

#[cfg(test)]
mod tests {
    use super::Policy;

    #[test]
    fn the_quorum_is_a_tenth_and_at_least_two_and_at_most_ten() {
        let needed = [0, 1, 2, 8, 20, 21, 99, 100, 101, 5000].map(|alive| Policy::Quorum.needed(alive));
        assert_eq!(needed, [1, 1, 2, 2, 2, 3, 10, 10, 10, 10]);
        assert_eq!([0, 1, 5000].map(|alive| Policy::First.needed(alive)), [1, 1, 1]);
    }
}
