//! Settings from TOML and JSON files and from the environment, reloaded when a file changes (feature `config`).
//!
//! [`docs::configuration`](crate::docs::configuration) shows how to use it, from the first file to a `ConfigMap` of
//! Kubernetes.
//!
//! # Documents
//!
//! ```toml
//! [breakers.payment]          # the circuit breaker named "payment"
//! failure_threshold = 10
//! recovery_timeout = "10s"
//!
//! [breakers."pay*"]           # all whose name begins with "pay"
//! jitter = 0.5
//!
//! [breakers."*"]              # all circuit breakers
//! call_timeout = "default"    # returns to the default, whatever the code says
//!
//! [breakers.hosts.keys."eu-1"] # one key of "hosts"
//! failure_threshold = 50
//! ```
//!
//! The settings are those of [`Setting`](crate::Setting), with the names, ranges and messages of the attribute. Counts
//! are integers, shares and factors are numbers, times are texts such as `"30s"` or `"1h30m"`, and `window` is a number
//! of calls or a time. A name takes precedence over patterns, and a pattern over shorter ones. In JSON, the document
//! above begins with `{"breakers": {"payment": {"failure_threshold": 10, ..`.
//!
//! # Drills
//!
//! With the feature `chaos`, a document also starts drills, which fail or delay calls for a limited time:
//!
//! ```toml
//! [drills.payment]            # all circuits of exactly this breaker
//! fail = 0.3                  # the share of the calls that fail
//! delay = "2s"                # the time by which calls are delayed
//! delay_share = 0.5           # the share of the calls that are delayed; by default all
//! for = "10m"                 # the end, which is required
//!
//! [drills.hosts.keys."eu-1"]  # one key of "hosts"
//! fail = 1
//! for = "1m"
//! ```
//!
//! The values are those of `chaos::Drill::parse`, with its checks and messages. Names contain no patterns. The start of
//! the process, and each load that finds the section for the first time or changed, starts the drill. An unchanged
//! section does not start it again, also after its end, except that the drill of a key goes on for the time that
//! remains when a new drill of all keys replaces it. Without the section, the drill ends. Variables of the environment
//! start no drills.
//!
//! # The environment
//!
//! `BREAKER__PAYMENT__FAILURE_THRESHOLD=10` sets the threshold of "payment". A variable consists of `BREAKER`, the name
//! of the breaker and the setting, with two underscores in between. In the name, each character that is neither an
//! ASCII letter nor a digit is an underscore, and case is ignored: `BREAKER__SHOP__GET__JITTER=0.5` is a setting of
//! `shop::get`. A variable that matches two breakers is an error. If the second one is registered after the first load,
//! the variable applies to both, and a warning says so. `BREAKER__*__JITTER=0.5` is a setting of all breakers.
//! Keys have no variables.
//!
//! # Files
//!
//! | file | contents |
//! |---|---|
//! | `mistake.rs` | mistakes, and the error of a refused configuration |
//! | `nearest.rs` | the name that a misspelled one resembles |
//! | `tree.rs` | a document as a tree of tables and values |
//! | `toml_depth.rs` | limits the depth of TOML |
//! | `toml_tree.rs` | reads TOML |
//! | `json_tree.rs` | reads JSON |
//! | `sections.rs` | the tables and settings of a document |
//! | `document.rs` | a document, its formats and its checks |
//! | `drills.rs` | the drills of a configuration |
//! | `configuration.rs` | the configuration as a type of serde |
//! | `environment.rs` | settings from variables |
//! | `files.rs` | files and their contents |
//! | `report.rs` | the effects of a configuration |
//! | `reader.rs` | reads files and the environment, once or again and again |

mod configuration;
mod document;
mod drills;
mod environment;
mod files;
mod json_tree;
mod mistake;
mod nearest;
mod reader;
mod report;
mod sections;
mod toml_depth;
mod toml_tree;
mod tree;

pub use configuration::{BreakerConfiguration, Configuration};
pub use document::{ConfigDocument, ConfigFormat};
pub use drills::UnstartedDrill;
pub use mistake::{ConfigLoadError, ConfigMistake};
pub use reader::ConfigReader;
pub use report::{ConfigLoadReport, UnmatchedSection};
