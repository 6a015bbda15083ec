//! The settings of the attribute: a closure that returns the builder, and the checks that need the compiler.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned as _;

use super::at;
use super::runtime_fn::RuntimeFn;
use crate::args::Key;
use crate::check::{AttributeSetting, Cloning, Spec, Value, Variant};
use crate::function::AnnotatedFn;
use crate::repeated::Repeated;

/// The expansion of the settings.
pub(super) struct SettingsTokens {
    /// A static whose value the compiler checks, if a setting needs a check.
    pub(super) checked_static: Option<TokenStream>,
    /// The closure that returns the settings.
    pub(super) configure: TokenStream,
}

/// A check by the compiler, with the span for its error.
struct Check {
    function: RuntimeFn,
    span: Span,
}

/// Two settings, each valid, that may contradict each other. The error has the span of `key`.
struct Combination {
    key: Key,
    other: Key,
    function: RuntimeFn,
}

const COMBINATIONS: [Combination; 3] = [
    Combination { key: Key::MinimumCalls, other: Key::Window, function: RuntimeFn::CheckedRules },
    Combination { key: Key::FailureThreshold, other: Key::Window, function: RuntimeFn::CheckedRules },
    Combination {
        key: Key::MaxRecoveryTimeout,
        other: Key::RecoveryTimeout,
        function: RuntimeFn::CheckedRecovery,
    },
];

// Input:  failure_threshold = 5
// Output: (nothing) and || private::DEFAULTS.failure_threshold(5)
//
// Input:  failure_threshold = LIMIT
// Output: static __BREAKER_SETTINGS: private::ConfigBuilder =
//             private::checked(private::DEFAULTS.failure_threshold(LIMIT));
//         and || private::clone_settings(&__BREAKER_SETTINGS)
//
// Input:  config = DATABASE, failure_threshold = 5
// Output: static __BREAKER_SETTINGS: private::ConfigBuilder =
//             private::checked_sync_config(private::checked_unkeyed_config(
//                 private::Policy(&(DATABASE)).checked().failure_threshold(5)));
//         and || private::clone_settings(&__BREAKER_SETTINGS)
//
// Literals are already checked, so their builder runs on the first call. The compiler checks constants in a
// static, because a static may read other statics.
pub(super) fn settings(private: &Repeated, spec: &Spec, annotated: &AnnotatedFn) -> SettingsTokens {
    let mut needs_static = spec.config.is_some();
    let base = spec.config.as_ref().map(|config| base(private, spec, config));
    let base = base.unwrap_or_else(|| quote!(#private::DEFAULTS));
    let builder = spec.settings.iter().fold(base, |builder, next| {
        let builder = set(private, &builder, next);
        let Some(Check { function, span }) = needed_check(annotated, next) else {
            return builder;
        };
        needs_static = true;
        function.call(private, span, &builder)
    });
    if !needs_static {
        return SettingsTokens { checked_static: None, configure: quote!(|| #builder) };
    }
    let builder = match &spec.config {
        Some(config) if spec.key.is_none() => {
            RuntimeFn::CheckedUnkeyedConfig.call(private, config.span(), &builder)
        }
        Some(_) | None => builder,
    };
    let builder = match &spec.config {
        None => check_combinations(private, spec, builder),
        Some(config) if annotated.is_async() => {
            RuntimeFn::CheckedAsyncConfig.call(private, config.span(), &builder)
        }
        Some(config) => RuntimeFn::CheckedSyncConfig.call(private, config.span(), &builder),
    };
    SettingsTokens {
        checked_static: Some(quote_spanned! {Span::mixed_site()=>
            static __BREAKER_SETTINGS: #private::ConfigBuilder = #builder;
        }),
        configure: quote_spanned!(Span::mixed_site()=> || #private::clone_settings(&__BREAKER_SETTINGS)),
    }
}

// Input:  config = DATABASE
// Output: private::Policy(&(DATABASE)).checked()
//
// Input:  config = DATABASE, window = 100
// Output: private::without_window(private::Policy(&(DATABASE)).checked())
//
// Input:  config = DATABASE, fallback = |_| { *count += 1; .. }, in an async function with `count: &mut u32`
// Output: private::checked_without_clones(private::Policy(&(DATABASE)).checked())
fn base(private: &Repeated, spec: &Spec, config: &Expr) -> TokenStream {
    let span = config.span();
    let policy = RuntimeFn::Policy.call(private, span, &quote_spanned!(at(span)=> &(#config)));
    let mut base = quote_spanned!(at(span)=> #policy.checked());
    if spec.cloning == Cloning::Impossible {
        if spec.may_wait() {
            base = quote!(#private::without_wait(#base));
        }
        if spec.removes_call_timeout() {
            base = quote!(#private::without_call_timeout(#base));
        }
        base = RuntimeFn::CheckedWithoutClones.call(private, span, &base);
    }
    if spec.setting(Key::Window).is_some() {
        base = quote!(#private::without_window(#base));
    }
    base
}

// Input:  config = DATABASE, for an argument that the fallback needs
// Output: ::<{ private::times_out_or_waits(&(DATABASE)) }, _>
//
// Input:  config = DATABASE, max_wait = "1s", for an argument that the fallback needs
// Output: ::<{ private::times_out(&(DATABASE)) }, _>
//
// Input:  config = DATABASE, call_timeout = "unlimited", for an argument that the fallback needs
// Output: ::<{ private::waits(&(DATABASE)) }, _>
//
// With the key `max_wait`, a call waits before its body receives the arguments, so that they need no clone.
pub(super) fn clone_condition(private: &Repeated, spec: &Spec, config: &Expr) -> TokenStream {
    let function = match (spec.removes_call_timeout(), spec.may_wait()) {
        (false, false) => "times_out_or_waits",
        (false, true) => "times_out",
        (true, false) => "waits",
        (true, true) => return quote_spanned!(Span::mixed_site()=> ::<false, _>),
    };
    let function = Ident::new(function, Span::mixed_site());
    quote_spanned!(Span::mixed_site()=> ::<{ #private::#function(&(#config)) }, _>)
}

// Input:  private::DEFAULTS, recovery_timeout = "10s"
// Output: private::DEFAULTS.recovery_timeout(private::Duration::new(10u64, 0u32))
//
// Input:  private::DEFAULTS, window = WINDOW
// Output: private::ConstWindow(WINDOW).set(private::DEFAULTS)
fn set(private: &Repeated, builder: &TokenStream, setting: &AttributeSetting) -> TokenStream {
    let method = setting.method();
    match &setting.value {
        Value::Literal(literal) => quote!(#builder.#method(#literal)),
        Value::Duration(duration) => {
            let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
            quote!(#builder.#method(#private::Duration::new(#seconds, #nanos)))
        }
        Value::Variant(Variant { enum_name, name, span }) => {
            let (choices, variant) = (Ident::new(enum_name, Span::mixed_site()), Ident::new(name, *span));
            quote!(#builder.#method(#private::#choices::#variant))
        }
        Value::Const(value) => quote!(#builder.#method(#value)),
        Value::Window(value) => {
            let window = RuntimeFn::ConstWindow.call(private, value.span(), &value.to_token_stream());
            let set = Ident::new("set", at(value.span()));
            quote!(#window.#set(#builder))
        }
    }
}

/// Returns the check that the compiler must do for one setting.
fn needed_check(annotated: &AnnotatedFn, setting: &AttributeSetting) -> Option<Check> {
    let AttributeSetting { key, span, value } = setting;
    match value {
        // A `max_wait` of zero needs no timer.
        Value::Duration(Duration::ZERO) => None,
        // In an async function `max_wait` needs the feature `tokio`, and the builder cannot know that the
        // function is async.
        _ if *key == Key::MaxWait && annotated.is_async() => {
            Some(Check { function: RuntimeFn::CheckedWaiting, span: *span })
        }
        // A valid literal may still need a feature of the runtime.
        Value::Duration(_) if *key == Key::CallTimeout => {
            Some(Check { function: RuntimeFn::Checked, span: *span })
        }
        Value::Const(value) | Value::Window(value) => {
            Some(Check { function: RuntimeFn::Checked, span: value.span() })
        }
        Value::Variant(variant) if *key == Key::Shared && variant.name != "Local" => {
            Some(Check { function: RuntimeFn::Checked, span: variant.span })
        }
        Value::Literal(_) | Value::Duration(_) | Value::Variant(_) => None,
    }
}

// Input:  private::DEFAULTS.., minimum_calls = LIMIT, window = 100
// Output: private::checked_rules(private::DEFAULTS..)
//
// `check` has already compared literals with each other.
fn check_combinations(private: &Repeated, spec: &Spec, builder: TokenStream) -> TokenStream {
    COMBINATIONS.into_iter().fold(builder, |builder, Combination { key, other, function }| {
        let Some(setting) = spec.setting(key) else {
            return builder;
        };
        let mut involved = spec.setting(other).into_iter().chain([setting]);
        if involved.all(|setting| !matches!(setting.value, Value::Const(_) | Value::Window(_))) {
            return builder;
        }
        function.call(private, setting.span, &builder)
    })
}
