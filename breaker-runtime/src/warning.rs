//! Messages to the operators of a program about what nothing else reports. They are lines on stderr, unless an
//! integration passes them on.

use std::fmt::Display;
use std::io::Write as _;

use once_cell::sync::OnceCell;

use crate::sync::catch_panic;

/// The severity of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Something does not work as the program intends.
    Warning,
    /// It works again.
    Note,
}

/// Passes a message on. Returns `false` if nothing receives it. It may run user code, and panic.
pub(crate) type MessageSink = fn(Severity, &dyn Display) -> bool;

static SINK: OnceCell<MessageSink> = OnceCell::new();

/// Passes all further messages of the process to `sink`, unless an earlier one receives them already.
#[allow(dead_code, reason = "only the integration `tracing` passes messages on")]
pub(crate) fn pass_to(sink: MessageSink) {
    _ = SINK.set(sink);
}

/// Reports that something does not work as the program intends.
#[cold]
pub(crate) fn warn(message: impl Display) {
    report(Severity::Warning, &message);
}

/// Reports that something works again.
#[allow(
    dead_code,
    reason = "only the features `config` and `redis` depend on something that may fail and return"
)]
#[cold]
pub(crate) fn note(message: impl Display) {
    report(Severity::Note, &message);
}

fn report(severity: Severity, message: &dyn Display) {
    let is_passed_on = SINK.get().and_then(|pass_on| catch_panic(|| pass_on(severity, message)));
    if is_passed_on != Some(true) {
        let label = match severity {
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        // Unlike `eprintln!`, this does not panic if stderr is closed.
        _ = writeln!(std::io::stderr(), "{label}: {message}");
    }
}
