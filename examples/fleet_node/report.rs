//! The report that a process of the fleet prints about itself, one line at a time.

use std::fmt;
use std::str::FromStr;

use breaker_runtime::State;

/// The circuit of one process, and what the process knows about the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) state: State,
    /// The processes of the fleet that this one knows of; 0 while Redis is not connected.
    pub(crate) processes: u32,
    pub(crate) holds_lease: bool,
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} {}", self.state.label(), self.processes, self.holds_lease)
    }
}

impl FromStr for Report {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> anyhow::Result<Self> {
        let unknown = || anyhow::anyhow!("a process printed {line:?}");
        let mut words = line.split(' ');
        let mut word = || words.next().ok_or_else(unknown);
        let label = word()?;
        let state = State::ALL.into_iter().find(|state| state.label() == label).ok_or_else(unknown)?;
        Ok(Self { state, processes: word()?.parse()?, holds_lease: word()?.parse()? })
    }
}
