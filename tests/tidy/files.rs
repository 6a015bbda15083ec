//! A file opens by saying what it is for, holds one noun, and is called after it.

use std::collections::BTreeSet;

use syn::visit::{self, Visit};
use syn::{Block, Ident, ImplItemFn, ItemFn, ItemMod, TraitItemFn};

use crate::source::Source;

const LINES_OF_A_FILE: usize = 300;
const LINES_OF_A_FUNCTION: usize = 40;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] =
    &["core", "utils", "util", "common", "helpers", "helper", "types", "manager", "handler"];

pub(crate) fn openings(sources: &[&Source]) -> Vec<String> {
    let silent = sources.iter().filter(|source| !source.text.starts_with("//!"));
    silent.map(|source| source.complain(1, "open the file with `//!`: what it is for")).collect()
}

pub(crate) fn lengths(sources: &[&Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        let code = source.code_lines();
        if code.len() > LINES_OF_A_FILE {
            let what =
                format!("{} lines of code, more than {LINES_OF_A_FILE}; split it by nouns", code.len());
            complaints.push(source.complain(1, &what));
        }
        let mut functions = Functions { source, code: &code, complaints: Vec::new() };
        functions.visit_file(&source.syntax);
        complaints.append(&mut functions.complaints);
    }
    complaints
}

pub(crate) fn names(sources: &[&Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        let stem = source.path.strip_suffix(".rs").unwrap_or(&source.path);
        for part in stem.split('/') {
            if EMPTY_NAMES.contains(&part) {
                complaints.push(
                    source.complain(1, &format!("`{part}` says nothing; call it after what is inside")),
                );
            }
        }
        if stem.ends_with("/mod") {
            complaints.push(source.complain(1, "call it after its folder, and put it beside that"));
        }
        let mut modules = Modules { source, complaints: Vec::new() };
        modules.visit_file(&source.syntax);
        complaints.append(&mut modules.complaints);
    }
    complaints
}

struct Functions<'a> {
    source: &'a Source,
    code: &'a BTreeSet<usize>,
    complaints: Vec<String>,
}

impl Functions<'_> {
    fn measure(&mut self, name: &Ident, body: &Block) {
        let braces = body.brace_token.span;
        let (open, close) = (braces.open().start().line, braces.close().start().line);
        let long = self.code.range(open..close).skip(1).count();
        if long > LINES_OF_A_FUNCTION {
            let what = format!(
                "`{name}` has {long} lines of code, more than {LINES_OF_A_FUNCTION}; split it by verbs"
            );
            self.complaints.push(self.source.complain(name.span().start().line, &what));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.measure(&function.sig.ident, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.measure(&function.sig.ident, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(body) = &function.default {
            self.measure(&function.sig.ident, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

struct Modules<'a> {
    source: &'a Source,
    complaints: Vec<String>,
}

impl<'ast> Visit<'ast> for Modules<'_> {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let name = module.ident.to_string();
        // An empty one is a sample of a name that is in the way, and hides nothing.
        let is_empty = module.content.as_ref().is_some_and(|(_, items)| items.is_empty());
        if EMPTY_NAMES.contains(&name.as_str()) && !is_empty {
            let what = format!("`mod {name}` says nothing; call it after what is inside");
            self.complaints.push(self.source.complain(module.ident.span().start().line, &what));
        }
        visit::visit_item_mod(self, module);
    }
}

#[cfg(test)]
mod tests {
    use super::{lengths, names, openings};
    use crate::source::Source;

    fn source(path: &str, text: &str) -> Source {
        Source::parse(path, text).unwrap()
    }

    #[test]
    fn a_silent_file_is_found() {
        crate::complains(&openings(&[&source("src/a.rs", "// hm\nfn f() {}\n")]), "src/a.rs:1");
        assert_eq!(openings(&[&source("src/a.rs", "//! What it is for.\n")]), [""; 0]);
    }

    #[test]
    fn a_long_file_is_found() {
        let (most, more) = ("// why\n\nfn f() {}\n".repeat(300), "fn f() {}\n".repeat(301));
        assert_eq!(lengths(&[&source("src/a.rs", &most)]), [""; 0]);
        crate::complains(&lengths(&[&source("src/a.rs", &more)]), "src/a.rs:1");
        let tests = format!("#[cfg(test)]\nmod tests {{\n{more}}}\n");
        assert_eq!(lengths(&[&source("src/a.rs", &tests)]), [""; 0]);
    }

    #[test]
    fn a_long_function_is_found() {
        let (most, more) = ("    g();\n\n    // why\n".repeat(40), "    g();\n".repeat(41));
        assert_eq!(lengths(&[&source("src/a.rs", &format!("fn f() {{\n{most}}}\n"))]), [""; 0]);
        for around in ["", "impl S { ", "trait T { "] {
            let end = if around.is_empty() { "" } else { "}" };
            let text = format!("\n{around}fn f() {{\n{more}}}{end}\n");
            crate::complains(&lengths(&[&source("src/a.rs", &text)]), "src/a.rs:2");
        }
    }

    #[test]
    fn a_name_that_says_nothing_is_found() {
        crate::complains(&names(&[&source("src/utils.rs", "")]), "src/utils.rs:1");
        crate::complains(&names(&[&source("src/common/a.rs", "")]), "src/common/a.rs:1");
        crate::complains(&names(&[&source("src/a/mod.rs", "")]), "src/a/mod.rs:1");
        crate::complains(
            &names(&[&source("src/a.rs", "mod b {\n    mod helper { fn f() {} }\n}\n")]),
            "src/a.rs:2",
        );
        assert_eq!(names(&[&source("src/clock.rs", "mod hand {} mod core {}")]), [""; 0]);
    }
}
