//! Reads what the script returns.

use std::sync::Arc;

use breaker_runtime::fleet::protocol::{Reply, SettingsConflict, SharedName, SharedRecord};
use redis::Value;

/// Reads a reply.
pub(crate) fn read(answer: &Value) -> Reply {
    type Fields = (u64, u64, u64, u32, u8, Vec<String>, Vec<String>, Vec<String>);
    let fields: Fields = redis::from_redis_value_ref(answer).expect("a reply");
    let (incarnation, version, now, alive, has_more, records, conflicts, lost) = fields;
    let mut reply = Reply {
        incarnation,
        version,
        now,
        alive,
        has_more: has_more == 1,
        records: Vec::new(),
        unreadable: Vec::new(),
        conflicts: Vec::new(),
        lost: lost.iter().map(|name| SharedName::read(name).expect("a name")).collect(),
        is_new_server: false,
    };
    for pair in records.chunks(2) {
        match (SharedName::read(&pair[0]), SharedRecord::read(&pair[1])) {
            (Some(name), Some(record)) => reply.records.push((name, record)),
            (_, None) => reply.unreadable.push(pair[0].clone()),
            (None, Some(_)) => panic!("a name: {pair:?}"),
        }
    }
    for pair in conflicts.chunks(2) {
        let settings = if pair[1] == "-" { "" } else { &pair[1] };
        let name = SharedName::read(&pair[0]).expect("a name");
        reply.conflicts.push(SettingsConflict { name, settings: Arc::from(settings) });
    }
    reply
}
