//! Durations written as text: `"500ms"`, `"30s"`, `"2m"`, `"1h30m"`. The attribute reads the same notation; a test
//! compares the two parsers.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::str::FromStr;
use std::time::Duration;

use crate::printable::QuotedStart;

const SYNTAX: &str =
    "write a number and a unit (ns, us, ms, s, m, h, d), as in \"500ms\", \"30s\" or \"1h30m\"";

/// A duration in the notation of settings: numbers with units, such as `30s`, `500ms` or `1h30m`, or `unlimited` for
/// [`Duration::MAX`]. The units are `ns`, `us`, `ms`, `s`, `m`, `h` and `d`.
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::SettingDuration;
///
/// let parsed: SettingDuration = "1m30s".parse()?;
/// assert_eq!(parsed.0, Duration::from_secs(90));
/// assert_eq!(SettingDuration(Duration::from_millis(90_500)).to_string(), "1m30s500ms");
/// assert_eq!(SettingDuration(Duration::MAX).to_string(), "unlimited");
/// assert!("90".parse::<SettingDuration>().is_err()); // no unit
/// # Ok::<(), breaker_runtime::DurationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SettingDuration(pub Duration);

/// The error of a text that is not a [`SettingDuration`]. Its message quotes the text and describes the notation.
///
/// ```
/// use breaker_runtime::SettingDuration;
///
/// let error = "5 parsecs".parse::<SettingDuration>().unwrap_err();
/// assert!(error.to_string().starts_with(r#"the duration "5 parsecs" has the unknown unit "parsecs""#));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DurationError(String);

const UNLIMITED: &str = "unlimited";

impl FromStr for SettingDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        parse(text).map(Self).map_err(DurationError)
    }
}

/// Writes a text that `FromStr` reads as the same duration.
impl fmt::Display for SettingDuration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == Duration::MAX {
            return out.pad(UNLIMITED);
        }
        let (mut nanos, mut text) = (self.0.as_nanos(), String::new());
        for (unit, length) in UNITS {
            let count = nanos / length;
            if count > 0 {
                write!(text, "{count}{unit}")?;
            }
            nanos %= length;
        }
        out.pad(if text.is_empty() { "0s" } else { &text })
    }
}

impl fmt::Display for DurationError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl Error for DurationError {}

/// Units and their lengths in nanoseconds, the longest first.
const UNITS: [(&str, u128); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Parses `text`. The error quotes the text and describes the syntax.
fn parse(text: &str) -> Result<Duration, String> {
    let mut rest = text.trim();
    if rest == UNLIMITED {
        return Ok(Duration::MAX);
    }
    if rest.is_empty() {
        return Err(format!("the duration is empty; {SYNTAX}"));
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit());
        let (unit, after) = split(after, |c| !c.is_ascii_digit());
        let part = parse_part(text, number, unit.trim())?;
        total = total.checked_add(part).ok_or_else(|| too_long(text))?;
        rest = after;
    }
    Ok(total)
}

/// Converts one number and its unit. `text` is the whole duration, for the error.
fn parse_part(text: &str, number: &str, unit: &str) -> Result<Duration, String> {
    if number.is_empty() {
        return Err(format!("the duration {} has no number before {}; {SYNTAX}", quoted(text), quoted(unit)));
    }
    let number: u64 = number.parse().map_err(|_| too_long(text))?;
    let seconds = |each: u64| number.checked_mul(each).map(Duration::from_secs).ok_or_else(|| too_long(text));
    match unit {
        "ns" => Ok(Duration::from_nanos(number)),
        "us" | "µs" => Ok(Duration::from_micros(number)),
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => seconds(60),
        "h" => seconds(60 * 60),
        "d" => seconds(24 * 60 * 60),
        "" => Err(format!("the duration {} has no unit after {number}; {SYNTAX}", quoted(text))),
        "." => Err(format!(
            "the duration {} has a fraction; use a smaller unit, as in \"1500ms\" for 1.5 seconds",
            quoted(text)
        )),
        _ => Err(format!("the duration {} has the unknown unit {}; {SYNTAX}", quoted(text), quoted(unit))),
    }
}

/// Splits `text` at the first character that does not belong to its start.
fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    text.split_at(end)
}

fn too_long(text: &str) -> String {
    format!("the duration {} is too long; for an unlimited one, write \"unlimited\"", quoted(text))
}

fn quoted(text: &str) -> QuotedStart<'_> {
    QuotedStart(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_is_written_as_a_text_that_is_read_as_the_same_duration() {
        let mut nanos = 1_u64;
        while let Some(next) = nanos.checked_mul(7) {
            for duration in [Duration::from_nanos(nanos), Duration::from_secs(nanos)] {
                let text = SettingDuration(duration).to_string();
                assert_eq!(text.parse(), Ok(SettingDuration(duration)), "{text}");
            }
            nanos = next;
        }
        for edge in [Duration::ZERO, Duration::MAX, Duration::new(u64::MAX, 999_999_998)] {
            assert_eq!(SettingDuration(edge).to_string().parse(), Ok(SettingDuration(edge)));
        }
    }
}
