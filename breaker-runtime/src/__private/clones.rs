//! Clones of arguments for a fallback that may run after the body has consumed them.

/// Clones an argument before the body consumes it.
#[inline]
#[must_use]
pub fn clone_for_fallback<T: CloneForFallback>(argument: &T) -> T {
    argument.clone_for_fallback()
}

/// An argument that can be cloned. The trait exists for its compile error.
#[diagnostic::on_unimplemented(
    message = "the fallback may run after the body has consumed its arguments, so `{Self}` must implement `Clone`",
    label = "both the body and the fallback use this argument",
    note = "derive `Clone` for it, take it by reference, or write the fallback as a closure that does not use it"
)]
pub trait CloneForFallback {
    /// Returns a clone of the argument.
    #[must_use]
    fn clone_for_fallback(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> CloneForFallback for T {
    #[inline]
    fn clone_for_fallback(&self) -> Self {
        self.clone()
    }
}
