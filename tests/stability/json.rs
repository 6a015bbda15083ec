//! The fields of every type that is written as JSON, or read from it.

use std::collections::{BTreeMap, BTreeSet};

use quote::ToTokens as _;
use syn::visit::{self, Visit};
use syn::{Attribute, Fields, ItemEnum, ItemImpl, ItemStruct};

use crate::crate_tree::Crate;
use crate::lexemes;
use crate::source_lists::{literal, parts};

/// Returns one line for each type: its name and its fields. A field that may be missing ends in `?`, and `..Type` stands
/// for the fields of another type.
pub(crate) fn lines(source: &Crate) -> Vec<String> {
    let mut found = Found::default();
    for module in source.modules() {
        module.items.iter().for_each(|item| found.visit_item(item));
    }
    let line = |(name, fields): (&String, &BTreeSet<String>)| {
        format!("{name}: {}", fields.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
    };
    found.0.iter().map(line).collect()
}

#[derive(Default)]
struct Found(BTreeMap<String, BTreeSet<String>>);

impl Found {
    fn add(&mut self, name: &str, fields: impl IntoIterator<Item = String>) {
        let mut fields = fields.into_iter().peekable();
        if fields.peek().is_some() {
            self.0.entry(name.to_owned()).or_default().extend(fields);
        }
    }
}

impl<'ast> Visit<'ast> for Found {
    fn visit_item_struct(&mut self, item: &'ast ItemStruct) {
        if let (true, Fields::Named(fields)) = (is_serialized(&item.attrs), &item.fields) {
            let name = |field: &syn::Field| {
                let name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
                let attributes = serde_attributes(&field.attrs);
                match attributes.as_str() {
                    "" => name,
                    "flatten" => format!("..{}", lexemes::text(field.ty.to_token_stream())),
                    it if it.starts_with("skip_serializing_if") => format!("{name}?"),
                    other => format!("{name} ({other})"),
                }
            };
            self.add(&item.ident.to_string(), fields.named.iter().map(name));
        }
    }

    fn visit_item_enum(&mut self, item: &'ast ItemEnum) {
        if is_serialized(&item.attrs) {
            let rule = serde_attributes(&item.attrs);
            let variants = item.variants.iter().map(|variant| format!("{} ({rule})", variant.ident));
            self.add(&item.ident.to_string(), variants);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let name = match &*item.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        let lexemes = lexemes::list(item.to_token_stream());
        self.add(&name.unwrap_or_default(), written_fields(&lexemes));
        // Some functions declare a struct.
        visit::visit_item_impl(self, item);
    }
}

/// Returns the names that code passes to a serializer.
fn written_fields(lexemes: &[String]) -> Vec<String> {
    let mut names = Vec::new();
    for (index, lexeme) in lexemes.iter().enumerate() {
        let rest = lexemes.get(index + 1..).unwrap_or_default();
        match (lexeme.as_str(), rest) {
            ("serialize_field" | "serialize_entry", [open, first, rest @ ..]) if open == "(" => {
                match (first.as_str(), rest) {
                    ("stringify", [_, _, name, ..]) => names.push(name.clone()),
                    _ => names.extend(literal(first)),
                }
            }
            ("write_fields", [_, _, _, _, rest @ ..]) => {
                let fields = parts(rest).into_iter().map_while(|part| match part {
                    [name, colon, ..] if colon == ":" => Some(name.clone()),
                    _ => None,
                });
                names.extend(fields);
            }
            _ => {}
        }
    }
    names
}

fn is_serialized(attributes: &[Attribute]) -> bool {
    let derives = attributes.iter().filter(|attribute| attribute.path().is_ident("derive"));
    derives.map(|attribute| attribute.to_token_stream().to_string()).any(|text| text.contains("Serialize"))
}

/// Returns what is written in `#[serde(..)]`.
fn serde_attributes(attributes: &[Attribute]) -> String {
    let serde = attributes.iter().filter(|attribute| attribute.path().is_ident("serde"));
    let text = |attribute: &Attribute| match &attribute.meta {
        syn::Meta::List(list) => lexemes::text(list.tokens.clone()),
        syn::Meta::Path(_) | syn::Meta::NameValue(_) => String::new(),
    };
    serde.map(text).collect::<Vec<_>>().join(", ")
}

#[test]
fn fields_are_found_in_derived_and_in_written_implementations() {
    let file = syn::parse_file(
        "#[derive(Serialize)] struct A<'a> { b: u8, #[serde(flatten)] c: &'a D, \
         #[serde(skip_serializing_if = \"x\")] e: u8 } struct F { g: u8 } \
         impl Serialize for F { fn serialize(&self) { write_fields! { fields, h: self.g, i: f(1, 2), } \
         fields.serialize_field(\"j\", 1); map.serialize_entry(\"k\", 1); \
         fields.serialize_field(stringify!(l), 1); } }",
    );
    let mut found = Found::default();
    found.visit_file(&file.unwrap());
    let fields = |name| found.0.get(name).unwrap().iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    assert_eq!([fields("A"), fields("F")], ["..&'a D b e?", "h i j k l"]);
}
