//! Replaces `stream` without the feature `stream`: a function with `settle = stream` does not compile, and the error
//! names the feature.

use crate::breaker::KeptCall;

/// A stream, which needs the feature. The trait exists for its compile error.
#[diagnostic::on_unimplemented(
    message = "`settle = stream` needs the feature `stream` of breaker-runtime",
    label = "this stream cannot be guarded without the feature",
    note = "enable it in Cargo.toml: `breaker-runtime = {{ version = \"0.1\", features = [\"stream\"] }}`"
)]
pub trait AnyStream {
    /// The items of the stream.
    type Element;
}

/// Does not run: no type is a stream.
pub fn guard_opaque<S: AnyStream, C>(_: &KeptCall, stream: S, _: C) -> S {
    stream
}

/// Does not run: no type is a stream.
pub fn guard_boxed<S: AnyStream, C>(_: &KeptCall, stream: S, _: C) -> S {
    stream
}
