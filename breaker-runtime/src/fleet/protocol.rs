//! The data that the processes of a fleet exchange through the store, and their text encoding.
//!
//! Nothing here reads a clock or performs I/O. A text from the store may come from anyone who can write to it, so
//! reading one never panics.
//!
//! | file | contents |
//! |---|---|
//! | `text.rs` | the encoding of texts, and the reader of fields |
//! | `name.rs` | the name of a circuit in the store |
//! | `instance.rs` | the identity of a process |
//! | `record.rs` | the shared state of one circuit |
//! | `report.rs` | what a process reports about a circuit |
//! | `exchange.rs` | a request to the store, its reply, and the messages that the store pushes |

mod exchange;
mod instance;
mod name;
mod record;
mod report;
mod text;

pub(crate) use exchange::read_pair;
pub use exchange::{MAX_REQUEST_TIME, Push, REQUEST_TIME, Reply, Request, SettingsConflict};
pub use instance::InstanceId;
pub use name::SharedName;
pub(crate) use record::MAX_COMMAND_TEXT;
pub use record::{Command, CommandKind, ProbeLease, RecordState, SharedRecord};
pub(crate) use report::REPORT_ARGUMENTS;
pub use report::{ForceKind, Policy, Report, ReportKind};
pub(crate) use text::{decode, encode};
