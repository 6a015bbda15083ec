//! The Redis server: how much work it has done between two moments.

use std::time::{Duration, Instant};

use super::redis_server::RedisServer;

/// What the server had done until a moment.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    at: Instant,
    /// Calls of the script, and the processor time of the server, in seconds.
    calls: f64,
    script_seconds: f64,
    cpu_seconds: f64,
}

/// The work of the server over a time.
#[derive(Clone, Copy)]
pub(crate) struct Work {
    pub(crate) calls: f64,
    pub(crate) calls_per_second: f64,
    /// Share of a core, in percent.
    pub(crate) share: f64,
    pub(crate) time_per_call: Duration,
}

impl Load {
    pub(crate) fn read(server: &RedisServer) -> Self {
        let info = server.cli(&["info", "everything"]);
        let number =
            |text: Option<&str>| text.and_then(|text| text.trim().parse::<f64>().ok()).unwrap_or(0.0);
        let field = |name: &str| number(info.lines().find_map(|line| line.strip_prefix(name)));
        let script = info.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:")).unwrap_or_default();
        let part = |name: &str| number(script.split(',').find_map(|part| part.strip_prefix(name)));
        Self {
            at: Instant::now(),
            calls: part("calls="),
            script_seconds: part("usec=") / 1e6,
            cpu_seconds: field("used_cpu_user:") + field("used_cpu_sys:"),
        }
    }

    /// Returns the work of the server since then.
    pub(crate) fn work_since(self, server: &RedisServer) -> Work {
        let now = Self::read(server);
        let seconds = now.at.duration_since(self.at).as_secs_f64();
        let calls = now.calls - self.calls;
        Work {
            calls,
            calls_per_second: calls / seconds,
            share: 100.0 * (now.cpu_seconds - self.cpu_seconds) / seconds,
            time_per_call: Duration::from_secs_f64(
                (now.script_seconds - self.script_seconds) / calls.max(1.0),
            ),
        }
    }
}
