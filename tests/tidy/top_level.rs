//! The top level of the repository contains only the packages, and the files that tools expect there.

const ALLOWED: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "CHANGELOG.md",
    "README.md",
    "breaker-macros",
    "breaker-runtime",
    "examples",
    "tests",
];

pub(crate) fn problems(names: &[String]) -> Vec<String> {
    let is_allowed = |name: &String| {
        ALLOWED.contains(&name.as_str()) || name.starts_with("LICENSE") || name.starts_with('.')
    };
    let rest = names.iter().filter(|name| !is_allowed(name));
    rest.map(|name| format!("{name}:1: does not belong at the top level")).collect()
}

#[test]
fn an_unknown_name_at_the_top_level_is_found() {
    let names = ["Cargo.toml", ".github", "LICENSE-MIT", "notes.md"].map(str::to_owned);
    crate::assert_one_problem(&problems(&names), "notes.md:1");
}
