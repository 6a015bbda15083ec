//! The tests of the guide run with copies of the files that another page shows, in hidden lines: both are equal.

/// The text of a page.
pub(crate) struct GuidePage<'a> {
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
}

/// Returns a problem for each copied file of `copies` that `shown` does not show. A copy is a hidden module, and leaves out
/// the comment at the top of the file.
pub(crate) fn differing_copies(names: &[&str], copies: &GuidePage<'_>, shown: &GuidePage<'_>) -> Vec<String> {
    let GuidePage { path, text } = copies;
    let files: Vec<String> = blocks(shown.text).map(visible).collect();
    let differs = |name: &&&str| {
        let copy = hidden_module(text, name);
        copy.is_empty() || !files.contains(&copy)
    };
    let problem = |name: &&str| format!("{path}:1: copy the file of the module `{name}` from {}", shown.path);
    names.iter().filter(differs).map(problem).collect()
}

/// Returns the lines of a hidden module, without the `#` and the braces at the end. It ends where the next one begins.
fn hidden_module(text: &str, name: &str) -> String {
    let opening = format!("# mod {name} {{");
    let lines = text.lines().skip_while(|line| *line != opening).skip(1);
    let lines = lines.take_while(|line| !line.starts_with("# mod ")).map(|line| line.trim_start_matches('#'));
    significant(lines).trim_end_matches(['}', '\n']).to_owned()
}

/// Returns the lines of a block that a reader sees. The braces at the end are left out, as those of a hidden module are.
fn visible(block: &str) -> String {
    let lines = block.lines().filter(|line| *line != "#" && !line.starts_with("# "));
    significant(lines).trim_end_matches(['}', '\n']).to_owned()
}

/// Joins lines, without empty ones, indentation and the comment at the top of a file.
fn significant<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let lines = lines.map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//!"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the blocks that rustdoc compiles.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    // Every second part is inside of a block, and begins with the language, which is empty for Rust.
    let blocks = text.split("```").skip(1).step_by(2);
    blocks
        .map(|block| block.strip_prefix("standalone_crate").unwrap_or(block))
        .filter(|block| block.starts_with('\n'))
}

#[cfg(test)]
mod tests {
    use super::{GuidePage, differing_copies};

    #[test]
    fn a_copy_that_differs_is_found() {
        let shown = "```\n# mod program {\n//! The client.\nfn price() {\n    one();\n}\n# }\n```\n";
        let copy = |call: &str| {
            format!("```\n# mod client {{\n# fn price() {{\n#     {call}\n# }}\n# }}\n# mod tests {{\n")
        };
        let shown = GuidePage { path: "shown.md", text: shown };
        let problems =
            |text: &str| differing_copies(&["client"], &GuidePage { path: "copies.md", text }, &shown);
        assert_eq!(problems(&copy("one();")), [""; 0]);
        crate::assert_one_problem(&problems(&copy("two();")), "copies.md:1");
        crate::assert_one_problem(&problems("no copy"), "copies.md:1");
    }
}
