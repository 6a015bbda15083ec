//! Fallback closures whose syntax shows that they return the output itself, not a future of it.
//!
//! The compiler could infer this too, but more slowly, and it cannot infer the type of a closure that never
//! returns.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Expr, ExprClosure, Macro, Path, ReturnType, Stmt};

/// Returns `true` if the closure visibly returns a value that is not a future, or never returns.
pub(super) fn returns_value(closure: &ExprClosure) -> bool {
    closure.asyncness.is_none()
        && matches!(closure.output, ReturnType::Default)
        && !returns_early(closure.body.to_token_stream())
        && is_value(&closure.body)
}

fn is_value(body: &Expr) -> bool {
    match body {
        Expr::Lit(_) | Expr::Tuple(_) => true,
        Expr::Macro(body) => is_panic(&body.mac),
        Expr::Path(path) => is_one_of(&path.path, &["None"]),
        Expr::Call(call) => {
            matches!(&*call.func, Expr::Path(path) if is_one_of(&path.path, &["Ok", "Err", "Some"]))
        }
        Expr::Block(block) => match block.block.stmts.last() {
            Some(Stmt::Macro(last)) => is_panic(&last.mac),
            Some(Stmt::Expr(last, _)) => is_value(last),
            Some(Stmt::Local(_) | Stmt::Item(_)) | None => false,
        },
        _ => false,
    }
}

fn returns_early(body: TokenStream) -> bool {
    body.into_iter().any(|token| match token {
        TokenTree::Ident(word) => word == "return",
        TokenTree::Group(group) => returns_early(group.stream()),
        TokenTree::Punct(mark) => mark.as_char() == '?',
        TokenTree::Literal(_) => false,
    })
}

fn is_panic(invocation: &Macro) -> bool {
    const NAMES: [&str; 4] = ["panic", "todo", "unimplemented", "unreachable"];
    invocation.path.segments.last().is_some_and(|last| NAMES.iter().any(|name| last.ident == name))
}

/// Returns `true` if the path is one of these names of the prelude, which user code rarely shadows.
fn is_one_of(path: &Path, names: &[&str]) -> bool {
    path.get_ident().is_some_and(|found| names.iter().any(|name| found == name))
}
