//! Tokens that the expansion writes several times. To copy a `TokenStream` is a call into the compiler; to
//! copy these tokens is not, except for groups.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;

pub(crate) struct Repeated(Vec<TokenTree>);

impl Repeated {
    pub(crate) fn new(tokens: impl ToTokens) -> Self {
        Self(tokens.into_token_stream().into_iter().collect())
    }

    /// Returns the same tokens located at `span`.
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
