//! Closures that give a value, and no future of it, as one sees at first sight.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Expr, ExprClosure, Macro, Path, ReturnType, Stmt};

/// Whether one sees that it gives the value, and no future of it, or never returns. The compiler finds that out
/// as well, but it takes its time, and of what never returns it does not know which type it has.
pub(super) fn is_plain(closure: &ExprClosure) -> bool {
    closure.asyncness.is_none()
        && matches!(closure.output, ReturnType::Default)
        && !returns(closure.body.to_token_stream())
        && is_value(&closure.body)
}

fn is_value(body: &Expr) -> bool {
    match body {
        Expr::Lit(_) | Expr::Tuple(_) => true,
        Expr::Macro(one) => is_panic(&one.mac),
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

/// Whether it gives something before its end.
fn returns(body: TokenStream) -> bool {
    body.into_iter().any(|token| match token {
        TokenTree::Ident(word) => word == "return",
        TokenTree::Group(group) => returns(group.stream()),
        TokenTree::Punct(mark) => mark.as_char() == '?',
        TokenTree::Literal(_) => false,
    })
}

fn is_panic(one: &Macro) -> bool {
    const NAMES: [&str; 4] = ["panic", "todo", "unimplemented", "unreachable"];
    one.path.segments.last().is_some_and(|last| NAMES.iter().any(|name| last.ident == name))
}

/// One of the prelude's, which nobody shadows who wants to be understood.
fn is_one_of(path: &Path, names: &[&str]) -> bool {
    path.get_ident().is_some_and(|found| names.iter().any(|name| found == name))
}
