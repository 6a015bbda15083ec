//! What the attribute sets: a function over the builder, and the checks that only the compiler can do.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::{at, call_at};
use crate::args::Key;
use crate::check::{Setting, Spec, Value};
use crate::function::AnnotatedFn;
use crate::repeated::Repeated;

// Input:  failure_threshold = 5
// Output: (nothing) and || p::SETTINGS.failure_threshold(5)
//
// Input:  failure_threshold = LIMIT
// Output: static __BREAKER_SETTINGS: p::ConfigBuilder = p::checked(p::SETTINGS.failure_threshold(LIMIT));
//         and || p::copied(&__BREAKER_SETTINGS)
//
// What only the compiler can check, it works out; what was checked here waits for the first call. In a static, which
// may read others of the user's.
pub(super) fn written(
    p: &Repeated,
    spec: &Spec,
    annotated: &AnnotatedFn,
) -> (Option<TokenStream>, TokenStream) {
    let mut is_known = true;
    let settings = spec.settings.iter().fold(quote!(#p::SETTINGS), |before, next| {
        let settings = setting(p, &before, next);
        let Some(Check { place, function }) = needed_check(annotated, next) else {
            return settings;
        };
        is_known = false;
        call_at(place, p, function, &settings)
    });
    if is_known {
        return (None, quote!(|| #settings));
    }
    let settings = together(p, spec, settings);
    let checked = quote_spanned! {Span::mixed_site()=>
        static __BREAKER_SETTINGS: #p::ConfigBuilder = #settings;
    };
    (Some(checked), quote_spanned!(Span::mixed_site()=> || #p::copied(&__BREAKER_SETTINGS)))
}

// Input:  p::SETTINGS, recovery_timeout = "10s"
// Output: p::SETTINGS.recovery_timeout(p::Duration::new(10u64, 0u32))
fn setting(p: &Repeated, before: &TokenStream, setting: &Setting) -> TokenStream {
    let method = setting.method();
    match &setting.value {
        Value::Literal(literal) => quote!(#before.#method(#literal)),
        Value::Duration(duration) => {
            let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
            quote!(#before.#method(#p::Duration::new(#seconds, #nanos)))
        }
        Value::Mode(mode) => quote!(#before.#method(#p::Mode::#mode)),
        Value::Const(value) => quote!(#before.#method(#value)),
        Value::Window(value) => {
            let window = call_at(value.span(), p, "Window", &value.to_token_stream());
            let set = Ident::new("set", at(value.span()));
            quote!(#window.#set(#before))
        }
    }
}

/// A question that only the compiler can answer, and where it is to show what is wrong.
struct Check {
    place: Span,
    function: &'static str,
}

// Input:  failure_threshold = LIMIT
// Output: checked
fn needed_check(annotated: &AnnotatedFn, setting: &Setting) -> Option<Check> {
    let Setting { key, span, value } = setting;
    match value {
        // Only async code needs a feature to wait, and the builder does not know for whom it builds.
        // Nobody needs one for `"0s"`.
        Value::Duration(Duration::ZERO) => None,
        _ if *key == Key::MaxWait && annotated.is_async() => {
            Some(Check { place: *span, function: "checked_waiting" })
        }
        // A time limit needs more than to be right: a feature of the runtime.
        Value::Duration(_) if *key == Key::CallTimeout => Some(Check { place: *span, function: "checked" }),
        Value::Const(value) | Value::Window(value) => {
            Some(Check { place: value.span(), function: "checked" })
        }
        Value::Literal(_) | Value::Duration(_) | Value::Mode(_) => None,
    }
}

// Input:  p::SETTINGS.., minimum_calls = LIMIT, window = 100
// Output: p::checked_rules(p::SETTINGS..)
//
// Literals were compared already. What is wrong with a const beside another setting, the compiler shows at
// the key that must change.
fn together(p: &Repeated, spec: &Spec, settings: TokenStream) -> TokenStream {
    const PAIRS: [(Key, Key, &str); 3] = [
        (Key::MinimumCalls, Key::Window, "checked_rules"),
        (Key::FailureThreshold, Key::Window, "checked_rules"),
        (Key::MaxRecoveryTimeout, Key::RecoveryTimeout, "checked_recovery"),
    ];
    PAIRS.into_iter().fold(settings, |settings, (key, other, function)| {
        let Some(setting) = spec.setting(key) else {
            return settings;
        };
        let mut all = spec.setting(other).into_iter().chain([setting]);
        let is_known = all.all(|setting| !matches!(setting.value, Value::Const(_) | Value::Window(_)));
        if is_known { settings } else { call_at(setting.span, p, function, &settings) }
    })
}
