//! The examples in the documentation: the code that readers see and that `cargo test --doc` compiles.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use quote::ToTokens as _;
use syn::{Attribute, Meta};

use crate::source_lists::literal;

/// The folders whose documentation has examples.
const FOLDERS: [&str; 2] = ["breaker-runtime/src", "breaker-macros/src"];

/// The flags of a code block that is compiled. Others, such as `text` and `compile_fail`, are no examples.
const FLAGS: &[&str] = &["", "no_run", "rust", "should_panic", "standalone_crate"];

/// The names of the functions in the examples of all doc comments and pages.
#[derive(Default)]
pub(crate) struct Examples {
    /// Methods and associated functions that are called.
    called: BTreeSet<String>,
    defined: BTreeSet<String>,
}

impl Examples {
    pub(crate) fn read() -> Result<Self, String> {
        let mut this = Self::default();
        for folder in FOLDERS {
            this.add_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder))?;
        }
        Ok(this)
    }

    pub(crate) fn call(&self, method: &str) -> bool {
        self.called.contains(method)
    }

    pub(crate) fn define(&self, method: &str) -> bool {
        self.defined.contains(method)
    }

    fn add_folder(&mut self, folder: &Path) -> Result<(), String> {
        let describe = |error| format!("{}: {error}", folder.display());
        for entry in fs::read_dir(folder).map_err(describe)? {
            let path = entry.map_err(describe)?.path();
            if path.is_dir() {
                self.add_folder(&path)?;
                continue;
            }
            let read = || fs::read_to_string(&path).map_err(describe);
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("rs") => self.add(read()?.lines().filter_map(doc_line)),
                Some("md") => self.add(read()?.lines()),
                _ => {}
            }
        }
        Ok(())
    }

    fn add<'a>(&mut self, markdown: impl Iterator<Item = &'a str>) {
        for line in code(markdown) {
            for (before, name) in names_in_front_of_parentheses(line) {
                if before.ends_with('.') || before.ends_with("::") {
                    self.called.insert(name.to_owned());
                } else if before.ends_with("fn ") {
                    self.defined.insert(name.to_owned());
                }
            }
        }
    }
}

/// Returns `true` if the doc comment in these attributes has an example.
pub(crate) fn has_example(attributes: &[Attribute]) -> bool {
    let texts = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => {
            literal(&pair.value.to_token_stream().to_string())
        }
        Meta::NameValue(_) | Meta::Path(_) | Meta::List(_) => None,
    });
    let docs: Vec<String> = texts.collect();
    !code(docs.iter().flat_map(|text| text.lines())).is_empty()
}

/// Returns the lines of the code blocks that are compiled, without those that rustdoc hides.
fn code<'a>(markdown: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut lines = Vec::new();
    // In a block, this is `Some(true)` if the code is compiled.
    let mut block = None;
    for line in markdown.map(str::trim) {
        match (line.strip_prefix("```"), block) {
            (Some(flags), None) => block = Some(flags.split(',').all(|flag| FLAGS.contains(&flag.trim()))),
            (Some(_), Some(_)) => block = None,
            (None, Some(true)) if !(line.is_empty() || line == "#" || line.starts_with("# ")) => {
                lines.push(line);
            }
            (None, _) => {}
        }
    }
    lines
}

/// Returns the text of a line of a doc comment.
fn doc_line(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))
}

/// Returns each name that has an argument list, with the text in front of it.
fn names_in_front_of_parentheses(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.match_indices('(').filter_map(|(index, _)| {
        let full = line.get(..index)?;
        let generics = full.ends_with('>').then(|| full.rfind("::<")).flatten();
        let full = full.get(..generics.unwrap_or(full.len()))?;
        let before = full.trim_end_matches(|last: char| last.is_alphanumeric() || last == '_');
        full.get(before.len()..).filter(|name| !name.is_empty()).map(|name| (before, name))
    })
}

#[test]
fn the_names_in_visible_code_that_is_compiled_are_found() {
    let mut examples = Examples::default();
    let text = "a.text()\n```\na.shown::<u8>(B::new(c))\nfn own(x: u8) {}\n# a.hidden();\n```\n\
                ```text\na.output()\n```\n```no_run\na.compiled()\n```\n```compile_fail\na.refused()\n```";
    examples.add(text.lines());
    assert_eq!(examples.called.iter().collect::<Vec<_>>(), ["compiled", "new", "shown"]);
    assert_eq!(examples.defined.iter().collect::<Vec<_>>(), ["own"]);
}

#[test]
fn a_doc_comment_has_an_example_if_it_shows_code_that_is_compiled() {
    let has = |text: &str| {
        let item: syn::ItemStruct = syn::parse_str(&format!("{text} struct A;")).expect("it is a struct");
        has_example(&item.attrs)
    };
    assert!(has("/// A type.\n///\n/// ```\n/// let a = A;\n/// ```\n"));
    assert!(!has("/// A type.\n///\n/// ```text\n/// let a = A;\n/// ```\n"));
    assert!(!has("/// A type.\n///\n/// ```\n/// # let a = A;\n/// ```\n"));
    assert!(!has("/// A type, `A`.\n"));
}
