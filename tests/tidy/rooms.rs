//! The order of `mod` in lib.rs is the order of dependence: a room, which is a file and its folder,
//! names only rooms above it. lib.rs itself is the map, and its re-exports count as their rooms.

use std::collections::BTreeMap;

use syn::{Expr, Item, ItemMod, Lit, Meta, UseTree};

use crate::mentions::{Mention, mentions};
use crate::source::Source;

/// One `mod` line of lib.rs.
struct Room {
    name: String,
    stem: String,
}

/// The stems of the rooms, top to bottom.
pub(crate) fn stems(lib: &Source) -> Vec<String> {
    rooms(lib).into_iter().map(|room| room.stem).collect()
}

/// `sources` are all files of one crate, lib.rs among them.
pub(crate) fn complaints(sources: &[&Source]) -> Vec<String> {
    let Some(lib) = sources.iter().find(|source| source.path.ends_with("src/lib.rs")) else {
        return vec!["src/lib.rs:1: is missing; it is the map".to_owned()];
    };
    let folder = lib.path.strip_suffix("lib.rs").unwrap_or_default();
    let (rooms, exports) = (rooms(lib), exports(lib));
    let mut complaints = Vec::new();
    for source in sources.iter().filter(|source| source.path != lib.path) {
        let path = source.path.strip_prefix(folder).unwrap_or(&source.path);
        let mut module: Vec<&str> = path.strip_suffix(".rs").unwrap_or(path).split('/').collect();
        let Some(own) = rooms.iter().position(|room| module.first() == Some(&room.stem.as_str())) else {
            complaints
                .push(source.complain(1, "lib.rs has no `mod` line for it; add one, or delete the file"));
            continue;
        };
        if let (Some(first), Some(room)) = (module.first_mut(), rooms.get(own)) {
            *first = &room.name;
        }
        for mention in mentions(source, &module).iter().filter(|mention| !source.is_for_tests(mention.line)) {
            complaints.extend(
                classifier(mention, own, &rooms, &exports).map(|what| source.complain(mention.line, &what)),
            );
        }
    }
    complaints.dedup();
    complaints
}

fn classifier(
    mention: &Mention,
    own: usize,
    rooms: &[Room],
    exports: &BTreeMap<String, String>,
) -> Option<String> {
    let [first, name, ..] = mention.path.as_slice() else { return None };
    if first != "crate" || mention.imported > 1 {
        return None;
    }
    if name == "*" {
        return Some("`crate::*` hides which rooms it needs; name them".to_owned());
    }
    let room = exports.get(name).unwrap_or(name);
    // What is neither a room nor out of one comes from another crate, through lib.rs.
    let below = rooms.iter().position(|it| it.name == *room).filter(|place| *place > own)?;
    let (here, there) = (rooms.get(own)?, rooms.get(below)?);
    Some(format!(
        "`{}` names `{}`, which lib.rs declares below it; move what it needs up, or the `mod` line",
        here.name, there.name
    ))
}

fn rooms(lib: &Source) -> Vec<Room> {
    let mut rooms = Vec::new();
    for item in &lib.syntax.items {
        if let Item::Mod(module) = item {
            let name = module.ident.to_string();
            rooms.push(Room { stem: file_of(module).unwrap_or_else(|| name.clone()), name });
        }
    }
    rooms
}

/// The stem in `#[path = "stem.rs"]`.
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

/// Which room a name in lib.rs comes out of.
fn exports(lib: &Source) -> BTreeMap<String, String> {
    let mut exports = BTreeMap::new();
    for item in &lib.syntax.items {
        if let Item::Use(item) = item {
            export(None, &item.tree, &mut exports);
        }
    }
    exports
}

fn export(room: Option<&str>, tree: &UseTree, exports: &mut BTreeMap<String, String>) {
    match tree {
        UseTree::Path(path) => {
            let name = path.ident.to_string();
            let named = if matches!(name.as_str(), "crate" | "self") { None } else { Some(name.as_str()) };
            export(room.or(named), &path.tree, exports);
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| export(room, tree, exports)),
        UseTree::Name(name) => {
            exports.extend(room.map(|room| (name.ident.to_string(), room.to_owned())));
        }
        UseTree::Rename(rename) => {
            exports.extend(room.map(|room| (rename.rename.to_string(), room.to_owned())));
        }
        UseTree::Glob(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::complaints;
    use crate::source::Source;

    const LIB: &str =
        "mod low;\nmod high;\n#[path = \"private.rs\"]\npub mod __private;\npub use high::High;\n";

    fn judged(path: &str, text: &str) -> Vec<String> {
        let lib = Source::parse("src/lib.rs", LIB).unwrap();
        let room = Source::parse(path, text).unwrap();
        complaints(&[&lib, &room])
    }

    #[test]
    fn a_room_may_not_look_down() {
        for text in [
            "use crate::high::High;",
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
            crate::complains(&judged("src/low.rs", text), "src/low.rs:1");
        }
        crate::complains(&judged("src/low/deep.rs", "use super::super::high::f;"), "src/low/deep.rs:1");
        crate::complains(&judged("src/lost.rs", ""), "src/lost.rs:1");
    }

    #[test]
    fn a_room_may_look_up_and_its_tests_anywhere() {
        assert_eq!(
            judged("src/private.rs", "use crate::{high::High, low}; use super::__private::x;"),
            [""; 0]
        );
        assert_eq!(judged("src/low.rs", "/// [`crate::high`]\nfn f() {}\n"), [""; 0]);
        assert_eq!(
            judged("src/low.rs", "#[cfg(test)]\nmod tests {\n    use crate::high::High;\n}\n"),
            [""; 0]
        );
    }
}
