//! Expands calls of `macro_rules!`, as far as the crates declare items with them: fragments and repetitions.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::{Error, Expr, Lit, Meta, Result, Type, Visibility};

/// The rules of one macro.
pub(crate) struct Macro(Vec<Rule>);

struct Rule {
    matcher: Vec<Matcher>,
    output: TokenStream,
}

enum Matcher {
    Token(TokenTree),
    Group(Delimiter, Vec<Matcher>),
    Fragment { name: String, kind: String },
    Repeat { inner: Vec<Matcher>, separator: Option<TokenTree> },
}

type Bindings = BTreeMap<String, Bound>;

/// What a name stands for.
#[derive(Clone)]
enum Bound {
    One(TokenStream),
    /// One element for each repetition.
    Many(Vec<Bindings>),
}

impl Macro {
    /// Reads the body of a `macro_rules!`.
    pub(crate) fn parse(body: TokenStream) -> Result<Self> {
        let parse = |input: ParseStream<'_>| {
            let mut rules = Vec::new();
            while !input.is_empty() {
                let matcher: Group = input.parse()?;
                input.parse::<syn::Token![=>]>()?;
                let output: Group = input.parse()?;
                input.parse::<Option<syn::Token![;]>>()?;
                rules.push(Rule { matcher: matchers.parse2(matcher.stream())?, output: output.stream() });
            }
            Ok(Self(rules))
        };
        parse.parse2(body)
    }

    /// Returns the items that a call stands for.
    pub(crate) fn expand(&self, call: &TokenStream) -> Result<syn::File> {
        let span = call.clone().into_iter().next().map_or_else(proc_macro2::Span::call_site, |it| it.span());
        for rule in &self.0 {
            let bind = |input: ParseStream<'_>| {
                let mut bindings = Bindings::new();
                bind_all(&rule.matcher, input, &mut bindings)?;
                Ok(bindings)
            };
            if let Ok(bindings) = bind.parse2(call.clone()) {
                return syn::parse2(transcribe(rule.output.clone(), &bindings));
            }
        }
        Err(Error::new(span, "no rule of the macro matches"))
    }
}

fn matchers(input: ParseStream<'_>) -> Result<Vec<Matcher>> {
    let mut found = Vec::new();
    while !input.is_empty() {
        found.push(match input.parse()? {
            TokenTree::Punct(punct) if punct.as_char() == '$' => match input.parse()? {
                TokenTree::Group(group) => {
                    let inner = matchers.parse2(group.stream())?;
                    Matcher::Repeat { inner, separator: separator(input)? }
                }
                name => {
                    input.parse::<syn::Token![:]>()?;
                    let kind = input.call(Ident::parse_any)?.to_string();
                    Matcher::Fragment { name: name.to_string(), kind }
                }
            },
            TokenTree::Group(group) => Matcher::Group(group.delimiter(), matchers.parse2(group.stream())?),
            token => Matcher::Token(token),
        });
    }
    Ok(found)
}

/// Reads the separator of a repetition, if it has one, and its operator.
fn separator(input: ParseStream<'_>) -> Result<Option<TokenTree>> {
    let token: TokenTree = input.parse()?;
    if matches!(&*token.to_string(), "*" | "+" | "?") {
        return Ok(None);
    }
    input.parse::<TokenTree>()?;
    Ok(Some(token))
}

fn bind_all(matchers: &[Matcher], input: ParseStream<'_>, bindings: &mut Bindings) -> Result<()> {
    for matcher in matchers {
        match matcher {
            Matcher::Token(expected) => {
                let found: TokenTree = input.parse()?;
                if found.to_string() != expected.to_string() {
                    return Err(Error::new(found.span(), format!("expected `{expected}`")));
                }
            }
            Matcher::Group(delimiter, inner) => {
                let group: Group = input.parse()?;
                if group.delimiter() != *delimiter {
                    return Err(Error::new(group.span(), "another delimiter"));
                }
                let bind = |input: ParseStream<'_>| bind_all(inner, input, bindings);
                bind.parse2(group.stream())?;
            }
            Matcher::Fragment { name, kind } => {
                bindings.insert(name.clone(), Bound::One(fragment(kind, input)?));
            }
            Matcher::Repeat { inner, separator } => {
                let all = repetitions(inner, separator.as_ref(), input);
                for name in names(inner) {
                    bindings.insert(name, Bound::Many(all.clone()));
                }
            }
        }
    }
    Ok(())
}

fn repetitions(inner: &[Matcher], separator: Option<&TokenTree>, input: ParseStream<'_>) -> Vec<Bindings> {
    use syn::parse::discouraged::Speculative as _;

    let mut all = Vec::new();
    while !input.is_empty() {
        let ahead = input.fork();
        let mut bindings = Bindings::new();
        if bind_all(inner, &ahead, &mut bindings).is_err() {
            break;
        }
        input.advance_to(&ahead);
        all.push(bindings);
        if let Some(separator) = separator {
            let ahead = input.fork();
            match ahead.parse::<TokenTree>() {
                Ok(found) if found.to_string() == separator.to_string() => input.advance_to(&ahead),
                Ok(_) | Err(_) => break,
            }
        }
    }
    all
}

fn fragment(kind: &str, input: ParseStream<'_>) -> Result<TokenStream> {
    fn read<T: Parse + quote::ToTokens>(input: ParseStream<'_>) -> Result<TokenStream> {
        input.parse().map(T::into_token_stream)
    }
    match kind {
        "ident" => input.call(Ident::parse_any).map(Ident::into_token_stream),
        "literal" => read::<Lit>(input),
        "ty" => read::<Type>(input),
        "expr" => read::<Expr>(input),
        "meta" => read::<Meta>(input),
        "vis" => read::<Visibility>(input),
        "tt" => read::<TokenTree>(input),
        _ => Err(input.error(format!("fragments of the kind `{kind}` are not supported here"))),
    }
}

/// Returns the names of all fragments.
fn names(matchers: &[Matcher]) -> Vec<String> {
    let of_one = |matcher: &Matcher| match matcher {
        Matcher::Token(_) => Vec::new(),
        Matcher::Fragment { name, .. } => vec![name.clone()],
        Matcher::Group(_, inner) | Matcher::Repeat { inner, .. } => names(inner),
    };
    matchers.iter().flat_map(of_one).collect()
}

fn transcribe(output: TokenStream, bindings: &Bindings) -> TokenStream {
    let mut written = TokenStream::new();
    let mut trees = output.into_iter().peekable();
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Punct(punct) if punct.as_char() == '$' => match trees.next() {
                Some(TokenTree::Group(group)) => {
                    // The operator, and before it the separator, which the items need between them.
                    let mut separator = None;
                    let operator = |tree: &TokenTree| matches!(&*tree.to_string(), "*" | "+" | "?");
                    if let Some(token) = trees.next().filter(|token| !operator(token)) {
                        separator = Some(token);
                        trees.next();
                    }
                    written.extend(repeat(&group.stream(), separator.as_ref(), bindings));
                }
                Some(name) => match bindings.get(&name.to_string()) {
                    Some(Bound::One(tokens)) => written.extend(tokens.clone()),
                    Some(Bound::Many(_)) | None => written.extend(quote!(#name)),
                },
                None => {}
            },
            TokenTree::Group(group) => {
                let inner = transcribe(group.stream(), bindings);
                written.extend([TokenTree::Group(Group::new(group.delimiter(), inner))]);
            }
            token => written.extend([token]),
        }
    }
    written
}

fn repeat(inner: &TokenStream, separator: Option<&TokenTree>, bindings: &Bindings) -> TokenStream {
    let repeated = used_names(inner.clone()).into_iter().find_map(|name| match bindings.get(&name) {
        Some(Bound::Many(all)) => Some(all),
        Some(Bound::One(_)) | None => None,
    });
    let mut written = TokenStream::new();
    for (index, one) in repeated.into_iter().flatten().enumerate() {
        if index > 0 {
            written.extend(separator.cloned());
        }
        let mut all = bindings.clone();
        all.extend(one.clone());
        written.extend(transcribe(inner.clone(), &all));
    }
    written
}

/// Returns the names after a `$`.
fn used_names(tokens: TokenStream) -> Vec<String> {
    let mut names = Vec::new();
    let mut after_dollar = false;
    for tree in tokens {
        match tree {
            TokenTree::Group(group) => names.extend(used_names(group.stream())),
            TokenTree::Ident(ident) if after_dollar => names.push(ident.to_string()),
            TokenTree::Ident(_) | TokenTree::Literal(_) => {}
            TokenTree::Punct(punct) => {
                after_dollar = punct.as_char() == '$';
                continue;
            }
        }
        after_dollar = false;
    }
    names
}

#[test]
fn fragments_and_repetitions_are_expanded() {
    let rules = Macro::parse(quote! {
        ($name:ident { $($(#[$doc:meta])* $variant:ident = $label:literal,)+ } $($rest:ident),*) => {
            pub enum $name { $($(#[$doc])* $variant,)+ }
            pub fn labels() -> [&'static str; 2] { [$($label),+] }
            $(pub struct $rest;)*
        };
    });
    let call = quote!(State { #[cold] #[inline] Open = "open", Closed = "closed", } A, B);
    let expanded = rules.unwrap().expand(&call).unwrap().into_token_stream().to_string();
    let wanted = quote! {
        pub enum State { #[cold] #[inline] Open, Closed, }
        pub fn labels() -> [&'static str; 2] { ["open", "closed"] }
        pub struct A;
        pub struct B;
    };
    assert_eq!(expanded, wanted.to_string());
}
