//! breaker together with the crates that its users have: tower, hyper, tonic, reqwest, governor, backon and others, with
//! real servers on loopback.
//!
//! | file | contents |
//! |---|---|
//! | `config_documents.rs` | documents with settings, and their mistakes |
//! | `config_drills.rs` | drills of configuration files |
//! | `config_environment.rs` | settings from variables of the environment |
//! | `config_files.rs` | files with settings that change |
//! | `config_late_breakers.rs` | breakers that are registered after settings that contradict them |
//! | `config_types.rs` | settings and drills as types of serde |
//! | `queue_support.rs` | what the tests of queues share |
//! | `queue_adding.rs` | adding items to a queue for rejected calls |
//! | `queue_delivery.rs` | delivering them |
//! | `queue_cancellation.rs` | pushes and drains that are dropped |
//! | `queue_failures.rs` | stores that fail, in memory and in SQLite files |
//! | `queue_slow_stores.rs` | stores whose operations take time and go on when they are dropped |
//! | `inner_calls.rs` | calls of a circuit inside its own streams and services |
//! | `calls_in_drops.rs` | parts of a call that make a call of the same circuit when they are dropped |
//! | `observed_calls.rs` | recorders and candidates see all calls |
//! | `observed_times.rs` | the times that recorders and candidates see, and that they affect no call |
//! | `recorder.rs` | the calls of a breaker as a trace |
//! | `../examples/queue/store.rs` | the store of the example |
//! | `../examples/grpc/text.rs` | the codec of the example, whose messages are text |
//! | `grpc_server.rs` | a server of tonic whose messages are text, and a client for it |
//! | `grpc_heads.rs` | gRPC responses whose head decides, or that no server for gRPC has sent |
//! | `drills.rs` | drills on the calls of services and streams |
//! | `failure_texts.rs` | errors of services and bodies whose `Display` fails, panics or does not end |
//! | `services.rs` | a breaker on a manual clock, and a service that checks how it is used |
//! | `tonic_calls.rs` | circuits of gRPC calls, with a client and a server of tonic |
//! | `tower_bodies.rs` | calls that last until the body of their response has ended |
//! | `tower_contract.rs` | the contract of the layer for tower |
//! | `tower_reservations.rs` | what a ready service has reserved is released by a rejection |
//! | `tower_servers.rs` | the layer with axum, hyper and reqwest |
//! | `tower_settings.rs` | every setting applies to the calls of a service |
//! | `database.rs` | rusqlite in sync functions, a pool of deadpool in async ones |
//! | `http.rs` | outcomes of statuses and `Retry-After` with reqwest, rejections as responses of axum |
//! | `composition.rs` | rate limit, timeout, breaker, retry, bulkhead and fallback in every order |
//! | `scripted_stream.rs` | a stream that follows a script, for the tests of streams |
//! | `streams.rs` | `guard_stream` |
//! | `slow_consumers.rs` | streams and bodies whose consumer does other work |
//! | `streams_of_functions.rs` | `settle = stream` |
//! | `streams_over_http.rs` | `settle = stream` with a real server |

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test whose preconditions fail has failed"
)]

#[path = "ecosystem/calls_in_drops.rs"]
mod calls_in_drops;
#[path = "ecosystem/config_documents.rs"]
mod config_documents;
#[path = "ecosystem/config_drills.rs"]
mod config_drills;
#[path = "ecosystem/config_environment.rs"]
mod config_environment;
#[path = "ecosystem/config_files.rs"]
mod config_files;
#[path = "ecosystem/config_late_breakers.rs"]
mod config_late_breakers;
#[path = "ecosystem/config_types.rs"]
mod config_types;
#[path = "ecosystem/queue_adding.rs"]
mod queue_adding;
#[path = "ecosystem/queue_cancellation.rs"]
mod queue_cancellation;
#[path = "ecosystem/queue_delivery.rs"]
mod queue_delivery;
#[path = "ecosystem/queue_failures.rs"]
mod queue_failures;
#[path = "ecosystem/queue_slow_stores.rs"]
mod queue_slow_stores;
#[path = "ecosystem/queue_support.rs"]
mod queue_support;
#[path = "ecosystem/inner_calls.rs"]
mod inner_calls;
#[path = "ecosystem/observed_calls.rs"]
mod observed_calls;
#[path = "ecosystem/observed_times.rs"]
mod observed_times;
#[path = "ecosystem/recorder.rs"]
mod recorder;
#[path = "../examples/queue/store.rs"]
mod sqlite_store;
#[path = "../examples/grpc/text.rs"]
mod text_codec;
#[path = "ecosystem/drills.rs"]
mod drills;
#[path = "ecosystem/grpc_server.rs"]
mod grpc_server;
#[path = "ecosystem/grpc_heads.rs"]
mod grpc_heads;
#[path = "ecosystem/failure_texts.rs"]
mod failure_texts;
#[path = "ecosystem/services.rs"]
mod services;
#[path = "ecosystem/tonic_calls.rs"]
mod tonic_calls;
#[path = "ecosystem/tower_bodies.rs"]
mod tower_bodies;
#[path = "ecosystem/tower_contract.rs"]
mod tower_contract;
#[path = "ecosystem/tower_reservations.rs"]
mod tower_reservations;
#[path = "ecosystem/tower_servers.rs"]
mod tower_servers;
#[path = "ecosystem/tower_settings.rs"]
mod tower_settings;
#[path = "ecosystem/database.rs"]
mod database;
#[path = "ecosystem/http.rs"]
mod http;
#[path = "ecosystem/composition.rs"]
mod composition;
#[path = "ecosystem/scripted_stream.rs"]
mod scripted_stream;
#[path = "ecosystem/streams.rs"]
mod streams;
#[path = "ecosystem/slow_consumers.rs"]
mod slow_consumers;
#[path = "ecosystem/streams_of_functions.rs"]
mod streams_of_functions;
#[path = "ecosystem/streams_over_http.rs"]
mod streams_over_http;
