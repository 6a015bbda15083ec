//! Times in traces, as durations since 1970.

use std::time::Duration;

use breaker_runtime::SettingDuration;
use jiff::Timestamp;
use jiff::fmt::strtime;

use crate::number::parse_number;
use crate::shown::shown;

/// The smallest number that is a time in milliseconds rather than in seconds: the year 1973, or 5138.
const FIRST_IN_MILLISECONDS: f64 = 1e11;
/// The smallest number that is neither: the year 5138 in milliseconds, or 1973 in microseconds.
const FIRST_TOO_LARGE: f64 = 1e14;

/// Parses the start of a call: seconds, milliseconds since 1970, or a time such as `2026-11-29T06:00:00.250Z`.
pub(crate) fn parse_time(text: &str) -> Result<Duration, String> {
    if let Some(number) = parse_number::<f64>(text) {
        if number >= FIRST_TOO_LARGE {
            let shown = shown(text);
            return Err(format!(
                "the time {shown} is too large; convert microseconds and nanoseconds since 1970 to milliseconds"
            ));
        }
        let seconds = if number >= FIRST_IN_MILLISECONDS { number / 1000.0 } else { number };
        return Duration::try_from_secs_f64(seconds)
            .map_err(|_| format!("the time {} is out of range", shown(text)));
    }
    let timestamp: Timestamp = text.parse().map_err(|_| {
        format!(
            "the time {} is neither a number of seconds nor a time such as 2026-11-29T06:00:00Z",
            shown(text)
        )
    })?;
    since_1970(timestamp).ok_or_else(|| format!("the time {} is before 1970", shown(text)))
}

/// Parses the duration of a call: seconds such as `0.25`, or a number with a unit such as `250ms`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    if let Some(seconds) = parse_number::<f64>(text) {
        return Duration::try_from_secs_f64(seconds)
            .map_err(|_| format!("the duration {} is out of range", shown(text)));
    }
    text.parse::<SettingDuration>().map(|duration| duration.0).map_err(|error| error.to_string())
}

/// Parses the time of a line of nginx, such as `29/Nov/2026:06:00:00 +0000`.
pub(crate) fn parse_nginx_time(text: &str) -> Result<Duration, String> {
    let timestamp = strtime::parse("%d/%b/%Y:%H:%M:%S %z", text).and_then(|time| time.to_timestamp());
    let timestamp = timestamp
        .map_err(|_| format!("the time {} does not have the form 29/Nov/2026:06:00:00 +0000", shown(text)))?;
    since_1970(timestamp).ok_or_else(|| format!("the time {} is before 1970", shown(text)))
}

fn since_1970(timestamp: Timestamp) -> Option<Duration> {
    timestamp.duration_since(Timestamp::UNIX_EPOCH).try_into().ok()
}
