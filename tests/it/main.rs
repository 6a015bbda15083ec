//! The library from outside: a module for each promise and one for each group of shapes.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot get what it needs has failed"
)]

mod assertions;
mod attribute;
mod attribute_breaker;
mod attribute_fallback_on;
mod attribute_fallback_totals;
mod attribute_keys;
mod attribute_limits;
mod attribute_panics;
mod attribute_results;
mod attribute_rules;
mod attribute_sizes;
mod bad_input;
mod closed;
mod counts;
mod dashboard;
mod declared;
mod edges;
mod events;
mod generations;
mod hostile;
mod hygiene;
mod keyed;
mod limits;
mod limits_applied;
mod metrics;
mod modes;
mod names;
mod operator;
mod others_arguments;
mod others_attributes;
mod others_futures;
mod others_generics;
mod others_names;
mod others_returns;
mod others_tails;
mod panics_and_cancellation;
mod paused_time;
mod permits;
mod recovery;
mod results;
mod rules;
mod scopes;
mod serialization;
mod shapes_answers;
mod shapes_async;
mod shapes_async_trait;
mod shapes_receivers;
mod shapes_sync;
mod snapshots;
mod states;
mod subscriptions;
mod support;
mod time_windows;
mod timeouts;
mod trials;
mod windows_applied;
