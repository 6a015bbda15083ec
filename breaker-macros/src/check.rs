//! The rules, over the arguments and the function together. All faults are found in one pass.
//!
//! | file | |
//! |---|---|
//! | `keys.rs` | which keys there are |
//! | `values.rs` `numbers.rs` | what one value may be |
//! | `rules.rs` | which keys need another one, and which exclude each other |
//! | `breaker.rs` | a breaker that is there already: how a call gets hold of it |
//! | `classify.rs` | which results count: `failure_if` and `ignore_if` |
//! | `fallback.rs` `mentions.rs` | what a rejected call gives instead, and which arguments it needs |

mod breaker;
mod classify;
mod fallback;
mod keys;
mod mentions;
mod numbers;
mod rules;
mod values;

use std::time::Duration;

use proc_macro2::{Ident, Span};
use syn::spanned::Spanned as _;
use syn::{Error, Expr, ExprClosure, ExprPath, Lit, LitStr, Pat, Path};

use crate::args::Arg;
use crate::target::{Binding, Target};
pub(crate) use breaker::{Breaker, Holding};
use keys::Key;

// Copies of what the runtime allows, so that a literal is refused where it stands; more of them are in
// `values.rs` and `rules.rs`. A test in `tests/it` holds each against the runtime; it is named above it.

/// `attribute::the_largest_literals_are_those_of_the_runtime`
const LONGEST_RUN: u32 = 16_777_215;
/// `attribute::the_largest_literals_are_those_of_the_runtime`
const MOST_TRIALS: u32 = 1024;
/// `attribute_keys::the_largest_number_of_keys_is_that_of_the_runtime`
const MOST_KEYS: u32 = 1_000_000;

/// What is to be written: everything that was asked for, found to be right.
pub(crate) struct Plan {
    /// None: after the path of the function.
    pub(crate) name: Option<Name>,
    pub(crate) settings: Vec<Setting>,
    pub(crate) failure_if: Option<Condition>,
    pub(crate) ignore_if: Option<Condition>,
    pub(crate) fallback: Option<Fallback>,
    pub(crate) fallback_on: FallbackOn,
    /// What the fallback needs once more when the body has had it.
    pub(crate) again: Vec<Binding>,
    /// A breaker that is there already.
    pub(crate) breaker: Option<Breaker>,
    /// Where the breaker is registered, if not in the global registry.
    pub(crate) registry: Option<Expr>,
    /// One circuit for each value of this expression.
    pub(crate) key: Option<Expr>,
    pub(crate) max_keys: Option<Value>,
    /// Where the runtime lives.
    pub(crate) runtime: Path,
    /// The keys as they were written, those with a fault too.
    given: Vec<(Key, Span)>,
}

/// One call on the builder of the settings.
pub(crate) struct Setting {
    pub(crate) method: Ident,
    pub(crate) value: Value,
}

pub(crate) enum Name {
    Literal(LitStr),
    Const(Expr),
}

pub(crate) enum Value {
    /// Known now, and right.
    Literal(Lit),
    /// Likewise.
    Duration(Duration),
    /// Likewise: a mode's name.
    Mode(Ident),
    /// The compiler knows it; the runtime checks it in a const context.
    Const(Expr),
    /// The same, and only its type says whether it is a number of calls or a time.
    Window(Expr),
}

/// What is asked of a result.
pub(crate) enum Condition {
    /// Boxed, because patterns and expressions are large.
    Pattern { pattern: Box<Pat>, guard: Option<Box<Expr>> },
    /// A path or a closure.
    Predicate(Box<Expr>),
}

pub(crate) enum Fallback {
    Path { path: ExprPath, arguments: Vec<Ident> },
    Closure(ExprClosure),
}

/// After which calls the fallback runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FallbackOn {
    /// Those that the breaker ended.
    Rejected,
    /// And those that failed.
    Failure,
}

/// Checks the arguments alone, for when the function itself cannot be read.
pub(crate) fn check_arguments(args: Vec<Arg>, errors: &mut Vec<Error>) -> Plan {
    let mut plan = Plan::new();
    // What cannot be read may be the very key that another one needs.
    let mut all_are_known = errors.is_empty();
    for arg in args {
        let key = match Key::find(&arg.key) {
            Ok(key) => key,
            Err(error) => {
                all_are_known = false;
                errors.push(error);
                continue;
            }
        };
        let span = arg.key.span();
        if plan.place_of(key).is_some() {
            errors.push(Error::new(span, format!("`{}` is set twice; keep one", key.name())));
            continue;
        }
        plan.given.push((key, span));
        errors.extend(plan.take(key, arg).err());
    }
    if all_are_known {
        rules::check(&plan, errors);
    }
    plan
}

/// Checks the function, and against it what was asked for.
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
    if target.hides_future() {
        errors.push(Error::new(
            target.output_span(),
            "the call ends when the future does, which this function does not see; write it as `async fn`, \
             or let its whole body be one `Box::pin(async move { .. })`",
        ));
    } else if !target.is_async() {
        errors.extend(needs_async(plan));
    }
    classify::check(plan, target, errors);
    if let Some(breaker) = &mut plan.breaker {
        breaker.look_at(target);
    }
    fallback::check(plan, target, errors);
}

impl Plan {
    fn new() -> Self {
        Self {
            name: None,
            settings: Vec::new(),
            failure_if: None,
            ignore_if: None,
            fallback: None,
            fallback_on: FallbackOn::Rejected,
            again: Vec::new(),
            breaker: None,
            registry: None,
            key: None,
            max_keys: None,
            runtime: syn::parse_quote!(::breaker_runtime),
            given: Vec::new(),
        }
    }

    /// Whether an async call may be ended before its body has. Of a breaker that is there already, only it
    /// knows.
    pub(crate) fn may_time_out(&self) -> bool {
        self.place_of(Key::CallTimeout).is_some() || self.breaker.is_some()
    }

    /// Whether an async call may have to wait for its turn; likewise.
    pub(crate) fn may_wait(&self) -> bool {
        self.place_of(Key::MaxWait).is_some() || self.breaker.is_some()
    }

    /// Whether the body may have had the arguments when something else must give the result.
    pub(crate) fn may_end_late(&self, target: &Target) -> bool {
        self.fallback_on == FallbackOn::Failure || (target.is_async() && self.may_time_out())
    }

    fn place_of(&self, key: Key) -> Option<Span> {
        self.given.iter().find(|(given, _)| *given == key).map(|(_, span)| *span)
    }

    fn take(&mut self, key: Key, arg: Arg) -> Result<(), Error> {
        let (name, span) = (key.name(), arg.key.span());
        let value = |given| values::only(given, name);
        let mut set = |value| self.settings.push(Setting { method: Ident::new(name, span), value });
        let given = arg.given;
        match key {
            Key::Name => self.name = Some(values::name(value(given)?)?),
            Key::FailureIf => self.failure_if = Some(classify::read(given, name)?),
            Key::IgnoreIf => self.ignore_if = Some(classify::read(given, name)?),
            Key::Fallback => self.fallback = Some(fallback::read(value(given)?)?),
            Key::FallbackOn => self.fallback_on = fallback::read_on(value(given)?)?,
            Key::Keyed => self.key = Some(values::key(value(given)?)?),
            Key::MaxKeys => self.max_keys = Some(numbers::count(value(given)?, name, MOST_KEYS)?),
            Key::Breaker => self.breaker = Some(Breaker::new(value(given)?)),
            Key::Registry => self.registry = Some(value(given)?),
            Key::Crate => self.runtime = values::runtime(value(given)?)?,
            Key::FailureThreshold | Key::ConsecutiveFailures => {
                set(numbers::count(value(given)?, name, LONGEST_RUN)?);
            }
            Key::HalfOpenMaxCalls => set(numbers::count(value(given)?, name, MOST_TRIALS)?),
            Key::MinimumCalls | Key::SuccessThreshold | Key::MaxConcurrent => {
                set(numbers::count(value(given)?, name, u32::MAX)?);
            }
            Key::FailureRate | Key::SlowCallRate => set(numbers::rate(value(given)?, name)?),
            Key::Backoff => set(numbers::factor(value(given)?, name)?),
            Key::Jitter => set(numbers::share(value(given)?, name)?),
            Key::SlowCall
            | Key::RecoveryTimeout
            | Key::MaxRecoveryTimeout
            | Key::HalfOpenTimeout
            | Key::CallTimeout => set(values::duration(value(given)?, name)?),
            Key::MaxWait => set(values::wait(value(given)?, name)?),
            Key::Critical | Key::CallDurations => set(values::flag(value(given)?, name)?),
            Key::Mode => set(values::mode(value(given)?)?),
            Key::Window => self.settings.push(values::window(value(given)?, span)?),
        }
        Ok(())
    }
}

fn needs_async(plan: &Plan) -> Option<Error> {
    plan.place_of(Key::CallTimeout).map(|place| {
        Error::new(
            place,
            "`call_timeout` ends async calls only: nobody can end a function that does not await; \
             write `async fn`, or give the call that it makes a time limit of its own",
        )
    })
}
