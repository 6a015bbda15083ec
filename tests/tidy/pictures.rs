//! A picture of the documentation exists twice: as a file for the README, and as the target of a link, because rustdoc
//! copies no files. Both have the same content, and a picture names settings and commands that exist.

const SCHEME: &str = "data:image/svg+xml,";

/// Returns a problem if the page `link` at `path` does not define `name` as a link to `svg`.
pub(crate) fn outdated(path: &str, name: &str, link: &str, svg: &str) -> Vec<String> {
    let target = link.trim_end().strip_prefix(&format!("[{name}]: {SCHEME}")).and_then(decoded);
    let is_same = target.is_some_and(|target| target == svg.replace('\n', " "));
    if is_same { Vec::new() } else { vec![format!("{path}:1: write the current {name}.svg into the link")] }
}

/// Returns a problem for each setting or command in a text of the class `set` that `reference` does not contain in
/// backticks or as a method.
pub(crate) fn unknown_names(path: &str, svg: &str, reference: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (line, text) in (1..).zip(svg.lines()) {
        let names = text.split_once("set\"").and_then(|(_, rest)| rest.split(['<', '>']).nth(1));
        let names = names.unwrap_or_default().split([',', ' ']).filter(|name| !name.is_empty());
        let is_unknown = |name: &&str| match name.strip_suffix("()") {
            Some(command) => !reference.contains(&format!("fn {command}(")),
            None => !reference.contains(&format!("`{name}`")),
        };
        let unknown = names.filter(is_unknown);
        problems.extend(unknown.map(|name| format!("{path}:{line}: `{name}` does not exist")));
    }
    problems
}

/// Returns the text behind percent-encoding; `None` if it is invalid.
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(part.get(2..)?.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[test]
fn an_outdated_picture_is_found() {
    let check = |link: &str| outdated("a.link", "a", link, "<svg>\n</svg>");
    assert_eq!(check("[a]: data:image/svg+xml,%3Csvg%3E%20%3C/svg%3E\n"), [""; 0]);
    crate::assert_one_problem(&check("[a]: data:image/svg+xml,%3Csvg%3E"), "a.link:1");
    crate::assert_one_problem(&check("[b]: data:image/svg+xml,%3Csvg%3E%20%3C/svg%3E"), "a.link:1");
    crate::assert_one_problem(&check("[a]: data:image/svg+xml,%3"), "a.link:1");
}

#[test]
fn a_picture_that_names_an_unknown_setting_is_found() {
    let reference = "`jitter`\npub fn reset(&self)";
    let check =
        |text: &str| unknown_names("a.svg", &format!("<svg>\n<text class=\"set\">{text}</text>"), reference);
    assert_eq!(check("jitter, reset()"), [""; 0]);
    crate::assert_one_problem(&check("jitter, backof"), "a.svg:2: `backof`");
    crate::assert_one_problem(&check("close()"), "a.svg:2: `close()`");
}
