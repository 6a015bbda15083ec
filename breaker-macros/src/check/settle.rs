//! `settle`: whether the call ends when the function returns, or with the stream that it returns.

use syn::spanned::Spanned as _;
use syn::{Error, Expr, Type};

use super::expr::{source_text, ungrouped};
use super::spec::{Settle, Spec};
use crate::args::Key;
use crate::function::AnnotatedFn;

/// Reads `return` or `stream`.
pub(super) fn read(value: Expr) -> Result<Settle, Error> {
    let value = ungrouped(value);
    match &value {
        Expr::Return(written) if written.expr.is_none() => Ok(Settle::Return),
        Expr::Path(path) if path.path.is_ident("stream") => Ok(Settle::Stream),
        _ => Err(Error::new(
            value.span(),
            format!("`settle` must be `return` (the default) or `stream`; found {}", source_text(&value)),
        )),
    }
}

/// Reports a function that visibly does not return a `Result`. The compiler reports all others.
pub(super) fn check(spec: &Spec, annotated: &AnnotatedFn, errors: &mut Vec<Error>) {
    if spec.settle == Settle::Return || matches!(annotated.output(), Some(Type::Path(_) | Type::Macro(_))) {
        return;
    }
    errors.extend(spec.span_of(Key::Settle).map(|span| {
        Error::new(
            span,
            "`settle = stream` needs a function that returns a stream in a `Result`, as in \
             `-> Result<impl Stream<Item = Result<_, _>>, _>`",
        )
    }));
}
