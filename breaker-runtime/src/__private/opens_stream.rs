//! The key `settle`: the stream that a function returns continues the call.

use super::classifier::{IfError, classifier_for};
use crate::integrations::AnyStream;

/// The output of a function that opens a stream. The trait exists for its compile error.
#[diagnostic::on_unimplemented(
    message = "`settle = stream` needs a function that returns a `Result` with a stream, found `{Self}`",
    label = "this must be a `Result<impl Stream<Item = Result<_, _>>, _>`",
    note = "return `Result<impl Stream<Item = Result<_, _>>, _>` or \
            `Result<Pin<Box<dyn Stream<Item = Result<_, _>> + Send>>, _>`, or remove `settle`"
)]
pub trait OpensStream {
    /// The stream.
    type Stream;
    /// The error of a call that opened no stream.
    type Error;

    /// Returns the stream or the error.
    ///
    /// # Errors
    ///
    /// Returns the error of a call that opened no stream.
    fn opened(self) -> Result<Self::Stream, Self::Error>;
}

#[diagnostic::do_not_recommend]
impl<S, E> OpensStream for Result<S, E> {
    type Stream = S;
    type Error = E;

    #[inline]
    fn opened(self) -> Self {
        self
    }
}

/// An item that can be a failure. The trait exists for its compile error.
#[diagnostic::on_unimplemented(
    message = "the items of a stream with `settle = stream` must be `Result`s, found `{Self}`",
    label = "the items of this stream must be `Result<_, _>`",
    note = "an item that is an `Err` shows that the stream has failed; call \
            `integrations::stream::guard_stream` yourself to classify other items"
)]
pub trait ItemResult {}

#[diagnostic::do_not_recommend]
impl<T, E> ItemResult for Result<T, E> {}

/// Returns the stream that a function has opened.
///
/// # Errors
///
/// Returns the error of a call that opened no stream.
#[inline]
pub fn opened<T: OpensStream>(output: T) -> Result<T::Stream, T::Error> {
    output.opened()
}

/// Returns the first step to the classifier of the items of a stream; see [`classifier_for`]. Generated code names the
/// type of the items if the signature does, because the body alone may not determine it.
#[must_use]
pub const fn items_of<S: AnyStream<Element = I>, I: ItemResult>(_: &S) -> IfError<I> {
    classifier_for()
}
