//! The streams that functions with `settle = stream` return. `no_stream.rs` replaces this module without the feature.

use std::pin::Pin;

use futures_core::Stream;

use super::guarded::GuardedStream;
use crate::breaker::KeptCall;
use crate::classifier::Classifier;

/// A stream. The trait exists for its compile error.
#[diagnostic::on_unimplemented(
    message = "`settle = stream` needs a stream, found `{Self}`",
    label = "this must be a `Stream<Item = Result<_, _>>`",
    note = "return `Result<impl Stream<Item = Result<_, _>>, _>` or \
            `Result<Pin<Box<dyn Stream<Item = Result<_, _>> + Send>>, _>`, or remove `settle`"
)]
pub trait AnyStream: Stream<Item = <Self as AnyStream>::Element> {
    /// The items of the stream.
    type Element;
}

#[diagnostic::do_not_recommend]
impl<S: Stream> AnyStream for S {
    type Element = S::Item;
}

/// A boxed stream, whose type does not name the stream in the box.
#[diagnostic::on_unimplemented(
    message = "`settle = stream` cannot return the stream as a `{Self}`",
    label = "a stream of this type cannot hold the call",
    note = "return `Result<impl Stream<Item = Result<_, _>>, _>` or \
            `Result<Pin<Box<dyn Stream<Item = Result<_, _>> + Send>>, _>`"
)]
pub trait BoxedStream<C>: AnyStream + Sized {
    /// Puts the guarded stream into a box of the same type.
    fn boxed(guarded: GuardedStream<Self, C>) -> Self;
}

macro_rules! boxed_streams {
    ($($bounds:tt)*) => {
        #[diagnostic::do_not_recommend]
        impl<'s, I: 's, C: Classifier<I> $($bounds)* + 's> BoxedStream<C>
            for Pin<Box<dyn Stream<Item = I> $($bounds)* + 's>>
        {
            fn boxed(guarded: GuardedStream<Self, C>) -> Self {
                Box::pin(guarded)
            }
        }
    };
}

boxed_streams!();
boxed_streams!(+ Send);
boxed_streams!(+ Send + Sync);

/// Guards a stream of a function that returns an `impl Stream`.
pub fn guard_opaque<S: AnyStream, C: Classifier<S::Item>>(
    kept: &KeptCall,
    stream: S,
    classifier: C,
) -> GuardedStream<S, C> {
    GuardedStream::new(kept.take(), stream, classifier)
}

/// Guards a boxed stream. Without a permit it stays as it is.
pub fn guard_boxed<S: BoxedStream<C>, C>(kept: &KeptCall, stream: S, classifier: C) -> S {
    match kept.take() {
        Some(permit) => S::boxed(GuardedStream::new(Some(permit), stream, classifier)),
        None => stream,
    }
}
