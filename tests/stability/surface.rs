//! The public API of a crate: every item that users can name, with its signature and its features.
//!
//! It begins at lib.rs and follows `pub mod` and `pub use`. Items that are hidden in the documentation are left out. A
//! type is written with its full path if it belongs to another crate, otherwise with its name alone, because names are
//! unique in both crates.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use quote::{ToTokens as _, quote};
use syn::{Fields, ImplItem, Item, ItemImpl, TraitItem, Type, Visibility};

use crate::crate_tree::{
    Conditions, Crate, Import, Module, Target, conditions_of, is_hidden, is_public, name_of,
};
use crate::examples::has_example;
use crate::names::Names;

/// The public items of a crate by their paths.
pub(crate) struct Surface<'a> {
    source: &'a Crate,
    entries: BTreeMap<String, Entry>,
    /// The public path of each type and trait.
    types: BTreeMap<String, String>,
    /// Crates whose items appear in a public signature, and the conditions under which they do.
    foreign: BTreeMap<String, BTreeSet<Conditions>>,
}

/// A public item.
struct Entry {
    conditions: Conditions,
    /// The item without its members, such as `enum breaker_runtime::State`.
    head: String,
    growth: Growth,
    members: BTreeSet<String>,
    /// The names of the methods among the members.
    methods: BTreeSet<String>,
    has_example: bool,
}

/// Whether a type may get further variants or fields.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Growth {
    NonExhaustive,
    /// An enum to which no variant can be added.
    CompleteEnum,
    /// A struct whose fields are private, or an item that is no type.
    Hidden,
}

impl<'a> Surface<'a> {
    pub(crate) fn new(source: &'a Crate) -> Self {
        let mut this =
            Self { source, entries: BTreeMap::new(), types: BTreeMap::new(), foreign: BTreeMap::new() };
        if let Some(root) = source.module(&[]) {
            this.add_module(root, source.name, &Conditions::new());
        }
        for module in source.modules() {
            for item in &module.items {
                if let Item::Impl(implementation) = item {
                    this.add_implementation(module, implementation);
                }
            }
        }
        this
    }

    /// Returns the listing: each item, and below it its members.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for entry in self.entries.values() {
            // Writing to a string never fails.
            _ = writeln!(text, "{}{}", prefix(&entry.conditions, &Conditions::new()), entry.head);
            for member in &entry.members {
                _ = writeln!(text, "    {member}");
            }
        }
        text
    }

    /// Returns the names of the types that may, or may not, get further variants or fields.
    pub(crate) fn types_with(&self, growth: Growth) -> Vec<&str> {
        let entries = self
            .types
            .iter()
            .filter(|(_, path)| self.entries.get(*path).is_some_and(|entry| entry.growth == growth));
        entries.map(|(name, _)| name.as_str()).collect()
    }

    /// Returns the types, traits and functions whose own doc comment has no example. An export of another crate's item
    /// is documented there.
    pub(crate) fn without_example(&self) -> Vec<&str> {
        let missing =
            self.entries.iter().filter(|(_, entry)| !entry.has_example && !entry.head.starts_with("use "));
        missing.map(|(path, _)| path.as_str()).collect()
    }

    /// Returns all methods: the path and the head of the type or trait, and the name of the method.
    pub(crate) fn methods(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.entries.iter().flat_map(|(path, entry)| {
            entry.methods.iter().map(|method| (path.as_str(), entry.head.as_str(), method.as_str()))
        })
    }

    /// Returns the other crates whose items appear in public signatures, with the least conditions for it.
    pub(crate) fn foreign(&self) -> BTreeMap<&str, String> {
        let text = |all: &BTreeSet<Conditions>| {
            let least =
                all.iter().filter(|one| !all.iter().any(|other| other != *one && other.is_subset(one)));
            least
                .map(|one| one.iter().cloned().collect::<Vec<_>>().join(" and "))
                .collect::<Vec<_>>()
                .join(" or ")
        };
        self.foreign.iter().map(|(name, all)| (name.as_str(), text(all))).collect()
    }

    fn add_module(&mut self, module: &Module, path: &str, conditions: &Conditions) {
        let conditions: Conditions = conditions.union(&module.conditions).cloned().collect();
        for import in module.imports.iter().filter(|import| import.is_public) {
            self.add_export(module, path, &conditions, import);
        }
        for item in &module.items {
            match item {
                Item::Mod(child) if is_public(&child.vis) && !is_hidden(&child.attrs) => {
                    let name = child.ident.to_string();
                    let child =
                        self.source.module(&[module.path.as_slice(), std::slice::from_ref(&name)].concat());
                    if let Some(child) = child {
                        self.add_module(child, &format!("{path}::{name}"), &conditions);
                    }
                }
                item => {
                    if let Some(name) = name_of(item) {
                        self.add_item(module, item, &format!("{path}::{name}"), &conditions);
                    }
                }
            }
        }
    }

    /// Adds what a `pub use` exports.
    fn add_export(&mut self, module: &Module, path: &str, conditions: &Conditions, import: &Import) {
        let conditions: Conditions = conditions.union(&import.conditions).cloned().collect();
        let alias = format!("{path}::{}", import.alias);
        match self.source.resolve(module, &import.path) {
            Target::Module(target) if import.alias == "*" => self.add_module(target, path, &conditions),
            Target::Module(target) => self.add_module(target, &alias, &conditions),
            Target::Item { module: origin, name, .. } => {
                let item = origin.items.iter().find(|item| name_of(item).is_some_and(|found| found == &name));
                if let Some(item) = item {
                    let conditions = conditions.union(&origin.conditions).cloned().collect();
                    self.add_item(origin, item, &alias, &conditions);
                }
            }
            Target::Foreign(_) | Target::Unknown => {
                let head = format!("use {alias} = {}", import.path.join("::"));
                self.insert(&alias, Entry::new(head, conditions, Growth::Hidden));
            }
        }
    }

    fn add_item(&mut self, module: &Module, item: &Item, path: &str, conditions: &Conditions) {
        let Some(declaration) = Declaration::of(item) else { return };
        if !is_public(declaration.visibility) || is_hidden(declaration.attributes) {
            return;
        }
        let own = conditions_of(declaration.attributes).unwrap_or_default();
        let conditions: Conditions = conditions.union(&own).cloned().collect();
        let growth = growth(item);
        let mut names = Names::new(self.source, module);
        let (head, members) = match item {
            Item::Struct(item) => {
                (format!("struct {path}{}", names.text(&item.generics)), fields(&item.fields, &mut names))
            }
            Item::Enum(item) => {
                let variant = |variant: &syn::Variant| names.text(variant);
                let variants =
                    item.variants.iter().map(variant).map(|text| format!("variant {text}")).collect();
                (format!("enum {path}{}", names.text(&item.generics)), variants)
            }
            Item::Trait(item) => {
                let syn::ItemTrait { unsafety, generics, colon_token, supertraits, .. } = item;
                let bounds = &generics.where_clause;
                let rest = names.text(&quote!(#generics #colon_token #supertraits #bounds));
                let unsafety = names.text(unsafety);
                (format!("{unsafety}trait {path}{rest}"), trait_members(item, &mut names))
            }
            Item::Fn(item) => {
                let head = names.text(&item.sig);
                let name = format!("fn {}", item.sig.ident);
                (head.replacen(&name, &format!("fn {path}"), 1), BTreeSet::new())
            }
            Item::Const(item) => (format!("const {path}: {}", names.text(&*item.ty)), BTreeSet::new()),
            Item::Static(item) => (format!("static {path}: {}", names.text(&*item.ty)), BTreeSet::new()),
            Item::Type(item) => (format!("type {path} = {}", names.text(&*item.ty)), BTreeSet::new()),
            _ => return,
        };
        self.note_foreign(names, &conditions);
        if let Item::Struct(_) | Item::Enum(_) | Item::Trait(_) = item {
            self.types.insert(declaration.name.to_string(), path.to_owned());
        }
        let mut entry = Entry::new(format!("{}{head}", declaration.marks()), conditions, growth);
        entry.members = members;
        entry.has_example = has_example(declaration.attributes);
        if let Item::Trait(item) = item {
            entry.methods = trait_methods(item);
        }
        self.insert(path, entry);
        for derived in derives(declaration.attributes) {
            let mut names = Names::new(self.source, module);
            let text = format!("impl {}", names.text(&derived));
            self.add_member(path, &text, &Conditions::new(), names);
        }
    }

    fn insert(&mut self, path: &str, entry: Entry) {
        self.entries.insert(path.to_owned(), entry);
    }

    /// Adds the public methods of an `impl`, or the fact that a trait is implemented.
    fn add_implementation(&mut self, module: &Module, item: &ItemImpl) {
        let Some(own) = conditions_of(&item.attrs) else { return };
        let conditions: Conditions = module.conditions.union(&own).cloned().collect();
        let own_type = type_name(&item.self_ty).and_then(|name| self.types.get(&name)).cloned();
        let Some((of, _)) = &item.trait_ else {
            if let Some(path) = own_type {
                self.add_methods(module, item, &path, &conditions);
            }
            return;
        };
        let trait_name: Vec<String> = of.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let own_trait = match self.source.resolve(module, &trait_name) {
            Target::Item { name, .. } => match self.types.get(&name) {
                Some(path) => Some(path.clone()),
                // It is private, so users cannot see that it is implemented.
                None => return,
            },
            Target::Module(_) | Target::Foreign(_) | Target::Unknown => None,
        };
        if let Some(path) = own_type.or(own_trait) {
            let ItemImpl { unsafety, generics, self_ty, .. } = item;
            let bounds = &generics.where_clause;
            // The types of a trait are a part of what it promises.
            let types = item.items.iter().filter(|item| matches!(item, ImplItem::Type(_)));
            let mut names = Names::new(self.source, module);
            let head = quote!(#unsafety impl #generics #of for #self_ty #bounds { #(#types)* });
            let text = names.text(&head).replace(" { }", "");
            // Users cannot name the private type of an implementation such as `From<Private>`.
            let mut of_trait = Names::new(self.source, module);
            of_trait.text(of);
            if of_trait.own().iter().all(|name| self.types.contains_key(name)) {
                self.add_member(&path, &text, &conditions, names);
            }
        }
    }

    fn add_methods(&mut self, module: &Module, item: &ItemImpl, path: &str, conditions: &Conditions) {
        for member in &item.items {
            let (attributes, visibility) = match member {
                ImplItem::Fn(member) => (&member.attrs, &member.vis),
                ImplItem::Const(member) => (&member.attrs, &member.vis),
                _ => continue,
            };
            let Some(own) = conditions_of(attributes) else { continue };
            if !is_public(visibility) || is_hidden(attributes) {
                continue;
            }
            let mut names = Names::new(self.source, module);
            let text = match member {
                ImplItem::Fn(member) => names.text(&member.sig),
                ImplItem::Const(member) => format!("const {}: {}", member.ident, names.text(&member.ty)),
                _ => continue,
            };
            let parameters = names.text(&item.generics);
            let bounds = names.text(&item.generics.where_clause);
            let around = if parameters.is_empty() {
                String::new()
            } else {
                format!(" in impl{parameters} {}", names.text(&*item.self_ty))
            };
            let bounds = if bounds.is_empty() { String::new() } else { format!(" {bounds}") };
            let conditions = conditions.union(&own).cloned().collect();
            let text = format!("{}{text}{around}{bounds}", deprecation(attributes));
            self.add_member(path, &text, &conditions, names);
            if let (ImplItem::Fn(method), Some(entry)) = (member, self.entries.get_mut(path)) {
                entry.methods.insert(method.sig.ident.to_string());
            }
        }
    }

    fn add_member(&mut self, path: &str, text: &str, conditions: &Conditions, names: Names<'_>) {
        let Some(entry) = self.entries.get_mut(path) else { return };
        entry.members.insert(format!("{}{text}", prefix(conditions, &entry.conditions)));
        let conditions = entry.conditions.union(conditions).cloned().collect();
        self.note_foreign(names, &conditions);
    }

    fn note_foreign(&mut self, names: Names<'_>, conditions: &Conditions) {
        for name in names.into_foreign() {
            self.foreign.entry(name).or_default().insert(conditions.clone());
        }
    }
}

impl Entry {
    const fn new(head: String, conditions: Conditions, growth: Growth) -> Self {
        let members = BTreeSet::new();
        Self { conditions, head, growth, members, methods: BTreeSet::new(), has_example: false }
    }
}

/// What all items have.
struct Declaration<'a> {
    attributes: &'a [syn::Attribute],
    visibility: &'a Visibility,
    name: &'a syn::Ident,
}

impl<'a> Declaration<'a> {
    fn of(item: &'a Item) -> Option<Self> {
        let (attributes, visibility) = match item {
            Item::Const(item) => (&item.attrs, &item.vis),
            Item::Enum(item) => (&item.attrs, &item.vis),
            Item::Fn(item) => (&item.attrs, &item.vis),
            Item::Static(item) => (&item.attrs, &item.vis),
            Item::Struct(item) => (&item.attrs, &item.vis),
            Item::Trait(item) => (&item.attrs, &item.vis),
            Item::Type(item) => (&item.attrs, &item.vis),
            _ => return None,
        };
        name_of(item).map(|name| Self { attributes, visibility, name })
    }

    /// Returns the attributes that users notice.
    fn marks(&self) -> String {
        let mut marks = deprecation(self.attributes).to_owned();
        for mark in ["non_exhaustive", "proc_macro_attribute"] {
            if self.attributes.iter().any(|attribute| attribute.path().is_ident(mark)) {
                _ = write!(marks, "#[{mark}] ");
            }
        }
        marks
    }
}

fn deprecation(attributes: &[syn::Attribute]) -> &'static str {
    let is_deprecated = attributes.iter().any(|attribute| attribute.path().is_ident("deprecated"));
    if is_deprecated { "#[deprecated] " } else { "" }
}

/// Returns the conditions of a member that those of its item lack.
fn prefix(conditions: &Conditions, around: &Conditions) -> String {
    let own: Vec<&str> = conditions.difference(around).map(String::as_str).collect();
    if own.is_empty() { String::new() } else { format!("[{}] ", own.join(", ")) }
}

fn growth(item: &Item) -> Growth {
    let is_marked = Declaration::of(item).is_some_and(|item| item.marks().contains("non_exhaustive"));
    match item {
        Item::Enum(_) | Item::Struct(_) if is_marked => Growth::NonExhaustive,
        Item::Enum(_) => Growth::CompleteEnum,
        _ => Growth::Hidden,
    }
}

/// Returns the name of a type, without references and boxes around it.
fn type_name(of: &Type) -> Option<String> {
    match of {
        Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
        Type::Reference(reference) => type_name(&reference.elem),
        _ => None,
    }
}

fn derives(attributes: &[syn::Attribute]) -> Vec<syn::Path> {
    let parse = |attribute: &syn::Attribute| {
        attribute.parse_args_with(syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated)
    };
    let derived = attributes.iter().filter(|attribute| attribute.path().is_ident("derive"));
    derived.filter_map(|attribute| parse(attribute).ok()).flatten().collect()
}

fn fields(fields: &Fields, names: &mut Names<'_>) -> BTreeSet<String> {
    let mut members = BTreeSet::new();
    for (index, field) in fields.iter().enumerate() {
        if is_public(&field.vis) {
            let name = field.ident.as_ref().map_or_else(|| index.to_string(), ToString::to_string);
            members.insert(format!("field {name}: {}", names.text(&field.ty)));
        } else {
            members.insert("private fields".to_owned());
        }
    }
    members
}

fn trait_members(item: &syn::ItemTrait, names: &mut Names<'_>) -> BTreeSet<String> {
    let mut members = BTreeSet::new();
    for member in &item.items {
        let (attributes, text, is_provided) = match member {
            TraitItem::Fn(member) => (&member.attrs, member.sig.to_token_stream(), member.default.is_some()),
            TraitItem::Type(member) => (&member.attrs, member.to_token_stream(), member.default.is_some()),
            TraitItem::Const(member) => (&member.attrs, member.to_token_stream(), member.default.is_some()),
            _ => continue,
        };
        match (is_hidden(attributes), is_provided) {
            (true, true) => {}
            // Users cannot implement the trait.
            (true, false) => _ = members.insert("hidden required method".to_owned()),
            (false, true) => _ = members.insert(format!("provided {}", names.text(&text))),
            (false, false) => _ = members.insert(format!("required {}", names.text(&text))),
        }
    }
    members
}

fn trait_methods(item: &syn::ItemTrait) -> BTreeSet<String> {
    let methods = item.items.iter().filter_map(|member| match member {
        TraitItem::Fn(method) if !is_hidden(&method.attrs) => Some(method.sig.ident.to_string()),
        _ => None,
    });
    methods.collect()
}
