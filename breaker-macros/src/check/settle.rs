//! `settle`: whether the call ends when the function returns, or with the stream that it returns.

use syn::spanned::Spanned as _;
use syn::{Error, Expr, Type};

use super::expr::{source_text, ungrouped};
use super::spec::{Fallback, Settle, Spec};
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

/// Reports a function that visibly does not return a `Result`, and a fallback that cannot return the type of the
/// stream. The compiler reports all others.
pub(super) fn check(spec: &Spec, annotated: &AnnotatedFn, errors: &mut Vec<Error>) {
    if spec.settle == Settle::Return {
        return;
    }
    if !matches!(annotated.output(), Some(Type::Path(_) | Type::Macro(_))) {
        errors.extend(spec.span_of(Key::Settle).map(|span| {
            Error::new(
                span,
                "`settle = stream` needs a function that returns a stream in a `Result`, as in \
                 `-> Result<impl Stream<Item = Result<_, _>>, _>`",
            )
        }));
    }
    if let Some(Fallback::Path { path, .. }) = &spec.fallback
        && annotated.impl_in_result().is_some()
    {
        errors.push(Error::new(
            path.span(),
            "this fallback and the function return two types of streams, and `impl Stream` is one type; return \
             `Result<Pin<Box<dyn Stream<Item = Result<_, _>> + Send>>, _>` from both, or write a closure that returns an \
             error: `fallback = |error| Err(..)`",
        ));
    }
}
