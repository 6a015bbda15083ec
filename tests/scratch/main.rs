#![allow(dead_code, unused)]
#[path = "../it/support.rs"]
mod support;
#[path = "../it/errors.rs"]
mod errors;
#[path = "../it/scopes.rs"]
mod scopes;
#[path = "../it/paused_time.rs"]
mod paused_time;
#[path = "../it/timeouts.rs"]
mod timeouts;
#[path = "../it/time_windows.rs"]
mod time_windows;
