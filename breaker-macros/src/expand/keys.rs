//! The text of a key, and the maximum number of keys.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned as _;

use super::at;
use super::runtime_fn::RuntimeFn;
use crate::check::Value;
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
    let elements = key_elements(key);
    let mut texts = elements.iter().map(|element| {
        let span = element.span();
        let wrapped = RuntimeFn::KeyValue.call(private, span, &quote_spanned!(at(span)=> &(#element)));
        quote_spanned!(at(span)=> #wrapped.__breaker_key())
    });
    match (key, elements.as_slice()) {
        (Expr::Tuple(_), [_, ..]) => quote_spanned!(Span::mixed_site()=> #private::join_keys(&[#(#texts),*])),
        _ => texts.next().unwrap_or_default(),
    }
}

/// Returns the elements of a tuple, and of the tuples in it. Any other key is its only element.
fn key_elements(key: &Expr) -> Vec<&Expr> {
    match key {
        Expr::Paren(paren) => key_elements(&paren.expr),
        Expr::Group(group) => key_elements(&group.expr),
        Expr::Tuple(tuple) if !tuple.elems.is_empty() => tuple.elems.iter().flat_map(key_elements).collect(),
        _ => vec![key],
    }
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
