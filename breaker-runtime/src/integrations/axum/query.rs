//! The query strings and bodies of requests. Everything that a route does not know is refused, because a
//! command with a misspelled `key` would otherwise apply to all circuits.

use std::borrow::Cow;
use std::fmt;

use axum::body::{Body, HttpBody as _, to_bytes};
use percent_encoding::percent_decode_str;

use crate::integrations::drill_order::DrillValue;
use crate::printable::{Printable, Quoted, is_hidden};

/// The query string of a route: which parameters it accepts, and their values.
pub(super) trait Query: Default {
    /// The names of all parameters.
    const ACCEPTED: &'static [&'static str];

    /// Sets the parameter at this index of [`ACCEPTED`](Self::ACCEPTED).
    ///
    /// # Errors
    ///
    /// Returns a description of the expected value.
    fn set(&mut self, index: usize, value: String) -> Result<(), &'static str>;
}

/// The query string of a route without parameters.
#[derive(Default)]
pub(super) struct NoQuery;

/// The query string that selects the circuit of one key.
#[derive(Default)]
pub(super) struct KeyQuery {
    pub(super) key: Option<String>,
}

/// The query string that names a candidate.
#[derive(Default)]
pub(super) struct CandidateQuery {
    pub(super) candidate: Option<String>,
}

/// The query string of a command: which circuits it applies to.
#[derive(Default)]
pub(super) struct CommandQuery {
    pub(super) key: Option<String>,
    pub(super) scope: CommandScope,
    /// The reason that the operator gives.
    pub(super) why: Option<String>,
}

/// The query string that describes a drill.
#[derive(Default)]
pub(super) struct DrillQuery {
    pub(super) key: Option<String>,
    pub(super) values: Vec<DrillValue>,
}

/// The processes that a command applies to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum CommandScope {
    #[default]
    Process,
    Fleet,
}

/// The query string that selects the circuits that are treated as critical.
#[derive(Default)]
pub(super) struct HealthQuery {
    pub(super) criticality: Criticality,
}

/// The circuits that make the service unready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Criticality {
    #[default]
    AsConfigured,
    AllCircuits,
}

/// The reason why a query string is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum QueryError {
    /// It is not percent-encoded UTF-8.
    Encoding,
    Parameter(ParameterProblem),
}

/// The parameter that is refused, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ParameterProblem {
    Unknown(String),
    Repeated(&'static str),
    Value { name: &'static str, expected: &'static str },
}

/// Maximum number of characters of an unknown parameter in an error text.
const MAX_SHOWN: usize = 40;

/// Maximum length of the reason of a command, in bytes.
const MAX_WHY: usize = 255;

/// Parses a query string.
pub(super) fn parse<Q: Query>(text: &str) -> Result<Q, QueryError> {
    let mut query = Q::default();
    let mut seen = Vec::new();
    for parameter in text.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let name = decode(&name.replace('+', " ")).ok_or(QueryError::Encoding)?;
        let value = decode(&value.replace('+', " ")).ok_or(QueryError::Encoding)?;
        let accepted = Q::ACCEPTED.iter().enumerate().find(|(_, accepted)| **accepted == name);
        let Some((index, name)) = accepted else {
            return Err(QueryError::Parameter(ParameterProblem::Unknown(name)));
        };
        if seen.contains(name) {
            return Err(QueryError::Parameter(ParameterProblem::Repeated(name)));
        }
        seen.push(*name);
        let problem = |expected| QueryError::Parameter(ParameterProblem::Value { name, expected });
        query.set(index, value).map_err(problem)?;
    }
    Ok(query)
}

/// Decodes a percent-encoded text; `None` for an incomplete escape and for bytes that are not UTF-8.
pub(super) fn decode(text: &str) -> Option<String> {
    has_valid_escapes(text).then(|| percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned))?
}

/// Returns `true` if two hexadecimal digits follow each `%`.
pub(super) fn has_valid_escapes(text: &str) -> bool {
    let is_digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_hexdigit());
    text.split('%').skip(1).all(|rest| {
        let mut digits = rest.bytes();
        is_digit(digits.next()) && is_digit(digits.next())
    })
}

/// Returns `true` if a request has no body. Waits for the first byte of a body of unknown length, and reads no
/// more than that.
pub(super) async fn is_empty(body: Body) -> bool {
    body.is_end_stream() || (body.size_hint().lower() == 0 && to_bytes(body, 0).await.is_ok())
}

impl Query for NoQuery {
    const ACCEPTED: &'static [&'static str] = &[];

    fn set(&mut self, _: usize, _: String) -> Result<(), &'static str> {
        Ok(())
    }
}

impl Query for KeyQuery {
    const ACCEPTED: &'static [&'static str] = &["key"];

    fn set(&mut self, _: usize, value: String) -> Result<(), &'static str> {
        self.key = Some(value);
        Ok(())
    }
}

impl Query for CandidateQuery {
    const ACCEPTED: &'static [&'static str] = &["candidate"];

    fn set(&mut self, _: usize, value: String) -> Result<(), &'static str> {
        self.candidate = Some(value);
        Ok(())
    }
}

impl Query for CommandQuery {
    const ACCEPTED: &'static [&'static str] = &["key", "scope", "why"];

    fn set(&mut self, index: usize, value: String) -> Result<(), &'static str> {
        match (index, &*value) {
            (0, _) => self.key = Some(value),
            (1, "process") => self.scope = CommandScope::Process,
            (1, "fleet") => self.scope = CommandScope::Fleet,
            (1, _) => return Err("process or fleet"),
            (_, why) if why.len() > MAX_WHY || why.contains(is_hidden) => {
                return Err(
                    "at most 255 bytes without control characters, invisible characters and those that \
                            change the direction of the text",
                );
            }
            _ => self.why = Some(value),
        }
        Ok(())
    }
}

impl Query for DrillQuery {
    const ACCEPTED: &'static [&'static str] = &["key", "fail", "delay", "delay_share", "for", "seed"];

    fn set(&mut self, index: usize, text: String) -> Result<(), &'static str> {
        match (index, Self::ACCEPTED.get(index)) {
            (0, _) | (_, None) => self.key = Some(text),
            (_, Some(name)) => self.values.push(DrillValue { name, text }),
        }
        Ok(())
    }
}

impl Query for HealthQuery {
    const ACCEPTED: &'static [&'static str] = &["all"];

    fn set(&mut self, _: usize, value: String) -> Result<(), &'static str> {
        self.criticality = match &*value {
            "" | "true" => Criticality::AllCircuits,
            "false" => Criticality::AsConfigured,
            _ => return Err("true or false"),
        };
        Ok(())
    }
}

impl fmt::Display for ParameterProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => match name.char_indices().nth(MAX_SHOWN) {
                None => write!(out, "unknown parameter {}", Quoted(name)),
                Some((end, _)) => {
                    let start = name.get(..end).unwrap_or_default();
                    write!(out, "unknown parameter that begins with {}", Quoted(start))
                }
            },
            Self::Repeated(name) => write!(out, "parameter {} must be sent only once", Quoted(name)),
            Self::Value { name, expected } => {
                write!(out, "parameter {} must be {}", Quoted(name), Printable(expected))
            }
        }
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use super::{Criticality, HealthQuery, KeyQuery, NoQuery, ParameterProblem, QueryError, decode, parse};

    fn key(text: &str) -> Result<Option<String>, QueryError> {
        parse::<KeyQuery>(text).map(|query| query.key)
    }

    #[test]
    fn a_key_is_decoded_as_browsers_encode_it() {
        for (text, expected) in [
            ("", None),
            ("&&", None),
            ("key", Some("")),
            ("key=", Some("")),
            ("key=eu-1", Some("eu-1")),
            ("&key=a+b%2Bc&", Some("a b+c")),
            ("k%65y=%C3%BC", Some("\u{fc}")),
            ("key=a=b", Some("a=b")),
            ("key=a;b?c/d", Some("a;b?c/d")),
            ("key=%00", Some("\0")),
        ] {
            assert_eq!(key(text), Ok(expected.map(str::to_owned)), "{text}");
        }
    }

    #[test]
    fn unknown_and_repeated_parameters_are_refused() {
        for (text, name) in [
            ("Key=3", "Key"),
            ("key=1&keys=2", "keys"),
            ("=3", ""),
            ("key%20=3", "key "),
            ("key%00=3", "key\0"),
        ] {
            let unknown = ParameterProblem::Unknown(name.to_owned());
            assert_eq!(key(text), Err(QueryError::Parameter(unknown)), "{text}");
        }
        for text in ["key=1&key=2", "key=1&key=1", "key&key", "key=1&k%65y=2"] {
            assert_eq!(key(text), Err(QueryError::Parameter(ParameterProblem::Repeated("key"))), "{text}");
        }
        assert!(parse::<NoQuery>("").is_ok() && parse::<NoQuery>("key=1").is_err());
    }

    #[test]
    fn an_invalid_encoding_is_refused() {
        for text in ["key=%", "key=%2", "key=%zz", "key=50%&", "key=%FF", "key=%C3", "key=%ED%A0%80", "%FF=1"]
        {
            assert_eq!(key(text), Err(QueryError::Encoding), "{text}");
        }
        assert_eq!((decode("%41%+2"), decode("%41+")), (None, Some("A+".to_owned())));
    }

    #[test]
    fn all_is_a_bool() {
        let all = |text: &str| parse::<HealthQuery>(text).map(|query| query.criticality);
        for text in ["all", "all=", "all=true"] {
            assert_eq!(all(text), Ok(Criticality::AllCircuits));
        }
        assert_eq!(
            (all("all=false"), all("")),
            (Ok(Criticality::AsConfigured), Ok(Criticality::AsConfigured))
        );
        assert!(all("all=no").is_err());
    }

    #[test]
    fn an_error_shows_a_bounded_part_of_the_name_with_escapes() {
        let text = |name: &str| ParameterProblem::Unknown(name.to_owned()).to_string();
        assert_eq!(text("Key\u{202e}\n"), r#"unknown parameter "Key\u{202e}\n""#);
        let long = text(&"\u{fc}".repeat(60_000));
        assert_eq!(long, format!(r#"unknown parameter that begins with "{}""#, "\u{fc}".repeat(40)));
    }
}
