//! Access logs of nginx in the format `combined` with `$request_time` at the end of each line:
//!
//! ```text
//! log_format timed '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
//!                  '"$http_referer" "$http_user_agent" $request_time';
//! ```
//!
//! nginx writes a line when a request has ended, with a resolution of one second.

use std::io::Read;

use crate::lines::{BARE_RETURN, content, for_each_line};
use crate::number::parse_number;
use crate::shown::shown;
use crate::status::FailureStatuses;
use crate::time::{parse_duration, parse_nginx_time};
use crate::trace::{Trace, TracedCall, TracedOutcome};

/// The status of nginx for a request whose client closed the connection.
const CLIENT_CLOSED: u16 = 499;

/// Reads a log. A request fails if its status is one of `failures`, and is cancelled if it is 499. All others succeed.
pub(crate) fn read_nginx(input: impl Read, failures: &FailureStatuses) -> Trace {
    let mut trace = Trace::default();
    for_each_line(input, |number, line| match line.map(content) {
        Ok("") => {}
        line => trace.add(number, line.and_then(|line| parse(line, failures))),
    });
    // Its lines are in the order of the ends of the requests.
    Trace { unsorted: 0, ..trace.sorted() }
}

fn parse(line: &str, failures: &FailureStatuses) -> Result<TracedCall, String> {
    if line.contains('\r') {
        return Err(BARE_RETURN.to_owned());
    }
    // nginx escapes quotes, but not the brackets in the name of a user, which comes before the time.
    let start = line.find('"').ok_or("no request in quotes after the time")?;
    let (head, rest) = line.split_at(start);
    let time = head.trim_end().strip_suffix(']').and_then(|head| head.rsplit_once('['));
    let (_, time) = time.ok_or("no time in brackets before the request")?;
    let (_request, rest) = quoted(rest).ok_or("no request in quotes after the time")?;
    let mut words = rest.split_whitespace();
    let status = words.next().ok_or("no status after the request")?;
    let status: u16 =
        parse_number(status).ok_or_else(|| format!("the status {} is not a number", shown(status)))?;
    let last = rest.rsplit_once('"').map(|(_, after)| after.trim()).filter(|word| !word.is_empty());
    let request_time =
        last.ok_or("no request time after the user agent; add $request_time to the log format")?;
    let duration = parse_duration(request_time)?;
    let outcome = if failures.contain(status) {
        TracedOutcome::Failure
    } else if status == CLIENT_CLOSED {
        TracedOutcome::Cancelled
    } else {
        TracedOutcome::Success
    };
    let start = parse_nginx_time(time)?.saturating_sub(duration);
    Ok(TracedCall { start, duration, outcome, key: None })
}

/// Returns the text in the first pair of quotes, and the text after it. A backslash escapes the next character.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let (_, inner) = text.split_once('"')?;
    let mut is_escaped = false;
    let end = inner.find(|character| {
        let ends = character == '"' && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
        ends
    })?;
    Some((inner.get(..end)?, inner.get(end + 1..)?))
}
