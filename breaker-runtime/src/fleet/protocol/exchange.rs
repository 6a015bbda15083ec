//! A request to the store, its reply, and the messages that the store pushes.

use std::sync::Arc;
use std::time::Duration;

use super::instance::InstanceId;
use super::name::SharedName;
use super::record::SharedRecord;
use super::report::Report;

/// The time that a request may take at first. Its sender waits no longer, and the store ignores it afterwards.
pub const REQUEST_TIME: Duration = Duration::from_millis(150);

/// The time that a request may take after others have taken too long.
pub const MAX_REQUEST_TIME: Duration = Duration::from_secs(1);

/// One call of the store. It renews the heartbeat of the process, delivers its reports, and reads what has changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    pub instance: InstanceId,
    /// The time of the store after which the request has no effect, because its caller no longer waits for it; 0 while
    /// the process does not know that time, and reports nothing.
    pub deadline: u64,
    /// The time for which the process waits for the reply.
    pub patience: Duration,
    /// The version up to which the process has seen all records.
    pub cursor: u64,
    /// `true` if the process leaves the fleet.
    pub is_leaving: bool,
    pub reports: Vec<Report>,
}

/// The answer of the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reply {
    /// Changes if the store has lost all its data.
    pub incarnation: u64,
    /// The version up to which the process has now seen all records.
    pub version: u64,
    /// The time of the store in milliseconds.
    pub now: u64,
    /// The number of processes that were heard of lately.
    pub alive: u32,
    /// `true` if further records have changed, which the next call returns.
    pub has_more: bool,
    /// The changed records, oldest first.
    pub records: Vec<(SharedName, SharedRecord)>,
    /// The names of records that could not be read.
    pub unreadable: Vec<String>,
    pub conflicts: Vec<SettingsConflict>,
    /// `true` if this may be another server than the one that answered before, so that all records must be read again.
    pub is_new_server: bool,
    /// The records of which the store has only an older epoch than a report named.
    pub lost: Vec<SharedName>,
}

/// Another process shares a circuit of this name with other settings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SettingsConflict {
    pub name: SharedName,
    /// The settings of the other process.
    pub settings: Arc<str>,
}

/// A message about changed records, which no process has requested. Messages may be lost.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Push {
    pub incarnation: u64,
    /// The version after which the records of this message changed.
    pub previous: u64,
    /// The version up to which this message has all records.
    pub version: u64,
    /// The time of the store in milliseconds.
    pub now: u64,
    pub alive: u32,
    pub records: Vec<(SharedName, SharedRecord)>,
    pub unreadable: Vec<String>,
}

impl Push {
    /// Reads a message. Returns `None` if its first line is none. A record that cannot be read is listed by its name.
    #[must_use]
    pub fn read(message: &str) -> Option<Self> {
        let mut lines = message.lines();
        let mut header = lines.next()?.split(' ');
        let mut number = || header.next()?.parse::<u64>().ok();
        if number()? != 1 {
            return None;
        }
        let (incarnation, previous, version, now) = (number()?, number()?, number()?, number()?);
        let alive = u32::try_from(number()?).ok()?;
        let mut push =
            Self { incarnation, previous, version, now, alive, records: Vec::new(), unreadable: Vec::new() };
        for line in lines {
            let (name, record) = line.split_once(' ').unwrap_or((line, ""));
            match read_pair(name, record) {
                Some(pair) => push.records.push(pair),
                None => push.unreadable.push(name.to_owned()),
            }
        }
        Some(push)
    }
}

/// Reads the name and the record of a circuit. Returns `None` if one of them cannot be read.
pub(crate) fn read_pair(name: &str, record: &str) -> Option<(SharedName, SharedRecord)> {
    Some((SharedName::read(name)?, SharedRecord::read(record)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_records_that_cannot_be_read() {
        let record = SharedRecord { epoch: 3, ..SharedRecord::closed() };
        let push =
            Push::read(&format!("1 10 20 30 40 5\npay {record}\nbad 1 x\n\u{e4}\n")).expect("valid header");
        assert_eq!(
            (push.incarnation, push.previous, push.version, push.now, push.alive),
            (10, 20, 30, 40, 5)
        );
        assert_eq!(push.records, [(SharedName::new("pay", None), record)]);
        assert_eq!(push.unreadable, ["bad", "\u{e4}"]);
    }

    #[test]
    fn a_message_of_another_format_is_refused() {
        for message in ["", "1", "2 1 1 1 1 1", "1 1 1 1 1", "1 1 1 1 1 4294967296", "x"] {
            assert_eq!(Push::read(message), None, "{message}");
        }
    }
}
