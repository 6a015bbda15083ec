//! The specification of a protected function, which `check` produces and `expand` consumes.
//!
//! It contains types and queries, but no rules. Once all checks have passed, every value is valid, except for
//! const expressions, which the compiler evaluates.

use std::time::Duration;

use proc_macro2::{Ident, Span};
use syn::{Expr, ExprClosure, ExprPath, Lit, LitStr, Pat, Path};

use crate::args::Key;
use crate::function::Binding;

/// The content of one attribute.
pub(crate) struct Spec {
    /// Name of the circuit breaker. `None` names it after the path of the function.
    pub(crate) name: Option<BreakerName>,
    /// A const `ConfigBuilder` whose settings apply unless `settings` replaces them.
    pub(crate) config: Option<Expr>,
    pub(crate) settings: Vec<AttributeSetting>,
    pub(crate) failure_if: Option<Condition>,
    pub(crate) ignore_if: Option<Condition>,
    /// Function that returns how long a failed result asks callers to wait.
    pub(crate) retry_after: Option<Expr>,
    pub(crate) fallback: Option<Fallback>,
    pub(crate) fallback_on: FallbackOn,
    pub(crate) settle: Settle,
    /// Arguments to clone before the body runs, for a fallback that may run after it.
    pub(crate) clones: Vec<Binding>,
    pub(crate) cloning: Cloning,
    /// An existing circuit breaker, instead of one that the function declares.
    pub(crate) breaker: Option<Breaker>,
    /// Registry of the circuit breaker. `None` is the global one.
    pub(crate) registry: Option<Expr>,
    /// Expression of the key. Each of its values has its own circuit.
    pub(crate) key: Option<Expr>,
    pub(crate) max_keys: Option<Value>,
    /// Path of `breaker_runtime`.
    pub(crate) runtime: Path,
    /// All known keys of the attribute, including those with an invalid value.
    written: Vec<WrittenKey>,
}

/// A key that the user wrote.
#[derive(Clone, Copy)]
pub(super) struct WrittenKey {
    pub(super) key: Key,
    pub(super) span: Span,
}

/// One call on the builder of the configuration.
pub(crate) struct AttributeSetting {
    pub(crate) key: Key,
    /// Span of the key.
    pub(crate) span: Span,
    pub(crate) value: Value,
}

/// The value of `name`.
pub(crate) enum BreakerName {
    Literal(LitStr),
    Const(Expr),
}

/// The value of a setting.
pub(crate) enum Value {
    /// A literal that is in range.
    Literal(Lit),
    /// A duration that is in range.
    Duration(Duration),
    /// A variant of an enum of the runtime.
    Variant(Variant),
    /// A const expression. The runtime checks it while the user's crate compiles.
    Const(Expr),
    /// A const expression whose type decides between a number of calls and a duration.
    Window(Expr),
}

/// A variant of an enum of `breaker_runtime::__private`.
pub(crate) struct Variant {
    pub(crate) enum_name: &'static str,
    pub(crate) name: &'static str,
    pub(crate) span: Span,
}

/// The value of `failure_if` or `ignore_if`.
pub(crate) enum Condition {
    /// A pattern, as in `matches!`. Boxed because patterns and expressions are large.
    Pattern { pattern: Box<Pat>, guard: Option<Box<Expr>> },
    /// A path or a closure.
    Predicate(Box<Expr>),
}

/// The value of `fallback`.
pub(crate) enum Fallback {
    /// A function that gets these arguments.
    Path { path: ExprPath, arguments: Vec<Ident> },
    /// A closure that gets the error.
    Closure(ExprClosure),
    /// The value of the last success. Boxed because expressions are large.
    LastGood(Box<LastGood>),
}

/// The arguments of `last_good(..)`.
pub(crate) struct LastGood {
    pub(crate) span: Span,
    /// Maximum age of a value that is returned.
    pub(crate) max_age: Value,
    /// Expression of the key. Each of its values has a value of its own.
    pub(crate) key: Option<Expr>,
    /// Maximum number of values of one circuit.
    pub(crate) max_keys: Option<Value>,
    /// Function that gets each value that is returned, and its age.
    pub(crate) on_stale: Option<Expr>,
}

/// The value of `fallback_on`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FallbackOn {
    /// Only calls that the circuit breaker rejects or stops.
    Rejected,
    /// Failed calls too.
    Failure,
}

/// The value of `settle`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settle {
    /// The call ends when the function returns.
    Return,
    /// A call that returns a stream ends with the stream.
    Stream,
}

/// The rule for the arguments that a fallback uses after the body has received them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cloning {
    /// They must be `Clone`, because a key of the attribute lets the fallback run after the body.
    Required,
    /// Those of every call whose arguments are `Clone` are cloned. Only settings that are applied at run time
    /// let the fallback run after the body.
    IfPossible,
    /// One of them, such as a `&mut`, can never be cloned, and no key of the attribute requires it.
    Impossible,
}

/// The value of `breaker`.
pub(crate) struct Breaker {
    pub(crate) value: Expr,
    pub(crate) access: BreakerAccess,
}

/// The access of a call to an existing circuit breaker.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum BreakerAccess {
    /// Access by reference. The body cannot move or change the owner.
    ByRef,
    /// Access by clone. The body may move the owner, or the expression may return a guard.
    ByClone,
}

impl Spec {
    /// Returns the specification of an attribute without keys.
    pub(super) fn new() -> Self {
        Self {
            name: None,
            config: None,
            settings: Vec::new(),
            failure_if: None,
            ignore_if: None,
            retry_after: None,
            fallback: None,
            fallback_on: FallbackOn::Rejected,
            settle: Settle::Return,
            clones: Vec::new(),
            cloning: Cloning::Required,
            breaker: None,
            registry: None,
            key: None,
            max_keys: None,
            runtime: syn::parse_quote!(::breaker_runtime),
            written: Vec::new(),
        }
    }

    /// Records that the user wrote `key`.
    pub(super) fn record(&mut self, key: Key, span: Span) {
        self.written.push(WrittenKey { key, span });
    }

    /// Returns all keys that the user wrote, in order.
    pub(super) fn written(&self) -> impl Iterator<Item = WrittenKey> {
        self.written.iter().copied()
    }

    /// Returns the span of `key`, or `None` if the user did not write it.
    pub(super) fn span_of(&self, key: Key) -> Option<Span> {
        self.written.iter().find(|written| written.key == key).map(|written| written.span)
    }

    /// Returns the setting of `key`.
    pub(crate) fn setting(&self, key: Key) -> Option<&AttributeSetting> {
        self.settings.iter().find(|setting| setting.key == key)
    }

    /// Returns `true` if the attribute declares that an async call may time out. The settings of an existing
    /// circuit breaker are unknown here, so with one it may.
    pub(crate) fn may_time_out(&self) -> bool {
        self.time_limit().is_some() || self.breaker.is_some()
    }

    /// Returns the span of `call_timeout`, or `None` if the attribute sets no time limit.
    pub(super) fn time_limit(&self) -> Option<Span> {
        if self.removes_call_timeout() { None } else { self.span_of(Key::CallTimeout) }
    }

    /// Returns `true` if the attribute removes the time limit of its `config`: `call_timeout = "unlimited"`.
    pub(crate) fn removes_call_timeout(&self) -> bool {
        self.setting(Key::CallTimeout).is_some_and(|setting| match setting.value {
            Value::Duration(limit) => limit == Duration::MAX,
            Value::Literal(_) | Value::Variant(_) | Value::Const(_) | Value::Window(_) => false,
        })
    }

    /// Returns `true` if the attribute declares that a call may wait for a bulkhead slot.
    pub(crate) fn may_wait(&self) -> bool {
        self.span_of(Key::MaxWait).is_some()
    }
}

impl AttributeSetting {
    /// Returns the name of the builder's method, with the span of the key.
    pub(crate) fn method(&self) -> Ident {
        let name = match &self.value {
            Value::Literal(_) if self.key == Key::Window => "window_calls",
            Value::Duration(_) if self.key == Key::Window => "window_time",
            Value::Literal(_)
            | Value::Duration(_)
            | Value::Variant(_)
            | Value::Const(_)
            | Value::Window(_) => self.key.name(),
        };
        Ident::new(name, self.span)
    }
}
