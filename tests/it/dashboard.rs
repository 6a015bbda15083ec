//! The dashboard over real HTTP: responses, stream and commands. `tests/browser.rs` tests the page itself.

mod access;
mod busy;
mod candidates;
mod command_order;
mod commands;
mod drills;
mod configure;
mod fleet;
mod health;
mod input;
mod json;
mod large;
mod routes;
mod server;
mod shutdown;
mod stream;
mod transitions;
