//! Settings whose expression is visibly, or very likely, evaluated at run time. `set_config` is for these.
//!
//! The compiler reports all others, but cannot name `set_config`. A `const` block leaves an expression to the compiler.

use syn::spanned::Spanned as _;
use syn::{Error, Expr, ExprPath, FnArg, UnOp};

use super::expr::source_text;
use super::spec::{AttributeSetting, Spec, Value};
use crate::args::Key;
use crate::function::{AnnotatedFn, bound_names};

/// Methods that const expressions very seldom call, because those of the standard library are not const.
const METHODS: [&str; 12] = [
    "borrow",
    "clone",
    "force",
    "into",
    "load",
    "lock",
    "parse",
    "read",
    "to_owned",
    "try_into",
    "unwrap_or_default",
    "wait",
];

/// A part of an expression.
#[derive(Clone, Copy)]
struct RunTime<'a> {
    part: &'a Expr,
    certainty: Certainty,
}

/// The certainty that a part of an expression is evaluated at run time.
#[derive(Clone, Copy)]
enum Certainty {
    Certain,
    /// It is a method or a dereference, which a type can also provide for const expressions.
    Likely,
}

/// Returns the expression if it may be const. `set_config` cannot change `max_keys`, so the compiler reports it.
pub(super) fn require_const(value: Expr, key: Key) -> Result<Expr, Error> {
    match find(&value, &|name| name == "self") {
        Some(found) if key != Key::MaxKeys => Err(error(found, key)),
        Some(_) | None => Ok(value),
    }
}

/// Reports the settings that use an argument.
pub(super) fn check(spec: &Spec, annotated: &AnnotatedFn, errors: &mut Vec<Error>) {
    let is_argument = |name: &str| {
        annotated.signature.inputs.iter().any(|input| match input {
            FnArg::Typed(typed) => bound_names(&typed.pat).iter().any(|bound| bound.ident == name),
            FnArg::Receiver(_) => false,
        })
    };
    for AttributeSetting { key, value, .. } in &spec.settings {
        if let Value::Const(value) | Value::Window(value) = value {
            errors.extend(find(value, &is_argument).map(|found| error(found, *key)));
        }
    }
}

fn error(found: RunTime<'_>, key: Key) -> Error {
    let text = source_text(found.part);
    let (adverb, other_way) = match found.certainty {
        Certainty::Certain => ("", ""),
        Certainty::Likely => ("probably ", ", or write it in a `const` block if it is const"),
    };
    Error::new(
        found.part.span(),
        format!(
            "`{key}` must be a const expression, and `{text}` is {adverb}evaluated at run time; apply such a value \
             with `CircuitBreaker::set_config`{other_way}"
        ),
    )
}

impl<'a> RunTime<'a> {
    const fn certain(part: &'a Expr) -> Self {
        Self { part, certainty: Certainty::Certain }
    }

    const fn likely(part: &'a Expr) -> Self {
        Self { part, certainty: Certainty::Likely }
    }
}

/// Finds a part of the expression that is visibly, or very likely, evaluated at run time.
fn find<'a>(value: &'a Expr, is_variable: &impl Fn(&str) -> bool) -> Option<RunTime<'a>> {
    let find = |part| find(part, is_variable);
    match value {
        Expr::Path(path) => is_one_word(path, is_variable).then_some(RunTime::certain(value)),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Deref(_)) => Some(RunTime::likely(value)),
        Expr::Unary(unary) => find(&unary.expr),
        Expr::Await(_) | Expr::Try(_) => Some(RunTime::certain(value)),
        Expr::MethodCall(call) if METHODS.iter().any(|name| call.method == name) => {
            Some(RunTime::likely(value))
        }
        Expr::MethodCall(call) => find(&call.receiver).or_else(|| call.args.iter().find_map(find)),
        Expr::Call(call) if reads_environment(&call.func) => Some(RunTime::certain(value)),
        Expr::Call(call) => call.args.iter().find_map(find),
        Expr::Field(field) => find(&field.base).map(|found| RunTime { part: value, ..found }),
        Expr::Index(index) => find(&index.expr).or_else(|| find(&index.index)),
        Expr::Binary(binary) => find(&binary.left).or_else(|| find(&binary.right)),
        Expr::Cast(cast) => find(&cast.expr),
        Expr::Reference(reference) => find(&reference.expr),
        Expr::Paren(paren) => find(&paren.expr),
        Expr::Group(group) => find(&group.expr),
        _ => None,
    }
}

fn is_one_word(path: &ExprPath, is_variable: &impl Fn(&str) -> bool) -> bool {
    path.qself.is_none() && path.path.get_ident().is_some_and(|name| is_variable(&name.to_string()))
}

/// Returns `true` for a function of `std::env`, such as `env::var`.
fn reads_environment(function: &Expr) -> bool {
    let Expr::Path(path) = function else {
        return false;
    };
    let mut segments = path.path.segments.iter().rev().map(|segment| &segment.ident);
    segments.next().is_some_and(|name| name == "var" || name == "var_os")
        && segments.next().is_some_and(|module| module == "env")
}
