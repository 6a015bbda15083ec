//! Files open with their purpose, have a name that describes their contents, and are short. A table of the files in a
//! folder is complete. Function sizes are left
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

/// Returns a problem for each file that a table of its folder lacks, and for each row without a file. A table has rows
/// such as ``//! | `name.rs` | contents |``. A file may be described in a sentence beside the table instead.
pub(crate) fn tables(sources: &[&Source]) -> Vec<String> {
    let mut problems = Vec::new();
    for source in sources {
        let docs: Vec<&str> = source.text.lines().take_while(|line| line.starts_with("//!")).collect();
        let rows: Vec<&str> = docs.iter().filter_map(|line| named_in_first_cell(line)).flatten().collect();
        if rows.is_empty() {
            continue;
        }
        let stem = source.path.strip_suffix(".rs").unwrap_or(&source.path);
        let folder = stem.strip_suffix("/lib").or_else(|| stem.strip_suffix("/main")).unwrap_or(stem);
        let names: Vec<&str> = sources
            .iter()
            .filter(|file| file.path != source.path)
            .filter_map(|file| file.path.strip_prefix(folder)?.strip_prefix('/'))
            .filter(|name| !name.contains('/'))
            .collect();
        let described = docs.concat();
        let missing = names.iter().filter(|name| !described.contains(&format!("`{name}`")));
        problems
            .extend(missing.map(|name| source.problem(1, &format!("add `{name}` to the table of files"))));
        let unknown = rows.iter().filter(|name| !names.contains(name));
        problems.extend(unknown.map(|name| source.problem(1, &format!("`{name}` does not exist"))));
    }
    problems
}

/// Returns the files that the first cell of a row names.
fn named_in_first_cell(line: &str) -> Option<impl Iterator<Item = &str>> {
    let cell = line.strip_prefix("//! | ")?.split(" |").next()?;
    Some(cell.split('`').filter(|name| name.strip_suffix(".rs").is_some_and(|stem| !stem.contains('/'))))
}

#[test]
fn a_table_of_files_that_lacks_one_or_names_another_is_found() {
    let table = "//! Purpose.\n//!\n//! | `a.rs` | the first |\n";
    let files = |names: &[&str]| {
        let parse = |path: &str, text: &str| Source::parse(path, text).unwrap();
        let mut sources = vec![parse("src/list.rs", table), parse("src/list/a/deep.rs", "//! Purpose.")];
        sources.extend(names.iter().map(|name| parse(&format!("src/list/{name}"), "//! Purpose.")));
        tables(&sources.iter().collect::<Vec<_>>())
    };
    assert_eq!(files(&["a.rs"]), [""; 0]);
    crate::assert_one_problem(&files(&["a.rs", "b.rs"]), "src/list.rs:1: add `b.rs`");
    crate::assert_one_problem(&files(&[]), "src/list.rs:1: `a.rs` does not exist");
}

#[test]
fn silent_long_and_vaguely_named_files_are_found() {
    let long = "//! Purpose.\n".repeat(MAX_LINES + 1);
    for (path, text) in [("src/a.rs", "fn f() {}"), ("src/a.rs", &long), ("src/utils/a.rs", "//! Purpose.")] {
        crate::assert_one_problem(&problems(&[&Source::parse(path, text).unwrap()]), "src/");
    }
    assert_eq!(problems(&[&Source::parse("src/a.rs", "//! Purpose.\n").unwrap()]), [""; 0]);
}
