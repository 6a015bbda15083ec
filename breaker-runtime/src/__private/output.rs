//! The output of an async function: the type of its body, and the value of its fallback, which may be a
//! future.

use core::future::Ready;
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

/// Returns a future of the output, whether the fallback returned the output itself or a future of it.
#[inline]
pub fn resolve<T, F, V: IntoFutureOf<T, F>>(value: V) -> Resolved<T, F> {
    Resolved { future: value.into_future_of(), output: PhantomData }
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

impl<T, F: Future<Output = T>> Future for Resolved<T, F> {
    type Output = T;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.project().future.poll(context)
    }
}

/// A `T` or a future of one. The compiler infers which from `F`.
#[diagnostic::on_unimplemented(
    message = "the fallback returns `{Self}`, but the function returns `{T}`",
    label = "this must be a `{T}` or a future of one",
    note = "a fallback that never returns must be a closure that declares it: `fallback = |_| -> ! {{ panic!() }}`"
)]
pub trait IntoFutureOf<T, F> {
    /// Returns a future of the `T`.
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
