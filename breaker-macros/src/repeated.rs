//! Tokens that the expansion writes several times. Cloning a `TokenStream` calls into the compiler; cloning
//! these tokens does not, except for groups.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;

pub(crate) struct Repeated(Vec<TokenTree>);

impl Repeated {
    pub(crate) fn new(tokens: impl ToTokens) -> Self {
        Self(tokens.into_token_stream().into_iter().collect())
    }

    /// Returns these tokens with the location of `span`.
    pub(crate) fn at(&self, span: Span) -> Self {
        let mut tokens = self.0.clone();
        for token in &mut tokens {
            token.set_span(token.span().located_at(span));
        }
        Self(tokens)
    }
}

impl ToTokens for Repeated {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.0.iter().cloned());
    }
}
