//! The modules of a crate depend on each other in one direction. The `mod` lines of lib.rs are in the order of
//! dependence, so a module and its submodules name only modules above them; and no two files import each other,
//! directly or through others; `SHARE_TYPES` lists the exceptions. A re-export counts as the module that it comes
//! from. lib.rs itself may name all modules.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::slice;

use syn::{Expr, Item, ItemMod, Lit, Meta};

use crate::paths::{Mention, imports, mentions};
use crate::source::Source;

/// Modules whose children use types that the module itself declares. Elsewhere a child that its parent uses names nothing
/// of the parent.
const SHARE_TYPES: &[&str] = &["config", "expand", "integrations::prometheus"];

/// A path of modules below the crate. That of lib.rs is empty.
type Module = Vec<String>;

/// The line of the first import behind each edge.
type Edges = BTreeMap<Module, BTreeMap<Module, usize>>;

/// The files of one crate by module.
struct Modules<'a> {
    files: BTreeMap<Module, &'a Source>,
    imports: BTreeMap<Module, BTreeMap<String, Vec<String>>>,
    /// The `mod` lines of lib.rs.
    order: Vec<String>,
}

/// Returns a problem for each mention of a module that lib.rs declares further down.
pub(crate) fn order(sources: &[&Source]) -> Vec<String> {
    let modules = Modules::new(sources);
    let position = |module: &Module| modules.order.iter().position(|name| module.first() == Some(name));
    let mut problems = Vec::new();
    for (own, source) in modules.files.iter().filter(|(own, _)| !own.is_empty()) {
        let Some(here) = position(own) else {
            problems.push(source.problem(1, "lib.rs has no `mod` line for this file"));
            continue;
        };
        for mention in code_mentions(own, source).iter().filter(|mention| mention.imported <= 1) {
            if mention.path == ["crate", "*"] {
                problems.push(source.problem(mention.line, "`crate::*` hides the modules; name them"));
            }
            let target = modules.resolve(own, &mention.path).unwrap_or_default();
            if let Some(name) = target.first().filter(|_| position(&target) > Some(here)) {
                let what =
                    format!("names `{name}`, which lib.rs declares below this module; move one of them");
                problems.push(source.problem(mention.line, &what));
            }
        }
    }
    problems.dedup();
    problems
}

/// Returns a problem for each group of files that import each other.
pub(crate) fn cycles(sources: &[&Source]) -> Vec<String> {
    let modules = Modules::new(sources);
    let edges = modules.edges();
    let mut reported = BTreeSet::new();
    let mut problems = Vec::new();
    for module in edges.keys() {
        let Some(cycle) = shortest_cycle(&edges, module) else { continue };
        if !cycle.iter().any(|module| reported.contains(module)) {
            let names: Vec<String> =
                cycle.iter().chain(cycle.first()).map(|module| module.join("::")).collect();
            let line = cycle.get(1).and_then(|next| edges.get(module)?.get(next)).copied().unwrap_or(1);
            let file = modules.files.get(module);
            problems.extend(
                file.map(|file| file.problem(line, &format!("import cycle: {}", names.join(" -> ")))),
            );
        }
        reported.extend(cycle);
    }
    problems
}

impl<'a> Modules<'a> {
    fn new(sources: &[&'a Source]) -> Self {
        let lib = sources.iter().find(|source| source.path.ends_with("src/lib.rs"));
        let declared: Vec<&ItemMod> =
            lib.iter().flat_map(|lib| &lib.syntax.items).filter_map(as_module).collect();
        let mut modules = Self { files: BTreeMap::new(), imports: BTreeMap::new(), order: Vec::new() };
        modules.order.extend(declared.iter().map(|module| module.ident.to_string()));
        for source in sources {
            let path = source.path.split_once("src/").map_or(source.path.as_str(), |(_, path)| path);
            let mut module: Module = path
                .trim_end_matches(".rs")
                .split('/')
                .map(str::to_owned)
                .filter(|name| name != "lib")
                .collect();
            if let Some(first) = module.first_mut()
                && let Some(renamed) =
                    declared.iter().find(|module| file_of(module).as_ref() == Some(&*first))
            {
                *first = renamed.ident.to_string();
            }
            let names: Vec<&str> = module.iter().map(String::as_str).collect();
            modules.imports.insert(module.clone(), imports(source, &names));
            modules.files.insert(module, source);
        }
        modules
    }

    /// Returns the module that declares the item at `path`, as named in the module `own`.
    fn resolve(&self, own: &Module, path: &[String]) -> Option<Module> {
        let mut path = self.absolute(own, path)?;
        // Bounded, in case two modules re-export from each other.
        for _ in 0..self.files.len() {
            let depth = (0..=path.len()).rev().find(|&depth| self.is_module(path.get(..depth)))?;
            let (module, rest) = path.split_at_checked(depth)?;
            let Some((name, rest)) = rest.split_first() else { return Some(module.to_vec()) };
            let Some(origin) = self.imports.get(module).and_then(|imports| imports.get(name)) else {
                return Some(module.to_vec());
            };
            path = [self.absolute(&module.to_vec(), origin)?, rest.to_vec()].concat();
        }
        None
    }

    /// Returns the path below the crate, unless it belongs to another crate.
    fn absolute(&self, own: &Module, path: &[String]) -> Option<Module> {
        match path {
            [first, rest @ ..] if first == "crate" => Some(rest.to_vec()),
            [first, _, ..] if self.is_module(Some(&[own.as_slice(), slice::from_ref(first)].concat())) => {
                Some([own, path].concat())
            }
            _ => None,
        }
    }

    fn is_module(&self, path: Option<&[String]>) -> bool {
        path.is_some_and(|path| self.files.contains_key(path))
    }

    fn edges(&self) -> Edges {
        let mut edges = Edges::new();
        for (own, source) in self.files.iter().filter(|(own, _)| !own.is_empty()) {
            for mention in code_mentions(own, source).iter().filter(|mention| !mention.reexported) {
                let target = self.resolve(own, &mention.path).unwrap_or_default();
                let shared = own.starts_with(&target) && SHARE_TYPES.contains(&target.join("::").as_str());
                if !target.is_empty() && target != *own && !shared {
                    edges.entry(own.clone()).or_default().entry(target).or_insert(mention.line);
                }
            }
        }
        edges
    }
}

/// Returns the mentions outside of test code.
fn code_mentions(module: &Module, source: &Source) -> Vec<Mention> {
    let names: Vec<&str> = module.iter().map(String::as_str).collect();
    let mut found = mentions(source, &names);
    found.retain(|mention| !source.is_test_line(mention.line));
    found
}

/// Returns the modules of the shortest cycle from `start` back to it.
fn shortest_cycle(edges: &Edges, start: &Module) -> Option<Vec<Module>> {
    let mut paths = VecDeque::from([vec![start.clone()]]);
    let mut seen = BTreeSet::new();
    while let Some(path) = paths.pop_front() {
        for next in path.last().and_then(|last| edges.get(last)).into_iter().flat_map(BTreeMap::keys) {
            if next == start {
                return Some(path);
            }
            if seen.insert(next.clone()) {
                paths.push_back([path.as_slice(), slice::from_ref(next)].concat());
            }
        }
    }
    None
}

fn as_module(item: &Item) -> Option<&ItemMod> {
    if let Item::Mod(module) = item { Some(module) } else { None }
}

/// Returns the stem in `#[path = "stem.rs"]`.
fn file_of(module: &ItemMod) -> Option<String> {
    let attribute = module.attrs.iter().find(|attribute| attribute.path().is_ident("path"))?;
    if let Meta::NameValue(pair) = &attribute.meta
        && let Expr::Lit(literal) = &pair.value
        && let Lit::Str(path) = &literal.lit
    {
        return path.value().strip_suffix(".rs").map(str::to_owned);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{cycles, order};
    use crate::source::Source;

    const LIB: &str =
        "mod low;\nmod high;\n#[path = \"private.rs\"]\npub mod __private;\npub use high::High;\n";

    fn sources(files: &[(&str, &str)]) -> Vec<Source> {
        let files = [("src/lib.rs", LIB)].iter().chain(files);
        files.map(|(path, text)| Source::parse(path, text).unwrap()).collect()
    }

    fn problems(rule: fn(&[&Source]) -> Vec<String>, files: &[(&str, &str)]) -> Vec<String> {
        rule(&sources(files).iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_module_that_names_one_below_it_is_found() {
        for text in [
            "use crate::{high::{self, High as Up}};",
            "fn f() { crate::high::f() }",
            "fn f() { assert!(crate::high::f()) }",
            "use super::high::f;",
            "use crate::High;",
            "use crate::__private::Site;",
            "use crate as all; fn f() { all::high::f() }",
            "use crate::*;",
            "macro_rules! m { () => { $crate::high::f() } }",
        ] {
            let files = [("src/low.rs", text), ("src/high.rs", ""), ("src/private.rs", "")];
            crate::assert_one_problem(&problems(order, &files), "src/low.rs:1");
        }
        crate::assert_one_problem(&problems(order, &[("src/lost.rs", "")]), "src/lost.rs:1");
    }

    #[test]
    fn a_module_may_name_those_above_it_and_its_tests_may_name_all() {
        for (path, text) in [
            ("src/private.rs", "use crate::{high::High, low}; use super::__private::x;"),
            ("src/low.rs", "/// [`crate::high`]\nfn f() {}\n"),
            ("src/low.rs", "#[cfg(test)]\nmod tests {\n    use crate::high::High;\n}\n"),
        ] {
            assert_eq!(problems(order, &[(path, text)]), [""; 0]);
        }
    }

    #[test]
    fn files_that_import_each_other_are_found() {
        for high in ["mod a; mod b; use a::A; struct S(A);", "mod a; mod b; fn f() { a::f() }"] {
            let files = [("src/high.rs", high), ("src/high/a.rs", "use super::S;"), ("src/high/b.rs", "")];
            crate::assert_one_problem(&problems(cycles, &files), "src/high.rs:1");
        }
        let through_a_reexport = [
            ("src/high.rs", "mod a; mod b; pub(crate) use b::B;"),
            ("src/high/a.rs", "use super::B;"),
            ("src/high/b.rs", "\nuse crate::high::a::A;"),
        ];
        crate::assert_one_problem(&problems(cycles, &through_a_reexport), "src/high/a.rs:1");
    }

    #[test]
    fn a_parent_may_reexport_a_child_that_uses_it() {
        let files = [
            ("src/high.rs", "mod a; pub(crate) use a::A; struct S; fn f(a: u8) -> u8 { a }"),
            ("src/high/a.rs", "use super::S; use crate::low;"),
            ("src/low.rs", ""),
        ];
        assert_eq!(problems(cycles, &files), [""; 0]);
    }
}
