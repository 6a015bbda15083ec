#![allow(dead_code)]
#[path = "it/settings_together.rs"]
mod settings_together;
#[path = "it/support.rs"]
mod support;
