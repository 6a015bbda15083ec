//! One Rust file: its syntax, which of its lines are code, and which exist for tests only.

use std::collections::BTreeSet;

use proc_macro2::{Span, TokenStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    Attribute, ImplItemFn, Item, ItemConst, ItemEnum, ItemExternCrate, ItemFn, ItemForeignMod, ItemImpl,
    ItemMacro, ItemMod, ItemStatic, ItemStruct, ItemTrait, ItemTraitAlias, ItemType, ItemUnion, ItemUse,
    Meta, Token,
};

use crate::tokens::{Token as Word, tokens};

/// A file that has been read. The path is relative to the house and has slashes.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) syntax: syn::File,
    pub(crate) row: Vec<Word>,
    test_lines: BTreeSet<usize>,
}

impl Source {
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self, String> {
        let fault = |error: &syn::Error| format!("{path}:{}: {error}", error.span().start().line);
        let stream: TokenStream = syn::parse_str(text).map_err(|error| fault(&error))?;
        let syntax: syn::File = syn::parse2(stream.clone()).map_err(|error| fault(&error))?;
        let mut finder = TestLines::default();
        finder.visit_file(&syntax);
        if syntax.attrs.iter().any(is_for_tests) {
            finder.lines.extend(1..=text.lines().count());
        }
        Ok(Self {
            path: path.to_owned(),
            text: text.to_owned(),
            syntax,
            row: tokens(stream),
            test_lines: finder.lines,
        })
    }

    pub(crate) fn complain(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }

    pub(crate) fn is_for_tests(&self, line: usize) -> bool {
        self.test_lines.contains(&line)
    }

    pub(crate) fn make_test_only(&mut self) {
        self.test_lines.extend(1..=self.text.lines().count());
    }

    /// The lines with code on them: not blank, not comment, not for tests.
    pub(crate) fn code_lines(&self) -> BTreeSet<usize> {
        let mut lines = BTreeSet::new();
        let mut rest = self.row.as_slice();
        while let [first, after @ ..] = rest {
            if let Some(past) = past_doc(rest) {
                rest = past;
                continue;
            }
            lines.extend(first.line..=first.last_line);
            rest = after;
        }
        &lines - &self.test_lines
    }

    /// The stem without which the paths of this file's own modules begin: `src/a` for `src/a.rs`.
    fn nest(&self) -> &str {
        let stem = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        match stem.rsplit_once('/') {
            Some((folder, "lib" | "main")) => folder,
            Some(_) | None => stem,
        }
    }

    /// The stems of the files that only tests see, because this one says `#[cfg(test)] mod name;`.
    pub(crate) fn test_only_stems(&self) -> Vec<String> {
        let mut stems = Vec::new();
        for item in &self.syntax.items {
            if let Item::Mod(module) = item
                && module.content.is_none()
                && module.attrs.iter().any(is_for_tests)
            {
                stems.push(format!("{}/{}", self.nest(), module.ident));
            }
        }
        stems
    }
}

/// What follows the doc comment at the start of `row`, if there is one. Docs that a macro makes, as
/// in `#[doc = include_str!(..)]`, are code.
fn past_doc(row: &[Word]) -> Option<&[Word]> {
    let rest = match row {
        [hash, bang, rest @ ..] if hash.text == "#" && bang.text == "!" => rest,
        [hash, rest @ ..] if hash.text == "#" => rest,
        _ => return None,
    };
    match rest {
        [open, doc, is, text, close, past @ ..]
            if open.text == "["
                && doc.text == "doc"
                && is.text == "="
                && text.text.contains('"')
                && close.text == "]" =>
        {
            Some(past)
        }
        _ => None,
    }
}

/// Whether an item with this attribute exists in test builds only.
fn is_for_tests(attribute: &Attribute) -> bool {
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
        Meta::List(list) => {
            let parts =
                list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).unwrap_or_default();
            (list.path.is_ident("all") && parts.iter().any(needs_test))
                || (list.path.is_ident("any") && !parts.is_empty() && parts.iter().all(needs_test))
        }
        Meta::NameValue(_) => false,
    }
}

#[derive(Default)]
struct TestLines {
    lines: BTreeSet<usize>,
}

impl TestLines {
    fn add(&mut self, span: Span) {
        self.lines.extend(span.start().line..=span.end().line);
    }
}

impl<'ast> Visit<'ast> for TestLines {
    fn visit_item(&mut self, item: &'ast Item) {
        if attributes(item).iter().any(is_for_tests) {
            self.add(item.span());
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if function.attrs.iter().any(is_for_tests) {
            self.add(function.span());
        }
        visit::visit_impl_item_fn(self, function);
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest has no attributes, or syn does not know it yet")]
fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(ItemConst { attrs, .. })
        | Item::Enum(ItemEnum { attrs, .. })
        | Item::ExternCrate(ItemExternCrate { attrs, .. })
        | Item::Fn(ItemFn { attrs, .. })
        | Item::ForeignMod(ItemForeignMod { attrs, .. })
        | Item::Impl(ItemImpl { attrs, .. })
        | Item::Macro(ItemMacro { attrs, .. })
        | Item::Mod(ItemMod { attrs, .. })
        | Item::Static(ItemStatic { attrs, .. })
        | Item::Struct(ItemStruct { attrs, .. })
        | Item::Trait(ItemTrait { attrs, .. })
        | Item::TraitAlias(ItemTraitAlias { attrs, .. })
        | Item::Type(ItemType { attrs, .. })
        | Item::Union(ItemUnion { attrs, .. })
        | Item::Use(ItemUse { attrs, .. }) => attrs,
        _ => &[],
    }
}

#[test]
fn docs_comments_blanks_and_tests_are_no_code() {
    let text = "//! docs\n\n// why\n/// more\nfn f() {\n    /* a */ g();\n}\n\n#[cfg(all(test, unix))]\nmod tests {\n    fn t() {}\n}\n";
    let source = Source::parse("a.rs", text).unwrap();
    assert_eq!(source.code_lines(), BTreeSet::from([5, 6, 7]));
    assert!(source.is_for_tests(11) && !source.is_for_tests(6));
}

#[test]
fn a_file_behind_cfg_test_is_for_tests() {
    let source =
        Source::parse("src/a.rs", "#[cfg(test)]\nmod tests;\n#[cfg(any(test, unix))]\nmod b;\n").unwrap();
    assert_eq!(source.test_only_stems(), ["src/a/tests"]);
    let lib = Source::parse("src/lib.rs", "#[cfg(test)]\nmod tests;\n").unwrap();
    assert_eq!(lib.test_only_stems(), ["src/tests"]);
}
