//! The scripts, and how one is run.

use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisError, Value};

use super::error::is_unknown_script;

/// A script. The server remembers it by its hash.
#[derive(Debug)]
pub(super) struct Script {
    text: &'static str,
    hash: String,
}

/// The two scripts.
#[derive(Debug)]
pub(super) struct Scripts {
    /// Delivers reports and returns what has changed.
    pub(super) sync: Script,
    /// Returns what has changed.
    pub(super) read: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            sync: Script::new(concat!(include_str!("common.lua"), "\n", include_str!("sync.lua"))),
            read: Script::new(concat!(include_str!("common.lua"), "\n", include_str!("read.lua"))),
        }
    }
}

impl Script {
    fn new(text: &'static str) -> Self {
        Self { text, hash: redis::Script::new(text).get_hash().to_owned() }
    }

    /// Runs the script. Sends its text if the server does not remember it, for example because it was restarted.
    pub(super) async fn run(
        &self,
        connection: &mut MultiplexedConnection,
        keys: &[String],
        arguments: &[String],
    ) -> Result<Value, RedisError> {
        let command = |name: &str, script: &str| -> Cmd {
            let mut command = redis::cmd(name);
            command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
            command
        };
        match command("EVALSHA", &self.hash).query_async(connection).await {
            Err(error) if is_unknown_script(&error) => {
                command("EVAL", self.text).query_async(connection).await
            }
            answer => answer,
        }
    }
}
