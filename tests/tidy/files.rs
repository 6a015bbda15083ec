//! Files open with their purpose, have a name that describes their contents, and are short. Function sizes are left
//! to clippy (`too-many-lines-threshold` in `.clippy.toml`), `mod.rs` files to `mod_module_files`.

use crate::source::Source;

const MAX_LINES: usize = 450;

const VAGUE_NAMES: &[&str] =
    &["core", "utils", "util", "common", "helpers", "helper", "types", "manager", "handler"];

pub(crate) fn problems(sources: &[&Source]) -> Vec<String> {
    let mut problems = Vec::new();
    for source in sources {
        if !source.text.starts_with("//!") {
            problems.push(source.problem(1, "open the file with `//!` and its purpose"));
        }
        let lines = source.text.lines().count();
        if lines > MAX_LINES {
            problems
                .push(source.problem(1, &format!("{lines} lines, more than {MAX_LINES}; split the file")));
        }
        let stem = source.path.strip_suffix(".rs").unwrap_or(&source.path);
        if let Some(name) = stem.split('/').find(|part| VAGUE_NAMES.contains(part)) {
            problems.push(source.problem(1, &format!("`{name}` is vague; name the file after its contents")));
        }
    }
    problems
}

#[test]
fn silent_long_and_vaguely_named_files_are_found() {
    let long = "//! Purpose.\n".repeat(MAX_LINES + 1);
    for (path, text) in [("src/a.rs", "fn f() {}"), ("src/a.rs", &long), ("src/utils/a.rs", "//! Purpose.")] {
        crate::assert_one_problem(&problems(&[&Source::parse(path, text).unwrap()]), "src/");
    }
    assert_eq!(problems(&[&Source::parse("src/a.rs", "//! Purpose.\n").unwrap()]), [""; 0]);
}
