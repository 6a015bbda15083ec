//! The lists on the page `docs::stability`, compared with the sources.

use std::collections::{BTreeMap, BTreeSet};

use crate::crate_tree::read;

const PAGE: &str = "breaker-runtime/src/docs/stability.md";

/// Returns the rows of the table of other crates: name, version and features.
pub(crate) fn crates(foreign: &BTreeMap<&str, String>, manifest: &str) -> Vec<String> {
    let manifest: toml::Table = manifest.parse().expect("the manifest is TOML");
    let dependencies = manifest.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    let dependencies = dependencies.expect("the manifest has dependencies");
    let row = |(name, features): (&&str, &String)| {
        let name = name.replace('_', "-");
        let version = dependencies.get(&name).and_then(|dependency| dependency.get("version")?.as_str());
        let version = version.expect("every dependency has a version");
        let features = features.replace(" and ", "` and `").replace(" or ", "` or `");
        format!("| `{name}` | {} | `{features}` |", compatible(version))
    };
    foreign.iter().map(row).collect()
}

/// Returns the part of a version that all versions have to which cargo updates it.
fn compatible(version: &str) -> String {
    let mut parts = version.split('.');
    let first = parts.next().unwrap_or_default();
    match parts.next() {
        Some(second) if first == "0" => format!("0.{second}"),
        Some(_) | None => first.to_owned(),
    }
}

/// Asserts that the table below this head has exactly these rows.
#[track_caller]
pub(crate) fn assert_table(head: &str, rows: &[String]) {
    let page = read(PAGE).expect("the page can be read");
    let (_, below) = page.split_once(head).expect("the page has the table");
    let found: Vec<&str> = below.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    assert!(found == *rows, "the rows below `{head}` in {PAGE} must be\n\n{}\n", rows.join("\n"));
}

/// Asserts that the list below the paragraph with this start names exactly these types.
#[track_caller]
pub(crate) fn assert_list(start: &str, names: &[&str]) {
    let page = read(PAGE).expect("the page can be read");
    let (_, below) = page.split_once(start).expect("the page has the list");
    let list = below.lines().skip_while(|line| !line.starts_with("- ")).take_while(|line| !line.is_empty());
    let list = list.collect::<Vec<_>>().join(" ");
    let listed: BTreeSet<&str> = list.split('`').skip(1).step_by(2).collect();
    let names: BTreeSet<&str> = names.iter().copied().collect();
    let missing: Vec<_> = names.difference(&listed).collect();
    let wrong: Vec<_> = listed.difference(&names).collect();
    assert!(
        missing.is_empty() && wrong.is_empty(),
        "below \"{start}\" in {PAGE}, {missing:?} are missing and {wrong:?} are wrong",
    );
}

#[test]
fn a_compatible_version_has_the_first_number_that_is_not_zero() {
    assert_eq!(["1", "1.0.225", "0.8", "0.3.31"].map(compatible), ["1", "1", "0.8", "0.3"]);
}
