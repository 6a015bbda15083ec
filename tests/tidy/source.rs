//! One Rust file: its text, its syntax, and which of its lines exist only in test builds.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItemFn, Item, ItemFn, ItemImpl, ItemMod, ItemUse, LitStr, Meta, Token};

/// A parsed file. Its path is relative to the workspace.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) syntax: syn::File,
    pub(crate) tokens: TokenStream,
    test_lines: BTreeSet<usize>,
}

/// A string literal.
pub(crate) struct Literal {
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self, String> {
        let describe = |error: syn::Error| format!("{path}:{}: {error}", error.span().start().line);
        let tokens: TokenStream = syn::parse_str(text).map_err(describe)?;
        let syntax: syn::File = syn::parse2(tokens.clone()).map_err(describe)?;
        let mut finder = TestLines::default();
        finder.visit_file(&syntax);
        Ok(Self { path: path.to_owned(), text: text.to_owned(), syntax, tokens, test_lines: finder.lines })
    }

    pub(crate) fn problem(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }

    pub(crate) fn is_test_line(&self, line: usize) -> bool {
        self.test_lines.contains(&line)
    }

    /// Marks all lines as test code.
    pub(crate) fn mark_as_test(&mut self) {
        self.test_lines.extend(1..=self.text.lines().count());
    }

    /// Returns the path without `.rs` of each file that this one declares with `#[cfg(test)] mod name;`.
    pub(crate) fn test_modules(&self) -> Vec<String> {
        let stem = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        let folder = match stem.rsplit_once('/') {
            Some((folder, "lib" | "main")) => folder,
            Some(_) | None => stem,
        };
        let mut modules = Vec::new();
        for item in &self.syntax.items {
            if let Item::Mod(module) = item
                && module.content.is_none()
                && module.attrs.iter().any(is_cfg_test)
            {
                modules.push(format!("{folder}/{}", module.ident));
            }
        }
        modules
    }

    /// Returns the string literals outside of attributes, doc comments and test code.
    pub(crate) fn literals(&self) -> Vec<Literal> {
        let mut found = Vec::new();
        collect_literals(self.tokens.clone(), &mut found);
        found.retain(|literal| !self.is_test_line(literal.line));
        found
    }
}

/// Returns the string literals in `tokens`, except those in attributes.
pub(crate) fn literals_in(tokens: TokenStream) -> Vec<Literal> {
    let mut found = Vec::new();
    collect_literals(tokens, &mut found);
    found
}

fn collect_literals(tokens: TokenStream, found: &mut Vec<Literal>) {
    let mut after_hash = false;
    for tree in tokens {
        match tree {
            TokenTree::Group(group) if after_hash && group.delimiter() == Delimiter::Bracket => {
                after_hash = false;
            }
            TokenTree::Group(group) => {
                after_hash = false;
                collect_literals(group.stream(), found);
            }
            // `#![..]` is an attribute as well.
            TokenTree::Punct(punct) => {
                after_hash = punct.as_char() == '#' || after_hash && punct.as_char() == '!';
            }
            TokenTree::Ident(_) => after_hash = false,
            TokenTree::Literal(literal) => {
                let line = literal.span().start().line;
                let text = syn::parse_str::<LitStr>(&literal.to_string());
                found.extend(text.ok().map(|text| Literal { line, text: text.value() }));
            }
        }
    }
}

/// Returns `true` if an item with this attribute exists only in test builds.
fn is_cfg_test(attribute: &Attribute) -> bool {
    match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            list.parse_args().is_ok_and(|meta| needs_test(&meta))
        }
        Meta::List(_) | Meta::Path(_) | Meta::NameValue(_) => false,
    }
}

fn needs_test(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => {
            let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
            parts.is_ok_and(|parts| parts.iter().any(needs_test))
        }
        Meta::List(_) | Meta::NameValue(_) => false,
    }
}

#[derive(Default)]
struct TestLines {
    lines: BTreeSet<usize>,
}

impl TestLines {
    fn add(&mut self, attributes: &[Attribute], span: Span) {
        if attributes.iter().any(is_cfg_test) {
            self.lines.extend(span.start().line..=span.end().line);
        }
    }
}

impl<'ast> Visit<'ast> for TestLines {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.add(&item.attrs, item.span());
        visit::visit_item_mod(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.add(&item.attrs, item.span());
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add(&item.attrs, item.span());
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        self.add(&item.attrs, item.span());
        visit::visit_item_impl(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.add(&item.attrs, item.span());
    }
}

#[test]
fn items_and_files_behind_cfg_test_are_test_code() {
    let text = "fn f() {}\n#[cfg(all(test, unix))]\nmod tests {\n    fn t() {}\n}\n#[cfg(test)]\nmod more;\n";
    let source = Source::parse("src/a.rs", text).unwrap();
    assert!(source.is_test_line(4) && !source.is_test_line(1));
    assert_eq!(source.test_modules(), ["src/a/more"]);
}
