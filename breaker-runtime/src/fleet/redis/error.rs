//! The meaning of an error of the client or the server, and its remedy.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::fleet::store::{StoreError, StoreErrorKind};

/// The reaction to an error, besides its report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// The connection is kept.
    Keep,
    /// The server cannot write. It may still be read.
    Read,
    /// The connection is of no use any more.
    Reconnect,
}

/// An error, and what follows from it.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) error: StoreError,
    pub(super) remedy: Remedy,
}

/// An error code of the server, and what is known about it.
struct Code {
    word: &'static str,
    kind: StoreErrorKind,
    remedy: Remedy,
    advice: &'static str,
}

const CODES: &[Code] = &[
    Code {
        word: "OOM",
        kind: StoreErrorKind::OutOfMemory,
        remedy: Remedy::Read,
        advice: "the server is out of memory: raise its maxmemory",
    },
    Code {
        word: "MISCONF",
        kind: StoreErrorKind::ReadOnly,
        remedy: Remedy::Read,
        advice: "the server refuses to write because it cannot save its data: see its log",
    },
    Code {
        word: "NOREPLICAS",
        kind: StoreErrorKind::ReadOnly,
        remedy: Remedy::Read,
        advice: "the server refuses to write because it has too few replicas: see its min-replicas-to-write",
    },
    Code {
        word: "READONLY",
        kind: StoreErrorKind::ReadOnly,
        remedy: Remedy::Reconnect,
        advice: "the server is a replica: connect to the master, or through Sentinel",
    },
    Code {
        word: "MOVED",
        kind: StoreErrorKind::ReadOnly,
        remedy: Remedy::Reconnect,
        advice: "another node of the cluster has the keys: connect to that one",
    },
    Code {
        word: "NOAUTH",
        kind: StoreErrorKind::Unauthenticated,
        remedy: Remedy::Reconnect,
        advice: "the server requires a password: write it in the URL, as in redis://user:password@host",
    },
    Code {
        word: "WRONGPASS",
        kind: StoreErrorKind::Unauthenticated,
        remedy: Remedy::Reconnect,
        advice: "the server refuses the user or the password: correct the URL",
    },
    Code {
        word: "DENIED",
        kind: StoreErrorKind::Unauthenticated,
        remedy: Remedy::Reconnect,
        advice: "the server accepts local connections only: set a password on the server, or its protected-mode",
    },
    Code {
        word: "NOPERM",
        kind: StoreErrorKind::Forbidden,
        remedy: Remedy::Keep,
        advice: "the user lacks a permission: grant it the commands, keys and channel in the documentation",
    },
    Code {
        word: "NOPROTO",
        kind: StoreErrorKind::Unsupported,
        remedy: Remedy::Reconnect,
        advice: "the server does not have version 3 of the protocol: use Redis 6.2 or newer",
    },
    Code {
        word: "LOADING",
        kind: StoreErrorKind::Loading,
        remedy: Remedy::Keep,
        advice: "the server is loading its data: wait",
    },
    Code {
        word: "MASTERDOWN",
        kind: StoreErrorKind::Loading,
        remedy: Remedy::Reconnect,
        advice: "the server is a replica that has lost its master: wait for a failover",
    },
    Code {
        word: "CLUSTERDOWN",
        kind: StoreErrorKind::Loading,
        remedy: Remedy::Keep,
        advice: "the cluster is down: wait",
    },
    Code {
        word: "TRYAGAIN",
        kind: StoreErrorKind::Loading,
        remedy: Remedy::Keep,
        advice: "the cluster is moving the keys: wait",
    },
    Code {
        word: "BUSY",
        kind: StoreErrorKind::Loading,
        remedy: Remedy::Keep,
        advice: "another script blocks the server: wait, or end it with SCRIPT KILL",
    },
    Code {
        word: "WRONGTYPE",
        kind: StoreErrorKind::Malformed,
        remedy: Remedy::Keep,
        advice: "a key of the namespace holds other data: delete it, or choose another namespace",
    },
];

/// Errors whose code does not tell them from others.
const PHRASES: &[(&str, Code)] = &[
    (
        "max number of clients reached",
        Code {
            word: "ERR",
            kind: StoreErrorKind::Unreachable,
            remedy: Remedy::Reconnect,
            advice: "the server has too many connections: raise its maxclients",
        },
    ),
    (
        "user executing the script",
        Code {
            word: "ERR",
            kind: StoreErrorKind::Forbidden,
            remedy: Remedy::Keep,
            advice: "the user lacks a permission: grant it the commands, keys and channel in the documentation",
        },
    ),
    (
        "unknown command",
        Code {
            word: "ERR",
            kind: StoreErrorKind::Unsupported,
            remedy: Remedy::Keep,
            advice: "the server lacks a command: use Redis 6.2 or newer with all commands",
        },
    ),
    (
        "operation not permitted",
        Code {
            word: "ERR",
            kind: StoreErrorKind::Unauthenticated,
            remedy: Remedy::Reconnect,
            advice: "the server requires a password: write it in the URL, as in redis://user:password@host",
        },
    ),
];

impl Failure {
    pub(super) fn new(kind: StoreErrorKind, remedy: Remedy, text: impl Into<String>) -> Self {
        Self { error: StoreError { kind, text: one_line(&text.into()), partial: None }, remedy }
    }

    /// Returns `true` if the server does not have a command, or the user may not use it.
    pub(super) const fn is_refusal(&self) -> bool {
        matches!(self.error.kind, StoreErrorKind::Forbidden | StoreErrorKind::Unsupported)
    }

    /// Creates a failure from an answer that makes no sense.
    pub(super) fn malformed(text: impl Into<String>) -> Self {
        Self::new(StoreErrorKind::Malformed, Remedy::Keep, text)
    }
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        if error.is_timeout() {
            let text = "the server did not answer in time: is it suspended, overloaded or unreachable?";
            return Self::new(StoreErrorKind::TimedOut, Remedy::Keep, text);
        }
        let said = error.to_string();
        if let Some(known) = known(error.code().unwrap_or_default(), &said) {
            return Self::new(known.kind, known.remedy, format!("{} ({said})", known.advice));
        }
        match error.kind() {
            ErrorKind::AuthenticationFailed => {
                let text = "the server refuses the user or the password: correct the URL";
                Self::new(StoreErrorKind::Unauthenticated, Remedy::Reconnect, text)
            }
            ErrorKind::Io if is_about_tls(&said) => Self::new(
                StoreErrorKind::Tls,
                Remedy::Reconnect,
                format!("TLS failed: does the server use TLS, and is its certificate trusted? ({said})"),
            ),
            ErrorKind::Io if error.is_connection_refusal() || !error.is_connection_dropped() => {
                Self::new(StoreErrorKind::Unreachable, Remedy::Reconnect, said)
            }
            ErrorKind::Io => Self::new(
                StoreErrorKind::Unreachable,
                Remedy::Reconnect,
                format!("the server closed the connection; if it requires TLS, use rediss:// ({said})"),
            ),
            ErrorKind::Parse if said.contains("Unexpected end of input") => Self::new(
                StoreErrorKind::Unreachable,
                Remedy::Reconnect,
                "the connection was closed within an answer",
            ),
            ErrorKind::Parse => Self::new(
                StoreErrorKind::Malformed,
                Remedy::Reconnect,
                format!("the answer is not that of a Redis server: is the address right? ({said})"),
            ),
            ErrorKind::RESP3NotSupported => Self::new(
                StoreErrorKind::Unsupported,
                Remedy::Reconnect,
                "the server is too old: use Redis 6.2 or newer",
            ),
            ErrorKind::MasterNameNotFoundBySentinel | ErrorKind::InvalidClientConfig => {
                Self::new(StoreErrorKind::Unreachable, Remedy::Reconnect, said)
            }
            _ => Self::new(StoreErrorKind::Malformed, Remedy::Keep, said),
        }
    }
}

/// Returns `true` if the server does not know the script.
pub(super) fn is_unknown_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

/// Finds what is known about an error code. Redis 6.2 wraps the error of a command in a script in one with the code
/// `ERR`, whose text contains the code after a hyphen.
fn known(code: &str, said: &str) -> Option<&'static Code> {
    let is_wrapped = code == "ERR" && said.contains("script");
    let find =
        |known: &&Code| known.word == code || is_wrapped && said.contains(&format!("-{} ", known.word));
    let phrase = || PHRASES.iter().find(|(phrase, _)| said.contains(phrase)).map(|(_, known)| known);
    CODES.iter().find(find).or_else(phrase)
}

fn is_about_tls(said: &str) -> bool {
    ["certificate", "corrupt message", "HandshakeFailure", "peer is incompatible", "received fatal alert"]
        .iter()
        .any(|phrase| said.contains(phrase))
}

/// Returns a text without line breaks and other control characters, cut after 300 characters.
fn one_line(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the failure for an error as the server sends it.
    fn failure(answer: &str) -> Failure {
        let value = redis::parse_redis_value(format!("-{answer}\r\n").as_bytes()).expect("an error");
        Failure::from(value.extract_error().expect_err("an error"))
    }

    #[test]
    fn every_error_of_the_server_has_its_kind_and_remedy() {
        use StoreErrorKind as Kind;
        let cases = [
            ("OOM command not allowed when used memory > 'maxmemory'.", Kind::OutOfMemory, Remedy::Read),
            (
                "ERR Error running script (call to f_1): @user_script:28: @user_script: 28: -OOM command not allowed",
                Kind::OutOfMemory,
                Remedy::Read,
            ),
            ("MISCONF Redis is configured to save RDB snapshots", Kind::ReadOnly, Remedy::Read),
            ("NOREPLICAS Not enough good replicas to write.", Kind::ReadOnly, Remedy::Read),
            ("READONLY You can't write against a read only replica.", Kind::ReadOnly, Remedy::Reconnect),
            (
                "ERR Error running script (call to f_1): @user_script:1: -READONLY You can't write",
                Kind::ReadOnly,
                Remedy::Reconnect,
            ),
            ("MOVED 3999 127.0.0.1:6381", Kind::ReadOnly, Remedy::Reconnect),
            ("NOAUTH Authentication required.", Kind::Unauthenticated, Remedy::Reconnect),
            ("WRONGPASS invalid username-password pair", Kind::Unauthenticated, Remedy::Reconnect),
            ("DENIED Redis is running in protected mode", Kind::Unauthenticated, Remedy::Reconnect),
            (
                "NOPERM this user has no permissions to run the 'evalsha' command",
                Kind::Forbidden,
                Remedy::Keep,
            ),
            (
                "ERR The user executing the script can't access at least one of the keys mentioned in the command",
                Kind::Forbidden,
                Remedy::Keep,
            ),
            ("LOADING Redis is loading the dataset in memory", Kind::Loading, Remedy::Keep),
            ("MASTERDOWN Link with MASTER is down", Kind::Loading, Remedy::Reconnect),
            ("BUSY Redis is busy running a script.", Kind::Loading, Remedy::Keep),
            ("ERR max number of clients reached", Kind::Unreachable, Remedy::Reconnect),
            ("ERR unknown command 'EVALSHA', with args beginning with:", Kind::Unsupported, Remedy::Keep),
            ("WRONGTYPE Operation against a key", Kind::Malformed, Remedy::Keep),
            ("ERR something else", Kind::Malformed, Remedy::Keep),
            ("STRANGE", Kind::Malformed, Remedy::Keep),
        ];
        for (answer, kind, remedy) in cases {
            let failure = failure(answer);
            assert_eq!((failure.error.kind, failure.remedy), (kind, remedy), "{answer}: {failure:?}");
        }
    }

    #[test]
    fn an_error_is_one_line_of_bounded_length() {
        let failure = failure(&format!("ERR a\tb\u{1b}[31m{}", "x".repeat(9_999)));
        assert!(failure.error.text.len() <= 300);
        assert!(!failure.error.text.contains(char::is_control), "{}", failure.error.text);
    }

    #[test]
    fn errors_of_the_connection_are_told_apart() {
        use std::io::ErrorKind as Io;
        let failure = |kind, text: &str| Failure::from(RedisError::from(std::io::Error::new(kind, text)));
        let timed_out = failure(Io::TimedOut, "timed out");
        assert_eq!((timed_out.error.kind, timed_out.remedy), (StoreErrorKind::TimedOut, Remedy::Keep));
        let refused = failure(Io::ConnectionRefused, "refused");
        assert_eq!((refused.error.kind, refused.remedy), (StoreErrorKind::Unreachable, Remedy::Reconnect));
        let untrusted = failure(Io::InvalidData, "invalid peer certificate: UnknownIssuer");
        assert_eq!(untrusted.error.kind, StoreErrorKind::Tls);
    }
}
