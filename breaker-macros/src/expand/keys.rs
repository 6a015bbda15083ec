//! The text of a key of circuits or values, and the maximum number of keys.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned as _;

use super::at;
use super::runtime_fn::RuntimeFn;
use crate::check::{Value, key_elements};
use crate::repeated::Repeated;

// Input:  key = tenant
// Output: private::KeyValue(&(tenant)).__breaker_key()
//
// Input:  key = (tenant, region)
// Output: private::join_keys(&[
//             private::KeyValue(&(tenant)).__breaker_key(),
//             private::KeyValue(&(region)).__breaker_key(),
//         ])
pub(super) fn key_text(private: &Repeated, key: &Expr) -> TokenStream {
    let texts = element_texts(private, key);
    match (key, texts.as_slice()) {
        (Expr::Tuple(_), [_, ..]) => quote_spanned!(Span::mixed_site()=> #private::join_keys(&[#(#texts),*])),
        _ => texts.into_iter().next().unwrap_or_default(),
    }
}

// Input:  key = (tenant, region)
// Output: private::value_key(&[
//             private::KeyValue(&(tenant)).__breaker_key(),
//             private::KeyValue(&(region)).__breaker_key(),
//         ])
pub(super) fn value_key(private: &Repeated, key: &Expr) -> TokenStream {
    let texts = element_texts(private, key);
    quote_spanned!(Span::mixed_site()=> #private::value_key(&[#(#texts),*]))
}

fn element_texts(private: &Repeated, key: &Expr) -> Vec<TokenStream> {
    let text = |element: &Expr| {
        let span = element.span();
        let wrapped = RuntimeFn::KeyValue.call(private, span, &quote_spanned!(at(span)=> &(#element)));
        quote_spanned!(at(span)=> #wrapped.__breaker_key())
    };
    key_elements(key).into_iter().map(text).collect()
}

// Input:  max_keys = LIMIT
// Output: private::checked_keys(LIMIT)
pub(super) fn checked_keys(private: &Repeated, value: Option<&Value>, default: u32) -> TokenStream {
    match value {
        Some(Value::Literal(literal)) => quote!(#private::checked_keys(#literal)),
        Some(Value::Const(value)) => {
            RuntimeFn::CheckedKeys.call(private, value.span(), &value.to_token_stream())
        }
        Some(Value::Duration(_) | Value::Variant(_) | Value::Window(_)) | None => {
            let default = Literal::u32_unsuffixed(default);
            quote!(#private::checked_keys(#default))
        }
    }
}
