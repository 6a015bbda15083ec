//! `breaker`: an expression for an existing circuit breaker, such as `self.breaker`.

use quote::ToTokens as _;
use syn::{Expr, FnArg};

use super::captures::captures;
use super::expr::ungrouped;
use super::spec::{Breaker, BreakerAccess};
use crate::function::{AnnotatedFn, Reuse, reuse};

/// Reads the expression. A `&` before it is redundant, because the expansion borrows it.
pub(super) fn read(value: Expr) -> Breaker {
    match ungrouped(value) {
        Expr::Reference(reference) if reference.mutability.is_none() => read(*reference.expr),
        value => Breaker { value, access: BreakerAccess::ByClone },
    }
}

/// Chooses access by reference where that is possible, because a clone writes to a shared counter.
pub(super) fn choose_access(breaker: &mut Breaker, annotated: &AnnotatedFn) {
    let mut inputs = annotated.signature.inputs.iter();
    if is_variable_or_field(&breaker.value) && !inputs.any(|input| uses_moved(&breaker.value, input)) {
        breaker.access = BreakerAccess::ByRef;
    }
}

/// Returns `true` if the expression uses the argument, and the body may move or change it.
fn uses_moved(value: &Expr, input: &FnArg) -> bool {
    let uses = |name| captures(value.to_token_stream(), name);
    match reuse(input) {
        Reuse::Direct(_) | Reuse::Copied(_) => false,
        Reuse::Impossible(name) => uses(&name),
        Reuse::ByClone(bindings) => bindings.iter().any(|binding| uses(&binding.name)),
    }
}

/// Returns `true` for a variable, a static, or a field of one. Any other expression could return a guard.
fn is_variable_or_field(value: &Expr) -> bool {
    match value {
        Expr::Path(_) => true,
        Expr::Field(field) => is_variable_or_field(&field.base),
        Expr::Paren(paren) => is_variable_or_field(&paren.expr),
        Expr::Group(group) => is_variable_or_field(&group.expr),
        _ => false,
    }
}
