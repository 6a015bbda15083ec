//! Reads the answer of a script.
//!
//! Anyone with access to the server can write records, so each of them is checked.

use std::sync::Arc;

use redis::Value;

use super::error::Failure;
use crate::fleet::protocol::{Reply, SettingsConflict, SharedName, decode, read_pair};
use crate::printable::start_of;

/// The longest part of a name that cannot be read that is reported.
const MAX_REPORTED_CHARS: usize = 100;

/// The longest description of settings, in bytes. A longer one, which another program has written, is cut.
const MAX_SETTINGS: usize = 2048;

/// The answer of the script.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Reply(Reply),
    /// The request was executed after its deadline, and had no effect.
    Stale,
}

/// Reads an answer.
pub(super) fn read(value: Value) -> Result<Answer, Failure> {
    let fields = array(value)?;
    if let [Value::BulkString(word)] = fields.as_slice()
        && word == b"stale"
    {
        return Ok(Answer::Stale);
    }
    let Ok([incarnation, version, now, alive, has_more, records, conflicts, lost]) =
        <[Value; 8]>::try_from(fields)
    else {
        return Err(Failure::malformed("the answer of the script has another length"));
    };
    let mut reply = Reply {
        incarnation: number(&incarnation)?,
        version: number(&version)?,
        now: number(&now)?,
        alive: number(&alive)?,
        has_more: number::<u64>(&has_more)? != 0,
        records: Vec::new(),
        unreadable: Vec::new(),
        conflicts: Vec::new(),
        lost: array(lost)?.iter().filter_map(|name| SharedName::read(text(name)?)).collect(),
        is_new_server: false,
    };
    for pair in array(records)?.chunks(2) {
        let [name, record] = pair else { continue };
        match text(name).zip(text(record)).and_then(|(name, record)| read_pair(name, record)) {
            Some(pair) => reply.records.push(pair),
            None => reply.unreadable.push(printable(name)),
        }
    }
    for pair in array(conflicts)?.chunks(2) {
        let [name, settings] = pair else { continue };
        if let Some(name) = text(name).and_then(SharedName::read) {
            let settings = text(settings).and_then(decode).unwrap_or_else(|| printable(settings));
            let settings = Arc::from(start_of(&settings, MAX_SETTINGS));
            reply.conflicts.push(SettingsConflict { name, settings });
        }
    }
    Ok(Answer::Reply(reply))
}

fn array(value: Value) -> Result<Vec<Value>, Failure> {
    match value {
        Value::Array(values) => Ok(values),
        Value::ServerError(error) => Err(Failure::from(redis::RedisError::from(error))),
        _ => Err(Failure::malformed("the answer of the script has another form")),
    }
}

fn number<T: TryFrom<i64>>(value: &Value) -> Result<T, Failure> {
    let Value::Int(number) = value else {
        return Err(Failure::malformed("the answer of the script lacks a number"));
    };
    T::try_from(*number).map_err(|_| Failure::malformed(format!("the script returned the number {number}")))
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

/// Returns a text that can be shown.
fn printable(value: &Value) -> String {
    let bytes = match value {
        Value::BulkString(bytes) => bytes.as_slice(),
        _ => b"?",
    };
    String::from_utf8_lossy(bytes).escape_debug().take(MAX_REPORTED_CHARS).collect()
}

#[cfg(test)]
#[allow(clippy::panic, clippy::indexing_slicing, reason = "a test fails there")]
mod tests {
    use super::*;
    use crate::fleet::protocol::SharedRecord;
    use crate::fleet::store::StoreErrorKind;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn answer(records: Vec<Value>, conflicts: Vec<Value>, lost: Vec<Value>) -> Value {
        let numbers = [1, 2, 3, 4, 1].map(Value::Int);
        Value::Array(numbers.into_iter().chain([records, conflicts, lost].map(Value::Array)).collect())
    }

    fn reply(answer: Value) -> Reply {
        match read(answer) {
            Ok(Answer::Reply(reply)) => reply,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_reply_is_read() {
        let record = SharedRecord::closed();
        let name = SharedName::new("a b", None);
        let records = vec![bulk(name.as_str()), bulk(&record.to_string())];
        let conflicts = vec![bulk(name.as_str()), bulk("5%25")];
        let reply = reply(answer(records, conflicts, vec![bulk(name.as_str())]));
        assert_eq!((reply.incarnation, reply.version, reply.now, reply.alive), (1, 2, 3, 4));
        assert!(reply.has_more);
        assert_eq!(reply.records, [(name.clone(), record)]);
        assert_eq!(reply.conflicts, [SettingsConflict { name: name.clone(), settings: Arc::from("5%") }]);
        assert_eq!(reply.lost, [name]);
        assert_eq!(read(Value::Array(vec![bulk("stale")])).expect("valid"), Answer::Stale);
    }

    #[test]
    fn hostile_records_are_listed_and_the_others_are_read() {
        let good = SharedRecord::closed().to_string();
        let records = vec![
            bulk("broken"),
            bulk("1 c"),
            Value::BulkString(vec![0xff, b'\n']),
            bulk(&good),
            Value::Nil,
            Value::Array(vec![Value::Array(vec![Value::Nil])]),
            Value::Int(i64::MIN),
            bulk(&good),
            bulk(&"n".repeat(100_000)),
            bulk(&good),
            bulk("huge"),
            bulk("1 o 18446744073709551615 0 0 0 0 - 0 - 0 - - - - -"),
            bulk("pay"),
            bulk(&good),
            bulk("alone"),
        ];
        let reply =
            reply(answer(records, vec![Value::Nil, bulk("a/b/c"), bulk("x")], vec![bulk(""), Value::Nil]));
        assert_eq!(reply.records, [(SharedName::new("pay", None), SharedRecord::closed())]);
        let long = "n".repeat(MAX_REPORTED_CHARS);
        assert_eq!(reply.unreadable, ["broken", "\u{fffd}\\n", "?", "?", &long, "huge"]);
        assert!(reply.conflicts.is_empty() && reply.lost.is_empty());
    }

    #[test]
    fn an_answer_of_another_form_is_an_error() {
        let huge = |position: usize, value: Value| {
            let Value::Array(mut fields) = answer(vec![], vec![], vec![]) else { unreachable!() };
            fields[position] = value;
            Value::Array(fields)
        };
        let answers = [
            Value::Nil,
            Value::Okay,
            Value::Int(7),
            Value::Array(vec![]),
            Value::Array(vec![bulk("fresh")]),
            Value::Map(vec![(Value::Nil, Value::Nil)]),
            huge(0, Value::Int(-1)),
            huge(0, Value::Nil),
            huge(3, Value::Int(i64::MAX)),
            huge(5, Value::Int(0)),
            huge(7, Value::Nil),
        ];
        for answer in answers {
            let failure = read(answer.clone()).expect_err("no reply");
            assert_eq!(failure.error.kind, StoreErrorKind::Malformed, "{answer:?}");
        }
    }
}
