//! Temporary.
#[path = "../it/support.rs"]
#[allow(dead_code)]
mod support;
#[path = "../it/ramp.rs"]
mod ramp;
#[path = "../it/hang.rs"]
mod hang;
