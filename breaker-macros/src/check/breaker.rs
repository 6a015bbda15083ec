//! A breaker that is there already: `breaker = self.breaker`.

use quote::ToTokens as _;
use syn::{Expr, FnArg};

use super::mentions::mentions;
use super::values::ungrouped;
use crate::target::{Reuse, Target, reuse};

pub(crate) struct Breaker {
    pub(crate) value: Expr,
    pub(crate) holding: Holding,
}

/// How a call gets hold of a breaker that is not its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holding {
    /// It stays where it is, whatever the body does.
    Borrowed,
    /// The body might move or change what holds it, and a guard that leads to it would be held too long.
    Cloned,
}

impl Breaker {
    pub(super) fn new(value: Expr) -> Self {
        match ungrouped(value) {
            // What is written is borrowed in any case.
            Expr::Reference(reference) if reference.mutability.is_none() => Self::new(*reference.expr),
            value => Self { value, holding: Holding::Cloned },
        }
    }

    /// A clone is a shared write, so it is made only where the body could be in the way.
    pub(super) fn look_at(&mut self, target: &Target) {
        let mut inputs = target.signature.inputs.iter();
        if is_place(&self.value) && !inputs.any(|input| self.needs_what_goes(input)) {
            self.holding = Holding::Borrowed;
        }
    }

    fn needs_what_goes(&self, input: &FnArg) -> bool {
        let needs = |name| mentions(self.value.to_token_stream(), name);
        match reuse(input) {
            Reuse::Stays => false,
            Reuse::Gone(name) => needs(&name),
            Reuse::Cloned(bindings) => bindings.iter().any(|binding| needs(&binding.name)),
        }
    }
}

/// A variable, a static, a field of one: without any call, which could give a guard.
fn is_place(value: &Expr) -> bool {
    match value {
        Expr::Path(_) => true,
        Expr::Field(field) => is_place(&field.base),
        Expr::Paren(paren) => is_place(&paren.expr),
        Expr::Group(group) => is_place(&group.expr),
        _ => false,
    }
}
