//! The facts about a server that are queried after connecting to it.

use redis::Value;

use super::connection::Connection;
use super::error::{Failure, Remedy};
use crate::fleet::store::StoreErrorKind;

/// The oldest version that the scripts run on.
const OLDEST: (u32, u32) = (6, 2);

/// The facts that a server reports about itself. A limited user may not have the permission to read them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ServerFacts {
    /// A number that each start of a server has for itself.
    pub(super) run_id: Option<String>,
    /// `true` if the server deletes keys when it is out of memory.
    pub(super) can_evict: bool,
}

/// Checks that the server is a master and new enough, and subscribes to the channel.
pub(super) async fn inspect(connection: &mut Connection, channel: &str) -> Result<ServerFacts, Failure> {
    if let Some(Value::Array(role)) = ask(connection, &["ROLE"]).await?
        && let Some(role) = role.first()
        && !is_text(role, "master")
    {
        let text = "the server is a replica: connect to the master, or through Sentinel";
        return Err(Failure::new(StoreErrorKind::ReadOnly, Remedy::Reconnect, text));
    }
    let mut facts = ServerFacts::default();
    if let Some(server) = info(ask(connection, &["INFO", "server"]).await?) {
        facts.run_id = field(&server, "run_id").map(str::to_owned);
        if let Some(version) = field(&server, "redis_version") {
            check_version(version)?;
        }
    }
    if let Some(memory) = info(ask(connection, &["INFO", "memory"]).await?) {
        // Other policies delete only keys that expire, and these do not.
        let is_evicting = field(&memory, "maxmemory_policy").is_some_and(|name| name.starts_with("allkeys"));
        facts.can_evict = is_evicting && field(&memory, "maxmemory").is_some_and(|limit| limit != "0");
    }
    if connection.has_push {
        let subscribed = connection.client.subscribe(channel).await.map_err(Failure::from);
        connection.has_push = allowed(subscribed)?.is_some();
    }
    Ok(facts)
}

/// Returns the answer to a command; `None` if the server refuses it.
async fn ask(connection: &mut Connection, command: &[&str]) -> Result<Option<Value>, Failure> {
    let mut arguments = command.iter();
    let mut command = redis::cmd(arguments.next().copied().unwrap_or_default());
    for argument in arguments {
        command.arg(argument);
    }
    allowed(command.query_async(&mut connection.client).await.map_err(Failure::from))
}

fn allowed<T>(answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(failure) if failure.is_refusal() => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn check_version(version: &str) -> Result<(), Failure> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    let (Some(Some(major)), Some(Some(minor))) = (parts.next(), parts.next()) else {
        return Ok(());
    };
    if (major, minor) >= OLDEST {
        return Ok(());
    }
    let text = format!("the server has version {version}: use Redis 6.2 or newer");
    Err(Failure::new(StoreErrorKind::Unsupported, Remedy::Reconnect, text))
}

fn is_text(value: &Value, expected: &str) -> bool {
    match value {
        Value::BulkString(bytes) => bytes == expected.as_bytes(),
        Value::SimpleString(text) => text == expected,
        _ => false,
    }
}

fn info(answer: Option<Value>) -> Option<String> {
    match answer? {
        Value::BulkString(bytes) => String::from_utf8(bytes).ok(),
        Value::VerbatimString { text, .. } | Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

/// Returns a field of the server's description.
fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_versions_are_refused_and_strange_ones_are_tried() {
        for version in ["2.8.0", "6.0.16", "6.1.9"] {
            let failure = check_version(version).expect_err(version);
            assert_eq!(failure.error.kind, StoreErrorKind::Unsupported);
            assert!(failure.error.text.contains(version));
        }
        for version in ["6.2.0", "7.0.15", "8.0.0", "255.255.255", "unstable", ""] {
            assert!(check_version(version).is_ok(), "{version}");
        }
    }

    #[test]
    fn fields_of_the_description_are_found() {
        let text = "# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n";
        assert_eq!(field(text, "maxmemory"), Some("0"));
        assert_eq!(field(text, "maxmemory_policy"), Some("allkeys-lru"));
        assert_eq!(field(text, "run_id"), None);
    }
}
