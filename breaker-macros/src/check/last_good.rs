//! `fallback = last_good(..)`: its arguments, and the functions that it fits.

use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::{Error, Expr, ExprAssign, ExprCall, FnArg, GenericParam, Ident, Pat, PatType};

use super::expr::{key_elements, ungrouped};
use super::number;
use super::ranges::MAX_KEYS;
use super::spec::{LastGood, Spec};
use super::value;
use crate::args::Key;
use crate::function::{AnnotatedFn, bound_names, value_borrows};

const MAX_AGE: &str = "max_age";
const ON_STALE: &str = "on_stale";
const NAMES: [&str; 4] = [MAX_AGE, "key", "max_keys", ON_STALE];

/// The arguments that have been read.
#[derive(Default)]
struct Arguments {
    max_age: Option<Expr>,
    key: Option<Expr>,
    max_keys: Option<Expr>,
    on_stale: Option<Expr>,
}

/// Returns `true` for `last_good(..)`. A function of this name is a fallback without parentheses.
pub(super) fn is_last_good(call: &ExprCall) -> bool {
    matches!(&*call.func, Expr::Path(path) if path.path.is_ident("last_good"))
}

/// Reads the arguments. The error contains all their errors.
pub(super) fn read(call: ExprCall) -> Result<LastGood, Error> {
    let span = call.span();
    let mut errors = Vec::new();
    let Arguments { max_age, key, max_keys, on_stale } = Arguments::read(call.args, &mut errors);
    // An argument that cannot be read may be the one that is missing.
    if max_age.is_none() && errors.is_empty() {
        errors.push(missing_max_age(span));
    }
    let max_age = valid(max_age.map(|value| value::positive(value, MAX_AGE)), &mut errors);
    let key = valid(key.map(value::key_expr), &mut errors);
    let max_keys = valid(max_keys.map(|value| number::count(value, Key::MaxKeys, MAX_KEYS)), &mut errors);
    let error = errors.into_iter().reduce(|mut all, next| {
        all.combine(next);
        all
    });
    match (max_age, error) {
        (Some(max_age), None) => {
            Ok(LastGood { span, max_age, key, max_keys, on_stale: on_stale.map(ungrouped) })
        }
        (_, error) => Err(error.unwrap_or_else(|| missing_max_age(span))),
    }
}

/// Returns the value, or adds its error.
fn valid<T>(value: Option<Result<T, Error>>, errors: &mut Vec<Error>) -> Option<T> {
    value?.map_err(|error| errors.push(error)).ok()
}

fn missing_max_age(span: Span) -> Error {
    Error::new(
        span,
        "`last_good` needs `max_age`, the age up to which it returns a value: `last_good(max_age = \"5m\")`",
    )
}

impl Arguments {
    /// Reads the arguments by their names.
    fn read(written: impl IntoIterator<Item = Expr>, errors: &mut Vec<Error>) -> Self {
        let mut arguments = Self::default();
        errors.extend(written.into_iter().filter_map(|argument| arguments.add(argument).err()));
        arguments
    }

    fn add(&mut self, argument: Expr) -> Result<(), Error> {
        let (name, value) = split(argument)?;
        let slot = match name.to_string().as_str() {
            MAX_AGE => &mut self.max_age,
            "key" => &mut self.key,
            "max_keys" => &mut self.max_keys,
            ON_STALE => &mut self.on_stale,
            unknown => return Err(unknown_argument(&name, unknown)),
        };
        if slot.is_some() {
            return Err(Error::new(
                name.span(),
                format!("`last_good` has the argument `{name}` twice; remove one of them"),
            ));
        }
        *slot = Some(value);
        Ok(())
    }
}

/// Splits `name = value`.
fn split(argument: Expr) -> Result<(Ident, Expr), Error> {
    let span = argument.span();
    match argument {
        Expr::Assign(ExprAssign { left, right, .. }) => match *left {
            Expr::Path(path) => path.path.get_ident().cloned().map(|name| (name, *right)),
            _ => None,
        },
        _ => None,
    }
    .ok_or_else(|| {
        Error::new(
            span,
            "an argument of `last_good` has a name, as in `last_good(max_age = \"5m\")`; to use a function of this \
             name, write `fallback = last_good`",
        )
    })
}

fn unknown_argument(name: &Ident, written: &str) -> Error {
    let distance = |known: &&str| strsim::damerau_levenshtein(written, known);
    let closest =
        NAMES.iter().copied().min_by_key(distance).filter(|known| 3 * distance(known) <= known.len());
    let message = match closest {
        Some(known) => format!("unknown argument `{written}` of `last_good`; change it to `{known}`"),
        None => {
            format!("unknown argument `{written}` of `last_good`; the arguments are: {}", NAMES.join(", "))
        }
    };
    Error::new(name.span(), message)
}

/// Checks that the function returns a value, and that the key cannot select the value of a call with other arguments.
pub(super) fn check(spec: &Spec, last_good: &LastGood, annotated: &AnnotatedFn, errors: &mut Vec<Error>) {
    if annotated.output().is_none() || annotated.never_returns() || annotated.returns_impl_trait() {
        errors.push(Error::new(
            annotated.output_span(),
            "`last_good` remembers the value of `Ok`, so this function must return a `Result`",
        ));
    }
    if annotated.output().is_some_and(value_borrows) {
        errors.push(Error::new(
            annotated.output_span(),
            "`last_good` keeps the value after the call, so the value cannot borrow; return an owned one, such as a \
             `String`",
        ));
    }
    if last_good.key.is_none()
        && let Some(selector) = selector(spec, annotated)
    {
        errors.push(Error::new(
            last_good.span,
            format!(
                "`last_good` could return the value of a call with other arguments; name the argument that selects \
                 the value, as in `last_good(max_age = \"5m\", key = {selector})`, or write `key = ()` if every call \
                 returns the same value"
            ),
        ));
    }
}

/// Returns what may select the value of a call: an argument, unless the `key` of the attribute consists of all
/// arguments, or a parameter of a generic function.
///
/// A key that only uses an argument, as in `key = host_of(url)`, is the same for calls with different arguments.
fn selector(spec: &Spec, annotated: &AnnotatedFn) -> Option<String> {
    let signature = &annotated.signature;
    let arguments: Vec<&PatType> = signature.inputs.iter().filter_map(typed).collect();
    let elements = spec.key.as_ref().map(key_elements).unwrap_or_default();
    let is_missing = |argument: &&&PatType| !elements.iter().any(|element| is_argument(element, argument));
    let first = arguments.first().filter(|_| elements.len() != arguments.len());
    if let Some(argument) = arguments.iter().find(is_missing).or(first) {
        let name = bound_names(&argument.pat).first().map(|name| name.ident.to_string());
        return Some(name.unwrap_or_else(|| "id".to_owned()));
    }
    signature.generics.params.iter().find_map(|parameter| match parameter {
        GenericParam::Type(parameter) => Some(format!("std::any::type_name::<{}>()", parameter.ident)),
        GenericParam::Const(parameter) => Some(parameter.ident.to_string()),
        GenericParam::Lifetime(_) => None,
    })
}

fn typed(input: &FnArg) -> Option<&PatType> {
    match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    }
}

/// Returns `true` if an element of the key is this argument itself. A pattern may bind only a part of it.
fn is_argument(element: &Expr, argument: &PatType) -> bool {
    match (element, &*argument.pat) {
        (Expr::Path(element), Pat::Ident(name)) => element.path.is_ident(&name.ident),
        _ => false,
    }
}
