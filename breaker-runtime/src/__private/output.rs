//! The output of an async function: the type of its body, and the value of its fallback, which may be a
//! future.

use core::convert::Infallible;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll};

use pin_project_lite::pin_project;

/// Fixes the output type of an async body to `T`.
///
/// Generated code contains a `return` of this call that never runs.
#[must_use]
pub fn fix_output_type<T>() -> T {
    std::process::abort()
}

/// Returns the output of a fallback or a future of it, whichever the fallback returned.
#[inline]
pub fn resolve<T, F, V: IntoFutureOf<T, F>>(value: V) -> Resolution<T, F> {
    value.into_resolution()
}

/// The value of a fallback in an async function.
///
/// The output itself is not a future, because the protected function would store such a future while it awaits it. It
/// would then be `Send` only if its output is.
#[derive(Debug)]
#[must_use = "the output of a fallback is the output of the call"]
pub enum Resolution<T, F> {
    /// The output.
    Output(T),
    /// A future of the output.
    Future(Resolved<T, F>),
}

pin_project! {
    /// A future of a `T`.
    ///
    /// The struct has no bound that relates `T` and `F`: when the compiler proves that the future of a
    /// protected function is `Send`, it erases the lifetimes in its types, and cannot prove a bound that
    /// depends on them.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Resolved<T, F> {
        #[pin]
        future: F,
        output: PhantomData<fn() -> T>,
    }
}

/// The future of a fallback that returns the output itself. It does not exist.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct NoFuture<T> {
    never: Infallible,
    output: PhantomData<fn() -> T>,
}

impl<T, F: Future<Output = T>> Future for Resolved<T, F> {
    type Output = T;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.project().future.poll(context)
    }
}

impl<T> Future for NoFuture<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        match self.never {}
    }
}

/// A `T` or a future of one. The compiler infers which from `F`.
#[diagnostic::on_unimplemented(
    message = "the fallback returns `{Self}`, but the function returns `{T}`",
    label = "this must be a `{T}` or a future of one",
    note = "a fallback that never returns must be a closure that declares it: `fallback = |_| -> ! {{ panic!() }}`"
)]
pub trait IntoFutureOf<T, F> {
    /// Returns the `T` or a future of it.
    fn into_resolution(self) -> Resolution<T, F>;
}

#[diagnostic::do_not_recommend]
impl<T> IntoFutureOf<T, NoFuture<T>> for T {
    #[inline]
    fn into_resolution(self) -> Resolution<T, NoFuture<T>> {
        Resolution::Output(self)
    }
}

#[diagnostic::do_not_recommend]
impl<T, F: Future<Output = T>> IntoFutureOf<T, F> for F {
    #[inline]
    fn into_resolution(self) -> Resolution<T, F> {
        Resolution::Future(Resolved { future: self, output: PhantomData })
    }
}
