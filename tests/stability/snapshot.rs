//! Committed texts of what the page `docs::stability` promises.

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs};

/// The command that accepts the current texts.
const BLESS: &str = "BLESS=1 cargo test -p breaker-tests --all-features --test stability";

/// Compares a text with the committed file in the folder of this module, or replaces that file if the variable `BLESS`
/// is set.
#[track_caller]
pub(crate) fn compare(file: &str, current: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("stability").join(file);
    if env::var_os("BLESS").is_some() {
        fs::write(&path, current).expect("the folder is writable");
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let differences = differences(&committed, current);
    assert!(
        committed == current,
        "tests/stability/{file} differs from the sources:\n{}\n\nA line with `-` is a promise that is broken: see the page \
         breaker-runtime/src/docs/stability.md. If the next release may do that, list it in CHANGELOG.md and accept \
         the current text with\n\n    {BLESS}\n",
        differences.join("\n"),
    );
}

/// Returns the removed and the added lines. An indented line is shown with the line that it belongs to.
fn differences(committed: &str, current: &str) -> Vec<String> {
    let [old, new] = [committed, current].map(with_heads);
    let removed = old.difference(&new).map(|line| format!("- {line}"));
    let added = new.difference(&old).map(|line| format!("+ {line}"));
    removed.chain(added).collect()
}

fn with_heads(text: &str) -> BTreeSet<String> {
    let mut head = "";
    let mut lines = BTreeSet::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if line.starts_with(' ') {
            lines.insert(format!("{head} > {}", line.trim()));
        } else {
            head = line;
            lines.insert(line.to_owned());
        }
    }
    lines
}

#[test]
fn a_removed_and_a_changed_line_are_shown_with_their_heads() {
    let committed = "struct A\n    fn a()\n    fn b()\nstruct B\n    fn a()\n";
    let current = "struct A\n    fn a()\n    fn b(&self)\nstruct B\n";
    let wanted = ["- struct A > fn b()", "- struct B > fn a()", "+ struct A > fn b(&self)"];
    assert_eq!(differences(committed, current), wanted);
}
