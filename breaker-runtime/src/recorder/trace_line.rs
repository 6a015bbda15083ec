//! One call as a line of CSV.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use crate::breaker::CallEnd;

/// A call in the buffer.
#[derive(Debug)]
pub(super) struct RecordedCall {
    /// The time from the start of the recording until the start of the call.
    pub(super) start: Duration,
    pub(super) duration: Duration,
    pub(super) outcome: RecordedOutcome,
    pub(super) key: Option<Arc<str>>,
}

/// The outcome of a recorded call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordedOutcome {
    Ended(CallEnd),
    Rejected,
}

/// The first line after the comments at the start of a trace.
pub(super) const HEADER: &str = "time,duration,outcome,key\n";

impl RecordedOutcome {
    const fn label(self) -> &'static str {
        match self {
            Self::Ended(CallEnd::Success) => "success",
            Self::Ended(CallEnd::Failure) => "failure",
            Self::Ended(CallEnd::Ignored) => "ignored",
            Self::Ended(CallEnd::TimedOut) => "timeout",
            Self::Ended(CallEnd::Cancelled) => "cancelled",
            Self::Rejected => "rejected",
        }
    }
}

impl RecordedCall {
    /// Appends the line of this call.
    pub(super) fn write_to(&self, text: &mut String) {
        push_seconds(text, self.start);
        text.push(',');
        push_seconds(text, self.duration);
        text.push(',');
        text.push_str(self.outcome.label());
        text.push(',');
        if let Some(key) = &self.key {
            push_quoted(text, key);
        }
        text.push('\n');
    }
}

/// Appends a duration in seconds, exactly and without zeros at the end.
fn push_seconds(text: &mut String, time: Duration) {
    _ = write!(text, "{}", time.as_secs());
    if time.subsec_nanos() > 0 {
        _ = write!(text, ".{:09}", time.subsec_nanos());
        text.truncate(text.trim_end_matches('0').len());
    }
}

/// Appends a value in quotes, in which quotes are doubled.
fn push_quoted(text: &mut String, value: &str) {
    text.push('"');
    for (index, part) in value.split('"').enumerate() {
        if index > 0 {
            text.push_str("\"\"");
        }
        text.push_str(part);
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(start: Duration, duration: Duration, outcome: RecordedOutcome, key: Option<&str>) -> String {
        let mut text = String::new();
        RecordedCall { start, duration, outcome, key: key.map(Arc::from) }.write_to(&mut text);
        text
    }

    #[test]
    fn times_are_exact_and_have_no_zeros_at_the_end() {
        let success = RecordedOutcome::Ended(CallEnd::Success);
        let written = |start, duration| line(start, duration, success, None);
        assert_eq!(written(Duration::ZERO, Duration::from_secs(100)), "0,100,success,\n");
        assert_eq!(
            written(Duration::from_nanos(1), Duration::from_millis(2500)),
            "0.000000001,2.5,success,\n"
        );
        let longest = written(Duration::MAX, Duration::ZERO);
        assert_eq!(longest, "18446744073709551615.999999999,0,success,\n");
    }

    #[test]
    fn keys_are_quoted_and_their_quotes_doubled() {
        let written = |key| line(Duration::ZERO, Duration::ZERO, RecordedOutcome::Rejected, Some(key));
        assert_eq!(written(""), "0,0,rejected,\"\"\n");
        assert_eq!(written("a,b"), "0,0,rejected,\"a,b\"\n");
        assert_eq!(written("\"a\"\n"), "0,0,rejected,\"\"\"a\"\"\n\"\n");
    }
}
