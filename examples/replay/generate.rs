//! A generated incident, for trying out settings: ten minutes of a service with a little noise, an outage of a minute
//! and a short disturbance. The same seed gives the same file.

use std::fmt::Write as _;
use std::time::Duration;

use fastrand::Rng;
use jiff::Timestamp;

use crate::trace::{TracedCall, TracedOutcome};

const SEED: u64 = 7;
/// Length of the trace, in seconds.
const LENGTH: u64 = 600;
/// Calls in one second.
const CALLS: u64 = 20;
/// The start of the generated log, in seconds since 1970: 2026-11-29T06:00:00Z.
const START: u64 = 1_795_932_000;

/// The behavior of the service during a second.
struct Weather {
    /// The share of calls that fail.
    failing: f64,
    /// The usual duration of a call, in milliseconds.
    millis: u64,
}

fn weather(second: u64) -> Weather {
    match second {
        // The outage: most calls fail after they have waited for a connection.
        120..180 => Weather { failing: 0.85, millis: 1500 },
        // The service starts again and is slow.
        180..195 => Weather { failing: 0.2, millis: 600 },
        // A disturbance that is over before a circuit needs to open.
        400..404 => Weather { failing: 0.5, millis: 120 },
        _ => Weather { failing: 0.01, millis: 80 },
    }
}

/// Returns the calls of the incident.
pub(crate) fn incident() -> Vec<TracedCall> {
    let mut random = Rng::with_seed(SEED);
    let mut calls = Vec::new();
    for second in 0..LENGTH {
        let Weather { failing, millis } = weather(second);
        for call in 0..CALLS {
            let start = Duration::from_millis(second * 1000 + call * 1000 / CALLS + random.u64(0..40));
            let duration = Duration::from_millis(millis / 2 + random.u64(0..millis));
            let outcome =
                if random.f64() < failing { TracedOutcome::Failure } else { TracedOutcome::Success };
            calls.push(TracedCall { start, duration, outcome, key: None });
        }
    }
    calls
}

/// Returns the incident as CSV.
pub(crate) fn csv(calls: &[TracedCall]) -> String {
    let mut text = "time,duration,outcome\n".to_owned();
    for call in calls {
        let outcome = if call.outcome == TracedOutcome::Failure { "failure" } else { "success" };
        _ = writeln!(text, "{:.3},{:.3},{outcome}", call.start.as_secs_f64(), call.duration.as_secs_f64());
    }
    text
}

/// Returns the incident as an access log of nginx, whose lines are in the order of the ends of the calls.
pub(crate) fn nginx_log(calls: &[TracedCall]) -> String {
    let mut random = Rng::with_seed(SEED);
    let mut lines: Vec<_> = calls.iter().map(|call| (call.start + call.duration, call)).collect();
    lines.sort_by_key(|(end, _)| *end);
    let mut text = String::new();
    for (end, call) in lines {
        let time = Timestamp::from_second((START + end.as_secs()).try_into().unwrap_or(i64::MAX));
        let time = time.unwrap_or_default().strftime("%d/%b/%Y:%H:%M:%S +0000");
        let status = if call.outcome == TracedOutcome::Failure {
            random.choice([502, 503, 504]).unwrap_or(502)
        } else if random.u8(0..50) == 0 {
            404
        } else {
            200
        };
        let item = random.u32(1000..9999);
        _ = writeln!(
            text,
            r#"192.0.2.{} - - [{time}] "GET /api/items/{item} HTTP/1.1" {status} {} "-" "shop/1.0" {:.3}"#,
            random.u8(1..255),
            random.u32(200..4000),
            call.duration.as_secs_f64()
        );
    }
    text
}
