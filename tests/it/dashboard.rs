//! The dashboard over real HTTP: what it answers, what it streams, whom it obeys. What the page makes of it is
//! in `tests/browser.rs`.

mod controls;
mod health;
mod json;
mod routes;
mod server;
mod stream;
