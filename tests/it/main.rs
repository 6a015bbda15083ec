//! Tests of the public API: one module per area of behavior, per group of annotated functions, and per group
//! of bugs that were reported against other attribute macros.
//!
//! A comment such as "regression of tokio#4175" names a bug of another library. The test checks that this
//! library does not have it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unchecked_time_subtraction,
    reason = "a panic fails the test"
)]

mod assertions;
mod attribute;
mod attribute_breaker;
mod attribute_config;
mod attribute_config_limits;
mod attribute_fallback_on;
mod attribute_fallback_totals;
mod attribute_keys;
mod attribute_limits;
mod attribute_panics;
mod attribute_classifiers;
mod attribute_settings;
mod attribute_sizes;
mod bad_input;
mod before_first_call;
mod wait_closed;
mod totals;
mod dashboard;
mod declarations;
mod drill_ends;
mod drill_slots;
mod drills;
mod extreme_settings;
mod facade_recorder;
mod figures_agree;
mod error_responses;
mod errors;
mod events;
mod eviction;
mod generations;
mod hang;
mod hidden_characters;
mod hostile;
mod hygiene;
mod inner_breakers;
mod inner_breakers_stack;
mod keyed;
mod keys_in_use;
mod last_good;
mod last_good_shapes;
mod leases;
mod live_settings;
mod bulkhead;
mod call_events;
mod call_spans;
mod candidate_keys;
mod candidates;
mod cancelled_after;
mod configure;
mod conflict_reports;
mod bulkhead_changes;
mod bulkhead_offers;
mod bulkhead_timers;
mod bulkhead_threads;
mod bulkhead_trials;
mod bulkhead_waits;
mod locks;
mod max_open;
mod max_open_histories;
mod max_open_limits;
mod max_open_settings;
mod max_open_trials;
mod fleet_metrics;
mod metrics;
mod metrics_facade;
mod modes;
mod nested;
mod registry;
mod operator;
mod operator_messages;
mod reported_arguments;
mod reported_attributes;
mod reported_futures;
mod reported_generics;
mod reported_macros;
mod reported_names;
mod reported_returns;
mod reported_tails;
mod panicking_drops;
mod panicking_waker_drops;
mod panicking_wakers;
mod panics_and_cancellation;
mod partial_config;
mod paused_time;
mod owned_permits;
mod permits;
mod promotions;
mod public_types;
mod ramp;
mod recovery;
mod retry_after;
mod retry_budget;
mod classifiers;
mod opening_rules;
mod scopes;
mod settings_by_hand;
mod settings_together;
mod shared_circuits;
mod shapes_returns;
mod shapes_send;
mod serialization;
mod shapes_async;
mod shapes_async_trait;
mod shapes_lifetimes;
mod shapes_never;
mod shapes_receivers;
mod shapes_services;
mod shapes_sync;
mod snapshots;
mod states;
mod subscriptions;
mod support;
mod thread_exit;
mod time_windows;
mod timeouts;
mod trials;
mod window_changes;
mod would_admit;
mod unclonable_arguments;
