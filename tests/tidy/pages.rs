//! The pages of the documentation: two links lead from the front page to each of them, links to headings have a target,
//! and each page of the cookbook has code that is tested.

use std::collections::{BTreeMap, BTreeSet};

/// A text with links to the modules of pages.
pub(crate) struct Page {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Blocks that rustdoc compiles and runs.
const TESTED: &[&str] = &["", "rust", "standalone_crate"];

/// The path in links to the page of the attribute.
const ATTRIBUTE: &str = "circuit_breaker";

/// Returns a problem for each page to which more than two links lead from the front page.
pub(crate) fn unreachable(front: &Page, pages: &[Page]) -> Vec<String> {
    let first: BTreeSet<&str> = links(&front.text).map(|link| link.module).collect();
    let second = pages.iter().filter(|page| first.contains(module_of(&page.path).as_str()));
    let linked: BTreeSet<&str> =
        second.flat_map(|page| links(&page.text)).map(|link| link.module).chain(first.clone()).collect();
    let lost = pages.iter().filter(|page| !linked.contains(module_of(&page.path).as_str()));
    lost.map(|page| format!("{}:1: two links must lead here from {}", page.path, front.path)).collect()
}

/// Returns a problem for each link to a heading that its page does not have. `attribute` is the page of the attribute.
pub(crate) fn lost_headings(front: &Page, attribute: &Page, pages: &[Page]) -> Vec<String> {
    let mut headings: BTreeMap<String, BTreeSet<String>> =
        pages.iter().map(|page| (module_of(&page.path), anchors(&page.text))).collect();
    headings.insert(ATTRIBUTE.to_owned(), anchors(&attribute.text));
    let mut problems = Vec::new();
    for page in pages.iter().chain([front]) {
        for Link { line, module, anchor } in links(&page.text) {
            let target = headings.get(module);
            if !anchor.is_empty() && target.is_some_and(|anchors| !anchors.contains(anchor)) {
                problems.push(format!("{}:{line}: {module} has no heading #{anchor}", page.path));
            }
        }
    }
    problems
}

/// Returns a problem for each page without a block that rustdoc tests.
pub(crate) fn untested(pages: &[Page]) -> Vec<String> {
    let is_tested = |page: &&Page| fences(&page.text).step_by(2).any(|info| TESTED.contains(&info));
    let silent = pages.iter().filter(|page| !is_tested(page));
    silent.map(|page| format!("{}:1: add code that rustdoc tests", page.path)).collect()
}

struct Link<'a> {
    line: usize,
    /// The path below the crate: `docs::cookbook::queue`, or that of the attribute.
    module: &'a str,
    anchor: &'a str,
}

/// Returns the links of a text to pages, as in `](crate::docs::thresholds#recovery)`.
fn links(text: &str) -> impl Iterator<Item = Link<'_>> {
    (1..).zip(text.lines()).flat_map(|(line, text)| {
        // A target follows `](` or, in a definition, `]: `. Without a target, the text of the link is the path.
        text.split(['(', '`', ' ']).filter_map(move |target| {
            let target = target.trim_start_matches("macro@").trim_start_matches("crate::");
            let end = target.find([')', '`', ']']).unwrap_or(target.len());
            let path = target.get(..end)?;
            let (module, anchor) = path.split_once('#').unwrap_or((path, ""));
            let is_page = module == ATTRIBUTE || module.starts_with("docs::");
            is_page.then_some(Link { line, module, anchor })
        })
    })
}

/// Returns the module of the page at this path.
fn module_of(path: &str) -> String {
    let path = path.split_once("/src/").map_or(path, |(_, path)| path);
    path.trim_end_matches(".md").replace('/', "::")
}

/// Returns the anchors that rustdoc gives to the headings of a page.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let headings = text.lines().filter(|line| {
        is_code ^= line.starts_with("```");
        !is_code && line.starts_with('#')
    });
    headings.map(|heading| anchor_of(heading.trim_start_matches('#').trim())).collect()
}

fn anchor_of(heading: &str) -> String {
    let kept = heading.chars().filter(|it| it.is_alphanumeric() || matches!(it, '-' | '_' | ' '));
    kept.map(|it| if it == ' ' { '-' } else { it.to_ascii_lowercase() }).collect()
}

/// Returns what follows the backticks of each fence: of the first one of a block, and of the one that ends it.
fn fences(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.strip_prefix("```"))
}

#[cfg(test)]
mod tests {
    use super::{Page, lost_headings, unreachable, untested};

    fn page(path: &str, text: &str) -> Page {
        Page { path: format!("a/src/{path}"), text: text.to_owned() }
    }

    #[test]
    fn a_page_far_from_the_front_page_is_found() {
        let front = page("lib.rs", "//! See [`docs::one`].\n");
        let pages = [
            page("docs/one.md", "[two](crate::docs::one::two#part)"),
            page("docs/one/two.md", "[three](crate::docs::three)"),
        ];
        assert_eq!(unreachable(&front, &pages), [""; 0]);
        let [one, two] = pages;
        let pages = [one, two, page("docs/three.md", "")];
        crate::assert_one_problem(&unreachable(&front, &pages), "a/src/docs/three.md:1");
    }

    #[test]
    fn a_link_to_a_heading_that_does_not_exist_is_found() {
        let front = page("lib.rs", "//! [`set_config`](circuit_breaker#new-settings)\n");
        let attribute = page("reference.md", "# New settings\n```\n# hidden\n```\n");
        let linking = |anchor: &str| {
            let text = format!(
                "## A `key` ..\n\n[a](crate::docs::one#a-key-) [b]\n\n[b]: macro@crate::circuit_breaker#{anchor}"
            );
            lost_headings(&front, &attribute, &[page("docs/one.md", &text)])
        };
        assert_eq!(linking("new-settings"), [""; 0]);
        crate::assert_one_problem(&linking("hidden"), "a/src/docs/one.md:5");
    }

    #[test]
    fn a_page_without_tested_code_is_found() {
        assert_eq!(untested(&[page("a.md", "```text\n```\n\n```\nf()\n```\n")]), [""; 0]);
        for text in ["", "```text\nf()\n```\n", "```ignore\nf()\n```\n"] {
            crate::assert_one_problem(&untested(&[page("a.md", text)]), "a/src/a.md:1");
        }
    }
}
