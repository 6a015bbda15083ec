//! Fallback closures whose syntax shows that they return the output itself, not a future of it.
//!
//! The compiler could infer this too, but more slowly, and it cannot infer the type of a closure that never
//! returns.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Block, Expr, ExprClosure, Macro, Path, ReturnType, Stmt, Type};

/// Functions of `std` that never return, with their modules.
const NEVER_RETURN: [(&str, &str); 5] = [
    ("process", "exit"),
    ("process", "abort"),
    ("panic", "resume_unwind"),
    ("panic", "panic_any"),
    ("hint", "unreachable_unchecked"),
];

/// Returns `true` if the return type of the closure is `!`.
pub(super) fn is_never(closure: &ExprClosure) -> bool {
    matches!(&closure.output, ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)))
}

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
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => is_one_of(&path.path, &["Ok", "Err", "Some"]) || never_returns(&path.path),
            _ => false,
        },
        Expr::Loop(endless) => !contains_break(endless.body.to_token_stream()),
        Expr::If(branches) => {
            is_value_block(&branches.then_branch)
                && branches.else_branch.as_ref().is_some_and(|(_, otherwise)| is_value(otherwise))
        }
        Expr::Match(choice) => !choice.arms.is_empty() && choice.arms.iter().all(|arm| is_value(&arm.body)),
        Expr::Block(block) => is_value_block(&block.block),
        Expr::Paren(paren) => is_value(&paren.expr),
        _ => false,
    }
}

fn is_value_block(block: &Block) -> bool {
    match block.stmts.last() {
        Some(Stmt::Macro(last)) => is_panic(&last.mac),
        Some(Stmt::Expr(last, _)) => is_value(last),
        Some(Stmt::Local(_) | Stmt::Item(_)) | None => false,
    }
}

fn contains_break(body: TokenStream) -> bool {
    body.into_iter().any(|token| match token {
        TokenTree::Ident(word) => word == "break",
        TokenTree::Group(group) => contains_break(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

fn never_returns(path: &Path) -> bool {
    let mut names = path.segments.iter().rev().map(|segment| &segment.ident);
    let (Some(function), Some(module)) = (names.next(), names.next()) else {
        return false;
    };
    NEVER_RETURN.iter().any(|(in_module, name)| module == in_module && function == name)
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
