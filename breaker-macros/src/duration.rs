//! Durations written as text: `"500ms"`, `"30s"`, `"2m"`, `"1h30m"`.
//!
//! Does not know which key the duration belongs to.

use std::time::Duration;

const SYNTAX: &str =
    "write a number and a unit (ns, us, ms, s, m, h, d), as in \"500ms\", \"30s\" or \"1h30m\"";

const UNLIMITED: &str = "unlimited";

/// Parses `text`. The error quotes the text and describes the syntax.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
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

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
