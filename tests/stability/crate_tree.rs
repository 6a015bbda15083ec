//! One crate as the compiler sees it: its modules with their items, what they import, and the features that they need.
//!
//! It reads the sources from lib.rs on, follows `mod` lines, and expands the macros that declare items. Items that exist
//! only in tests are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::punctuated::Punctuated;
use syn::{Attribute, Item, ItemMod, ItemUse, Macro as Call, Meta, Token, UseTree, Visibility};

use crate::expansion::Macro;
use crate::lexemes;

/// A path of modules below the crate; that of lib.rs is empty.
pub(crate) type ModulePath = Vec<String>;

/// The features that an item needs, such as `axum` and `serde or tokio`. The item needs all of them.
pub(crate) type Conditions = BTreeSet<String>;

/// Macros whose calls declare nothing public.
const PRIVATE_MACROS: &[&str] = &["lazy_static", "per_thread", "thread_local"];

/// Conditions that do not hold in the builds of users.
const NEVER: &[&str] = &["breaker_loom", "doc", "docsrs", "test", "trybuild"];

/// All modules of a crate.
pub(crate) struct Crate {
    /// The name in paths.
    pub(crate) name: &'static str,
    modules: BTreeMap<ModulePath, Module>,
    macros: BTreeMap<String, Macro>,
}

pub(crate) struct Module {
    pub(crate) path: ModulePath,
    pub(crate) conditions: Conditions,
    /// Items, also those that macros declare. Modules in it are empty.
    pub(crate) items: Vec<Item>,
    pub(crate) imports: Vec<Import>,
}

/// One name of a `use`.
#[derive(Clone)]
pub(crate) struct Import {
    /// The name here; `*` for a glob.
    pub(crate) alias: String,
    pub(crate) path: Vec<String>,
    pub(crate) is_public: bool,
    pub(crate) conditions: Conditions,
}

/// What a path names.
pub(crate) enum Target<'a> {
    Module(&'a Module),
    /// An item of this crate. `rest` is the number of segments after its name.
    Item {
        module: &'a Module,
        name: String,
        rest: usize,
    },
    /// An item of another crate, with its full path.
    Foreign(Vec<String>),
    /// A generic parameter, or a name that the language has everywhere.
    Unknown,
}

/// The place of a file: where its submodules are.
struct Location<'a> {
    file: &'a str,
    folder: String,
}

impl Crate {
    /// Reads the crate in a folder of the repository.
    pub(crate) fn read(name: &'static str, folder: &str) -> Result<Self, String> {
        let mut this = Self { name, modules: BTreeMap::new(), macros: BTreeMap::new() };
        let file = format!("{folder}/src/lib.rs");
        let location = Location { file: &file, folder: format!("{folder}/src") };
        this.add_module(&location, Vec::new(), Conditions::new(), parse_file(&file)?.items)?;
        Ok(this)
    }

    pub(crate) fn modules(&self) -> impl Iterator<Item = &Module> {
        self.modules.values()
    }

    pub(crate) fn module(&self, path: &[String]) -> Option<&Module> {
        self.modules.get(path)
    }

    fn add_module(
        &mut self,
        location: &Location<'_>,
        path: ModulePath,
        conditions: Conditions,
        items: Vec<Item>,
    ) -> Result<(), String> {
        let (mut kept, mut imports) = (Vec::new(), Vec::new());
        // In the order of the source, because a macro is declared above its calls.
        let mut pending: Vec<Item> = items.into_iter().rev().collect();
        while let Some(item) = pending.pop() {
            let Some(own) = conditions_of(attributes_of(&item)) else { continue };
            match item {
                Item::Mod(mut module) => {
                    let content = module.content.take().map(|(_, items)| items);
                    self.add_child(location, &path, &conditions, &module, content)?;
                    kept.push(Item::Mod(module));
                }
                Item::Use(import) if !is_hidden(&import.attrs) => add_imports(&import, &own, &mut imports),
                Item::Use(import) => {
                    // A hidden export is an import like any other one.
                    let private = ItemUse { vis: Visibility::Inherited, ..import };
                    add_imports(&private, &own, &mut imports);
                }
                Item::Macro(call) => {
                    if let Some(name) = &call.ident {
                        let rules = Macro::parse(call.mac.tokens.clone());
                        self.macros
                            .insert(name.to_string(), rules.map_err(|error| describe(location, &error))?);
                    } else {
                        let expanded = self.expand(location, &call.mac)?;
                        pending.extend(expanded.into_iter().rev());
                    }
                }
                other => kept.push(other),
            }
        }
        let module = Module { path: path.clone(), conditions, items: kept, imports };
        self.modules.insert(path, module);
        Ok(())
    }

    fn add_child(
        &mut self,
        location: &Location<'_>,
        parent: &[String],
        conditions: &Conditions,
        module: &ItemMod,
        content: Option<Vec<Item>>,
    ) -> Result<(), String> {
        let name = module.ident.to_string();
        let path = [parent, std::slice::from_ref(&name)].concat();
        let own = conditions_of(&module.attrs).unwrap_or_default();
        let conditions: Conditions = conditions.union(&own).cloned().collect();
        let folder = format!("{}/{name}", location.folder);
        if let Some(items) = content {
            return self.add_module(&Location { folder, ..*location }, path, conditions, items);
        }
        let file = format!("{folder}.rs");
        let items = parse_file(&file)?.items;
        self.add_module(&Location { file: &file, folder }, path, conditions, items)
    }

    /// Returns the items that the call of a macro declares.
    fn expand(&self, location: &Location<'_>, call: &Call) -> Result<Vec<Item>, String> {
        let name = call.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let expanded = match self.macros.get(&name) {
            Some(rules) => rules.expand(&call.tokens),
            // It declares the items in it, with fewer attributes.
            None if name == "pin_project" => syn::parse2(call.tokens.clone()).map(with_drop),
            None if PRIVATE_MACROS.contains(&name.as_str()) => return Ok(Vec::new()),
            None => return Err(format!("{}: the macro `{name}` is unknown to this test", location.file)),
        };
        expanded.map(|file| file.items).map_err(|error| describe(location, &error))
    }

    /// Finds what a path in a module names.
    pub(crate) fn resolve(&self, module: &Module, path: &[String]) -> Target<'_> {
        self.resolve_at(&module.path, path, 0)
    }

    fn resolve_at(&self, module: &[String], path: &[String], depth: usize) -> Target<'_> {
        let Some((first, rest)) = path.split_first() else {
            return self.module(module).map_or(Target::Unknown, Target::Module);
        };
        let parent = module.split_last().map(|(_, parent)| parent).unwrap_or_default();
        match first.as_str() {
            "crate" | "$crate" => return self.member(&[], rest, depth),
            "self" => return self.member(module, rest, depth),
            "super" => return self.resolve_at(parent, &[&["self".to_owned()], rest].concat(), depth),
            "" => return Target::Foreign(rest.to_vec()),
            _ => {}
        }
        match self.member(module, path, depth) {
            // Otherwise it begins with `Self` or with a generic parameter.
            Target::Unknown if !rest.is_empty() && first.starts_with(char::is_lowercase) => {
                Target::Foreign(path.to_vec())
            }
            found => found,
        }
    }

    /// Finds a path whose first segment is in this module.
    fn member(&self, module: &[String], path: &[String], depth: usize) -> Target<'_> {
        let Some(found) = self.module(module) else { return Target::Unknown };
        let Some((first, rest)) = path.split_first() else { return Target::Module(found) };
        let child = [module, std::slice::from_ref(first)].concat();
        if self.modules.contains_key(&child) {
            return self.member(&child, rest, depth);
        }
        if found.items.iter().any(|item| name_of(item).is_some_and(|name| name == first)) {
            return Target::Item { module: found, name: first.clone(), rest: rest.len() };
        }
        // Two modules may import from each other.
        if depth > 16 {
            return Target::Unknown;
        }
        if let Some(import) = found.imports.iter().find(|import| import.alias == *first) {
            let full = [import.path.as_slice(), rest].concat();
            // `use tokio;` and `use tokio::time::{self}` are the same crate again.
            let is_crate = import.path.len() == 1 && import.path.first() == Some(first);
            return if is_crate { Target::Foreign(full) } else { self.resolve_at(module, &full, depth + 1) };
        }
        let globs = found.imports.iter().filter(|import| import.alias == "*");
        for glob in globs {
            if let Target::Module(source) = self.resolve_at(module, &glob.path, depth + 1) {
                let target = self.member(&source.path, path, depth + 1);
                if !matches!(target, Target::Unknown) {
                    return target;
                }
            }
        }
        Target::Unknown
    }
}

fn describe(location: &Location<'_>, error: &syn::Error) -> String {
    format!("{}:{}: {error}", location.file, error.span().start().line)
}

/// Returns the text of a file of the repository.
pub(crate) fn read(path: &str) -> Result<String, String> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::read_to_string(repository.join(path)).map_err(|error| format!("{path}: {error}"))
}

fn parse_file(path: &str) -> Result<syn::File, String> {
    syn::parse_file(&read(path)?).map_err(|error| format!("{path}:{}: {error}", error.span().start().line))
}

fn add_imports(item: &ItemUse, conditions: &Conditions, imports: &mut Vec<Import>) {
    let is_public = is_public(&item.vis);
    let mut add = |path: &[String], alias: String| {
        imports.push(Import { alias, path: path.to_vec(), is_public, conditions: conditions.clone() });
    };
    let start = if item.leading_colon.is_some() { vec![String::new()] } else { Vec::new() };
    flatten(&start, &item.tree, &mut add);
}

fn flatten(before: &[String], tree: &UseTree, add: &mut impl FnMut(&[String], String)) {
    let then = |ident: &syn::Ident| match ident.to_string() {
        own if own == "self" && !before.is_empty() => before.to_vec(),
        name => [before, &[name]].concat(),
    };
    match tree {
        UseTree::Path(path) => flatten(&then(&path.ident), &path.tree, add),
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(before, tree, add)),
        UseTree::Glob(_) => add(before, "*".to_owned()),
        UseTree::Name(name) => {
            let path = then(&name.ident);
            add(&path, path.last().cloned().unwrap_or_default());
        }
        UseTree::Rename(rename) => add(&then(&rename.ident), rename.rename.to_string()),
    }
}

pub(crate) fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Returns `true` for `#[doc(hidden)]`.
pub(crate) fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("doc") && list.tokens.to_string() == "hidden",
        Meta::Path(_) | Meta::NameValue(_) => false,
    })
}

/// Returns the name of an item that others can name.
pub(crate) fn name_of(item: &Item) -> Option<&syn::Ident> {
    match item {
        Item::Const(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        Item::Static(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        _ => None,
    }
}

fn attributes_of(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Returns the conditions in `#[cfg(..)]`; `None` if they never hold for a user.
pub(crate) fn conditions_of(attributes: &[Attribute]) -> Option<Conditions> {
    let mut conditions = Conditions::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")) {
        let condition: Meta = attribute.parse_args().ok()?;
        for part in parts_of(&condition, "all").unwrap_or_else(|| vec![condition]) {
            match condition_text(&part) {
                Some(text) if text.is_empty() => {}
                Some(text) => _ = conditions.insert(text),
                None => return None,
            }
        }
    }
    Some(conditions)
}

/// Returns a condition as text: empty if it always holds, `None` if it never does.
fn condition_text(condition: &Meta) -> Option<String> {
    if let Some(parts) = parts_of(condition, "any") {
        let parts: Vec<String> = parts.iter().filter_map(condition_text).collect();
        return (!parts.is_empty()).then(|| parts.join(" or "));
    }
    if let Some(parts) = parts_of(condition, "all") {
        let parts: Vec<String> = parts.iter().map(condition_text).collect::<Option<_>>()?;
        return Some(parts.join(" and "));
    }
    if let Some(parts) = parts_of(condition, "not") {
        let negated = parts.first().and_then(condition_text);
        return Some(negated.map(|text| format!("not {text}")).unwrap_or_default());
    }
    match condition {
        Meta::Path(path) if NEVER.iter().any(|name| path.is_ident(name)) => None,
        Meta::NameValue(pair) if pair.path.is_ident("feature") => {
            let value = &pair.value;
            Some(lexemes::text(quote::quote!(#value)).replace('"', ""))
        }
        Meta::Path(_) | Meta::NameValue(_) | Meta::List(_) => Some(lexemes::text(quote::quote!(#condition))),
    }
}

/// Returns the parts of `name(part, part)`.
fn parts_of(condition: &Meta, name: &str) -> Option<Vec<Meta>> {
    let list = condition.require_list().ok().filter(|list| list.path.is_ident(name))?;
    let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    parts.ok().map(|parts| parts.into_iter().collect())
}

/// Names the trait that `pin_project` implements for `PinnedDrop`.
fn with_drop(mut file: syn::File) -> syn::File {
    for item in &mut file.items {
        if let Item::Impl(syn::ItemImpl { trait_: Some((of, _)), .. }) = item
            && of.is_ident("PinnedDrop")
        {
            *of = syn::parse_quote!(Drop);
        }
    }
    file
}
