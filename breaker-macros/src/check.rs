//! The rules, over the arguments and the function together. All faults are found in one pass.

mod keys;
mod values;

use std::time::Duration;

use proc_macro2::{Ident, Span};
use syn::spanned::Spanned as _;
use syn::{Error, Expr, ExprClosure, ExprPath, LitInt, LitStr, Path, ReturnType};

use crate::args::Arg;
use crate::target::{Target, argument_name};
use keys::Key;

/// The largest values of the runtime's settings; tests/it/attribute.rs holds them against it.
const LONGEST_RUN: u32 = 16_777_215;
const MOST_TRIALS: u32 = 1024;

/// What is to be written: everything that was asked for, found to be right.
pub(crate) struct Plan {
    /// None: after the path of the function.
    pub(crate) name: Option<Name>,
    pub(crate) settings: Vec<Setting>,
    pub(crate) fallback: Option<Fallback>,
    /// Where the runtime lives.
    pub(crate) runtime: Path,
}

/// One call on the builder of the settings.
pub(crate) struct Setting {
    pub(crate) key: Ident,
    pub(crate) value: Value,
}

pub(crate) enum Name {
    Literal(LitStr),
    Const(Expr),
}

pub(crate) enum Value {
    /// Known now, and right.
    Count(LitInt),
    /// Likewise.
    Duration(Duration),
    /// The compiler knows it; the runtime checks it in a const context.
    Const(Expr),
}

pub(crate) enum Fallback {
    Path { path: ExprPath, arguments: Vec<Ident> },
    Closure(ExprClosure),
}

/// Checks the arguments alone, for when the function itself cannot be read.
pub(crate) fn check_arguments(args: Vec<Arg>, errors: &mut Vec<Error>) -> Plan {
    let mut plan = Plan {
        name: None,
        settings: Vec::new(),
        fallback: None,
        runtime: syn::parse_quote!(::breaker_runtime),
    };
    let mut seen: Vec<Key> = Vec::new();
    for arg in args {
        let checked = Key::find(&arg.key).and_then(|key| {
            if seen.contains(&key) {
                return Err(Error::new(arg.key.span(), format!("`{}` is set twice; keep one", key.name())));
            }
            seen.push(key);
            plan.take(key, arg)
        });
        errors.extend(checked.err());
    }
    plan
}

/// Checks the function, and the fallback against it.
pub(crate) fn check_target(plan: &mut Plan, target: &Target, errors: &mut Vec<Error>) {
    let signature = &target.signature;
    if let Some(word) = &signature.constness {
        errors.push(Error::new(
            word.span,
            "a const function cannot be protected: a circuit breaker keeps state at run time; remove `const`",
        ));
    }
    if let Some(dots) = &signature.variadic {
        errors.push(Error::new(
            dots.span(),
            "a function with variable arguments cannot be protected; protect one that calls it",
        ));
    }
    if !target.is_async() && target.returns_future() {
        errors.push(Error::new(
            output_span(target),
            "the call ends when the future does, which this function does not see; write it as `async fn` \
             (async_trait rewrites it before this attribute comes: protect a function that it calls)",
        ));
    }
    match &mut plan.fallback {
        Some(Fallback::Path { path, arguments }) => *arguments = forwarded(path, target, errors),
        // After another error the fallback may be there and only misspelt.
        None if errors.is_empty() => errors.extend(needs_fallback(target)),
        Some(Fallback::Closure(_)) | None => {}
    }
}

impl Plan {
    fn take(&mut self, key: Key, arg: Arg) -> Result<(), Error> {
        let value = match key {
            Key::Name => {
                self.name = Some(values::name(arg.value)?);
                return Ok(());
            }
            Key::Fallback => {
                self.fallback = Some(fallback(arg.value)?);
                return Ok(());
            }
            Key::Crate => {
                self.runtime = runtime(arg.value)?;
                return Ok(());
            }
            Key::FailureThreshold => values::count(arg.value, key.name(), LONGEST_RUN)?,
            Key::HalfOpenMaxCalls => values::count(arg.value, key.name(), MOST_TRIALS)?,
            Key::SuccessThreshold => values::count(arg.value, key.name(), u32::MAX)?,
            Key::RecoveryTimeout | Key::HalfOpenTimeout => values::duration(arg.value, key.name())?,
        };
        self.settings.push(Setting { key: arg.key, value });
        Ok(())
    }
}

fn fallback(value: Expr) -> Result<Fallback, Error> {
    match values::ungrouped(value) {
        Expr::Path(path) => Ok(Fallback::Path { path, arguments: Vec::new() }),
        Expr::Closure(mut closure) if closure.inputs.len() == 1 => {
            // What it borrowed, the future of an async function would have to keep.
            closure.capture.get_or_insert_with(Default::default);
            Ok(Fallback::Closure(closure))
        }
        Expr::Closure(closure) => Err(Error::new(
            closure.inputs_begin.span(),
            "a fallback closure takes one parameter, the error; \
             the function's arguments are in scope: `fallback = |error| ..`",
        )),
        other => Err(Error::new(
            other.span(),
            "a fallback is the path of a function with the same arguments, `fallback = cached`, \
             or a closure, `fallback = |error| ..`",
        )),
    }
}

fn runtime(value: Expr) -> Result<Path, Error> {
    let span = value.span();
    match values::ungrouped(value) {
        Expr::Path(ExprPath { path, qself: None, .. }) if is_absolute(&path) => Ok(path),
        _ => Err(Error::new(
            span,
            "`crate` says where breaker_runtime lives, as an absolute path: `crate = ::my_facade::breaker_runtime`",
        )),
    }
}

fn is_absolute(path: &Path) -> bool {
    let starts_at_crate =
        path.segments.first().is_some_and(|first| first.ident == "crate" || first.ident == "$crate");
    path.leading_colon.is_some() || starts_at_crate
}

/// The names under which a path fallback is handed the arguments.
fn forwarded(path: &ExprPath, target: &Target, errors: &mut Vec<Error>) -> Vec<Ident> {
    let mut names = Vec::new();
    for input in &target.signature.inputs {
        match argument_name(input) {
            Some(mut name) => {
                name.set_span(name.span().located_at(path.span()));
                names.push(name);
            }
            None => errors.push(Error::new(
                input.span(),
                "the fallback cannot be handed an argument that has no name or depends on `cfg`; \
                 give it a name, or write the fallback as a closure: `fallback = |error| ..`",
            )),
        }
    }
    names
}

fn output_span(target: &Target) -> Span {
    match &target.signature.output {
        ReturnType::Default => target.signature.ident.span(),
        ReturnType::Type(_, output) => output.span(),
    }
}

fn needs_fallback(target: &Target) -> Option<Error> {
    matches!(target.signature.output, ReturnType::Default).then(|| {
        Error::new(
            target.signature.ident.span(),
            "a function that returns nothing cannot say that its call was rejected; \
             add a fallback, `fallback = |error| ..`, or return a `Result`",
        )
    })
}
