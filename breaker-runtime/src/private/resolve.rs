//! What a fallback of an async function gave: the value, or a future of it.

use core::future::Ready;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll};

use pin_project_lite::pin_project;

/// A future of the value, whichever of the two was given.
#[inline]
pub fn resolve<T, F, G: IntoFutureOf<T, F>>(given: G) -> Resolved<T, F> {
    Resolved { future: given.into_future_of(), output: PhantomData }
}

pin_project! {
    /// A future of a `T`. It says so without a bound: the compiler, asked whether the future of a protected
    /// function is `Send`, forgets how the lifetimes in its types belong together, and cannot show a bound
    /// that needs it.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Resolved<T, F> {
        #[pin]
        future: F,
        output: PhantomData<fn() -> T>,
    }
}

impl<T, F: Future<Output = T>> Future for Resolved<T, F> {
    type Output = T;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.project().future.poll(context)
    }
}

/// A value, or a future of one: which of the two, the compiler finds out.
#[diagnostic::on_unimplemented(
    message = "the fallback gives `{Self}`, and the function returns `{T}`",
    label = "this must be a `{T}`, or a future of one",
    note = "a closure that never returns has to say what it would: `fallback = |_| -> {T} {{ panic!() }}`"
)]
pub trait IntoFutureOf<T, F> {
    fn into_future_of(self) -> F;
}

#[diagnostic::do_not_recommend]
impl<T> IntoFutureOf<T, Ready<T>> for T {
    #[inline]
    fn into_future_of(self) -> Ready<T> {
        core::future::ready(self)
    }
}

#[diagnostic::do_not_recommend]
impl<T, F: Future<Output = T>> IntoFutureOf<T, F> for F {
    #[inline]
    fn into_future_of(self) -> F {
        self
    }
}
