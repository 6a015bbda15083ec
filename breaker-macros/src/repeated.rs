//! Tokens that are written several times. A `TokenStream` asks the compiler for each copy of it, and the compiler
//! takes its time; this does not, but for groups.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;

pub(crate) struct Repeated(Vec<TokenTree>);

impl Repeated {
    pub(crate) fn new(tokens: impl ToTokens) -> Self {
        Self(tokens.into_token_stream().into_iter().collect())
    }

    /// The same, at another place.
    pub(crate) fn at(&self, place: Span) -> Self {
        let mut tokens = self.0.clone();
        for token in &mut tokens {
            token.set_span(token.span().located_at(place));
        }
        Self(tokens)
    }
}

impl ToTokens for Repeated {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.0.iter().cloned());
    }
}
