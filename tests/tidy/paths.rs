//! Every path that a file names, in types, expressions, imports and the arguments of macros, with `self`,
//! `super` and imported names resolved. It sees syntax only; names that come from a glob stay short.

use std::collections::BTreeMap;

use proc_macro2::{Spacing, TokenStream, TokenTree};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{ItemExternCrate, ItemMod, ItemUse, Macro, Token, UseTree, Visibility};

use crate::source::Source;

/// A path at a line.
#[derive(Clone, Debug)]
pub(crate) struct Mention {
    pub(crate) line: usize,
    /// The segments, from `crate` on if the path is local. A glob ends with `*`.
    pub(crate) path: Vec<String>,
    /// Number of leading segments that come from a `use`, which is a mention of its own.
    pub(crate) imported: usize,
    /// `true` in a `use` with a visibility of its own.
    pub(crate) reexported: bool,
}

/// Returns all mentions in `source`, whose module path below the crate is `module`.
pub(crate) fn mentions(source: &Source, module: &[&str]) -> Vec<Mention> {
    let Walk { mut found, imports, .. } = walk(source, module);
    for mention in &mut found {
        mention.resolve(&imports);
    }
    found
}

/// Returns the path behind each name that `source` imports.
pub(crate) fn imports(source: &Source, module: &[&str]) -> BTreeMap<String, Vec<String>> {
    walk(source, module).imports
}

fn walk(source: &Source, module: &[&str]) -> Walk {
    let module = module.iter().map(|&name| name.to_owned()).collect();
    let mut walk = Walk { module, found: Vec::new(), imports: BTreeMap::new(), reexporting: false };
    walk.visit_file(&source.syntax);
    walk
}

impl Mention {
    fn resolve(&mut self, imports: &BTreeMap<String, Vec<String>>) {
        let Some(full) = self.path.first().and_then(|first| imports.get(first)) else { return };
        self.path.splice(..1, full.iter().cloned());
        self.imported = full.len();
    }
}

struct Walk {
    module: Vec<String>,
    found: Vec<Mention>,
    imports: BTreeMap<String, Vec<String>>,
    reexporting: bool,
}

impl Walk {
    fn found(&mut self, line: usize, path: &[String]) {
        let path = self.absolute(path);
        self.found.push(Mention { line, path, imported: 0, reexported: self.reexporting });
    }

    fn absolute(&self, path: &[String]) -> Vec<String> {
        let supers = path.iter().take_while(|segment| *segment == "super").count();
        let own = usize::from(path.first().is_some_and(|first| first == "self"));
        if path.len() == 1 || supers + own == 0 {
            return path.to_vec();
        }
        let around = self.module.len().saturating_sub(supers);
        let home = self.module.iter().take(around);
        let rest = path.iter().skip(supers.max(own));
        ["crate".to_owned()].iter().chain(home).chain(rest).cloned().collect()
    }

    /// Visits one `use` tree; `before` are the segments to its left.
    fn imported(&mut self, before: &[String], tree: &UseTree) {
        let then = |ident: &syn::Ident| [before, &[ident.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.imported(&then(&path.ident), &path.tree),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.imported(before, tree)),
            UseTree::Glob(glob) => {
                let line = glob.star_token.spans.first().map_or(0, |span| span.start().line);
                self.found(line, &[before, &["*".to_owned()]].concat());
            }
            UseTree::Name(name) if name.ident == "self" => {
                let alias = before.last().cloned().unwrap_or_default();
                self.import(name.ident.span().start().line, before, alias);
            }
            UseTree::Name(name) => {
                self.import(name.ident.span().start().line, &then(&name.ident), name.ident.to_string());
            }
            UseTree::Rename(rename) => {
                let path = if rename.ident == "self" { before.to_vec() } else { then(&rename.ident) };
                self.import(rename.ident.span().start().line, &path, rename.rename.to_string());
            }
        }
    }

    fn import(&mut self, line: usize, path: &[String], alias: String) {
        self.found(line, path);
        let absolute = self.absolute(path);
        // `use loom;` introduces no new name; resolving it would mark the paths behind it as imported.
        if absolute.len() > 1 || absolute.first() != Some(&alias) {
            self.imports.insert(alias, absolute);
        }
    }

    /// Finds the paths in the tokens of a macro: names with `::` between them.
    fn scan(&mut self, stream: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let (mut line, mut continues) = (0, false);
        for tree in stream {
            match tree {
                TokenTree::Ident(ident) => {
                    if !continues {
                        self.end_of_path(line, &mut path);
                        line = ident.span().start().line;
                    }
                    path.push(ident.to_string());
                    continues = false;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    // The colon of `a: b` is alone; the first one of `a::b` is joint with the second.
                    if punct.spacing() == Spacing::Alone && !continues {
                        self.end_of_path(line, &mut path);
                    }
                    continues = !path.is_empty();
                }
                TokenTree::Group(group) => {
                    self.scan_group(&path, continues, group.stream());
                    self.end_of_path(line, &mut path);
                    continues = false;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    self.end_of_path(line, &mut path);
                    continues = false;
                }
            }
        }
        self.end_of_path(line, &mut path);
    }

    fn scan_group(&mut self, before: &[String], continues: bool, stream: TokenStream) {
        let uses = Punctuated::<UseTree, Token![,]>::parse_terminated.parse2(stream.clone());
        match uses {
            Ok(trees) if continues => trees.iter().for_each(|tree| self.imported(before, tree)),
            Ok(_) | Err(_) => self.scan(stream),
        }
    }

    fn end_of_path(&mut self, line: usize, path: &mut Vec<String>) {
        if !path.is_empty() {
            self.found(line, &std::mem::take(path));
        }
    }
}

impl<'ast> Visit<'ast> for Walk {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.reexporting = !matches!(item.vis, Visibility::Inherited);
        self.imported(&[], &item.tree);
        self.reexporting = false;
    }

    fn visit_item_extern_crate(&mut self, item: &'ast ItemExternCrate) {
        self.found(item.ident.span().start().line, &[item.ident.to_string()]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let Some(first) = path.segments.first() {
            self.found(first.ident.span().start().line, &segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.scan(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}

#[test]
fn paths_are_resolved_however_they_are_written() {
    let text = "use std::{sync::{self, Mutex as M}, time::*};\nmod m { fn f() { super::super::x::y() } }\n\
                fn g() { sync::Arc::new(vec![crate::a::b, self::c::d: e]); }\nmacro_rules! m { () => { use $crate::{p::q}; } }\n";
    let source = Source::parse("a/b.rs", text).unwrap();
    let found: Vec<String> = mentions(&source, &["a", "b"])
        .iter()
        .filter(|mention| mention.path.len() > 1)
        .map(|mention| format!("{} {}", mention.line, mention.path.join("::")))
        .collect();
    let wanted = [
        "1 std::sync",
        "1 std::sync::Mutex",
        "1 std::time::*",
        "2 crate::a::x::y",
        "3 crate::a::b",
        "3 crate::a::b::c::d",
        "3 std::sync::Arc::new",
        "4 crate::p::q",
    ];
    for path in wanted {
        assert!(found.iter().any(|it| it == path), "{path} is not in {found:#?}");
    }
}
