//! The page about promises has a table row for each promise. The last column names existing tests.

use crate::source::Source;

/// Returns a problem for each row without a test, and for each name of a test that is not in `sources`. A page with
/// fewer rows than `least` has lost a promise.
pub(crate) fn problems(path: &str, page: &str, least: usize, sources: &[&Source]) -> Vec<String> {
    let mut problems = Vec::new();
    let rows = rows(page);
    if rows.len() < least {
        problems.push(format!("{path}:1: {} promises, fewer than {least}", rows.len()));
    }
    for (line, row) in rows {
        let cell = row.trim_end().trim_end_matches('|').rsplit('|').next().unwrap_or_default().trim();
        let names: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        if names.is_empty() {
            problems.push(format!("{path}:{line}: names no test"));
        }
        let missing = names.iter().filter(|name| !sources.iter().any(|source| has_test(source, name)));
        problems.extend(missing.map(|name| format!("{path}:{line}: `{name}` is not a test")));
    }
    problems
}

/// Returns the rows of all tables except their heads, with their line numbers.
fn rows(page: &str) -> Vec<(usize, &str)> {
    let (mut rows, mut below_head) = (Vec::new(), false);
    for (line, text) in (1..).zip(page.lines()) {
        if !text.starts_with('|') {
            below_head = false;
        } else if text.starts_with("|---") {
            below_head = true;
        } else if below_head {
            rows.push((line, text));
        }
    }
    rows
}

/// Returns `true` if `location::function` is a test of this file, where `location` is its name or a folder above.
fn has_test(source: &Source, name: &str) -> bool {
    let Some((location, function)) = name.split_once("::") else { return false };
    let stem = source.path.strip_suffix(".rs").unwrap_or(&source.path);
    if !stem.split('/').any(|part| part == location) {
        return false;
    }
    let lines: Vec<&str> = source.text.lines().map(str::trim_start).collect();
    let is_test = |(index, line): (usize, &&str)| {
        let declared = line
            .trim_start_matches("async ")
            .strip_prefix("fn ")
            .and_then(|rest| rest.strip_prefix(function));
        declared.is_some_and(|rest| rest.starts_with('('))
            && lines.get(..index).is_some_and(ends_in_test_attribute)
    };
    lines.iter().enumerate().any(is_test)
}

fn ends_in_test_attribute(lines: &[&str]) -> bool {
    // An attribute may span lines, so that only the end of another item ends the search.
    let above = lines.iter().rev().take_while(|line| !line.is_empty() && !line.starts_with('}'));
    above.copied().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
}

#[cfg(test)]
mod tests {
    use super::problems;
    use crate::source::Source;

    fn check(row: &str) -> Vec<String> {
        let text = "#[test]\nfn one() {}\n\n#[tokio::test(start_paused = true)]\nasync fn two() {}\n\nfn three() {}\n\
                    \nproptest! {\n    #[test]\n    fn four(a in b()) {}\n}\n";
        let source = Source::parse("tests/it/a.rs", text).unwrap();
        problems("page.md", &format!("| promise | tests |\n|---|---|\n{row}\n"), 1, &[&source])
    }

    #[test]
    fn existing_tests_are_accepted() {
        for row in ["| x | `a::one` `a::two` |", "| `y` | `a::four` |", "| z | `it::one` |"] {
            assert_eq!(check(row), [""; 0]);
        }
    }

    #[test]
    fn missing_tests_and_promises_are_found() {
        for name in ["a::three", "a::five", "b::one", "one", "a::one::two"] {
            crate::assert_one_problem(&check(&format!("| x | `{name}` |")), "page.md:3");
        }
        crate::assert_one_problem(&check("| `a::one` | soon |"), "page.md:3");
        crate::assert_one_problem(&check(""), "page.md:1");
    }
}
