//! The predicates of `failure_if` and `ignore_if`.

/// Evaluates a predicate of the user.
#[inline]
pub fn evaluate<T: ?Sized, P: Predicate<T>>(value: &T, predicate: P) -> bool {
    predicate(value)
}

/// A predicate on a result. The trait exists for its compile error.
#[diagnostic::on_unimplemented(
    message = "expected a function `fn(&{T}) -> bool`, found `{Self}`",
    label = "this must take a `&{T}` and return a `bool`",
    note = "write the path of such a function, a closure, `|result| ..`, or a pattern in parentheses: `failure_if(Err(_))`"
)]
pub trait Predicate<T: ?Sized>: FnOnce(&T) -> bool {}

#[diagnostic::do_not_recommend]
impl<T: ?Sized, P: FnOnce(&T) -> bool> Predicate<T> for P {}
