//! Rules about the text of the repository that no linter checks, one test per rule.
//!
//! | file | contents |
//! |---|---|
//! | `modules.rs` | modules depend on each other in one direction |
//! | `boundaries.rs` | time, atomics, features and `unsafe` are each used only in the files that need them |
//! | `twins.rs` | the attribute and the runtime parse durations by equal code and name the settings equally |
//! | `files.rs`, `top_level.rs` | files open with their purpose, are short, in the tables of their folders, and in the right folder |
//! | `dependencies.rs` | versions are in the root manifest; licenses, sources and duplicates are allowed |
//! | `messages.rs` | every compile-time message is shown by a case under `ui/fail`, and none contains a private path |
//! | `guide.rs` | the tests of the guide run with the files that it shows |
//! | `promises.rs` | every promise names a test that exists |
//! | `pages.rs` | each page is two links from the front page, and pages of the cookbook have tested code |
//! | `pictures.rs` | a picture in the documentation is that of the file, and names what exists |
//! | `prose.rs` | doc comments open with a noun or a verb, and some words are avoided |
//!
//! A rule is a function from texts to problems, with a unit test that feeds it a wrong text. `workspace.rs` reads
//! the files, `source.rs` parses one, `paths.rs` finds the paths in it. The rules see syntax only: no types, and
//! nothing that a macro of another crate generates.

#[path = "tidy/boundaries.rs"]
mod boundaries;
#[path = "tidy/dependencies.rs"]
mod dependencies;
#[path = "tidy/files.rs"]
mod files;
#[path = "tidy/guide.rs"]
mod guide;
#[path = "tidy/messages.rs"]
mod messages;
#[path = "tidy/modules.rs"]
mod modules;
#[path = "tidy/pages.rs"]
mod pages;
#[path = "tidy/paths.rs"]
mod paths;
#[path = "tidy/pictures.rs"]
mod pictures;
#[path = "tidy/promises.rs"]
mod promises;
#[path = "tidy/prose.rs"]
mod prose;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/top_level.rs"]
mod top_level;
#[path = "tidy/twins.rs"]
mod twins;
#[path = "tidy/workspace.rs"]
mod workspace;

use dependencies::Manifest;
use guide::GuidePage;
use pages::Page;
use source::Source;
use workspace::Workspace;

const MACROS: &str = "breaker-macros/src/";
const RUNTIME: &str = "breaker-runtime/src/";
const DOCS: &str = "breaker-runtime/src/docs";

/// The sources whose messages a compile error can contain.
const COMPILE_TIME: [&str; 8] = [
    "config/builder",
    "config/consistency",
    "config/name",
    "config/limit_settings",
    "config/share_settings",
    "__private",
    "registry.",
    "registry/key.",
];

/// The front page of the documentation.
const FRONT: &str = "breaker-runtime/src/lib.rs";

/// The page with the promises, and the least number of them.
const PROMISES: &str = "tests/promises.md";
const LEAST_PROMISES: usize = 112;

#[test]
fn a_module_names_only_modules_above_it() {
    check(|workspace| modules::order(&workspace.under(RUNTIME)));
}

#[test]
fn no_two_files_import_each_other() {
    check(|workspace| {
        [modules::cycles(&workspace.under(MACROS)), modules::cycles(&workspace.under(RUNTIME))].concat()
    });
}

/// Compares a file of the attribute with one of the runtime.
fn check_twins(attribute: &str, runtime: &str, differences: fn(&Source, &Source) -> Vec<String>) {
    check(|workspace| match (workspace.source(attribute), workspace.source(runtime)) {
        (Some(attribute), Some(runtime)) => differences(attribute, runtime),
        _ => vec![format!("{attribute} or {runtime} does not exist")],
    });
}

#[test]
fn the_attribute_and_the_runtime_parse_durations_by_equal_code() {
    check_twins(
        "breaker-macros/src/duration.rs",
        "breaker-runtime/src/config/duration.rs",
        twins::differences,
    );
}

#[test]
fn the_attribute_and_the_runtime_have_the_same_settings_in_the_same_order() {
    check_twins(
        "breaker-macros/src/args/key.rs",
        "breaker-runtime/src/config/setting.rs",
        twins::different_settings,
    );
}

#[test]
fn time_and_atomics_are_each_used_in_one_module() {
    check(|workspace| boundaries::time_and_atomics(&workspace.library()));
}

#[test]
fn features_are_checked_in_few_files() {
    check(|workspace| boundaries::features(&workspace.under(RUNTIME)));
}

#[test]
fn unsafe_code_is_only_where_it_is_needed() {
    check(|workspace| boundaries::unsafe_code(&workspace.library()));
}

#[test]
fn no_test_is_ignored() {
    check(|workspace| boundaries::ignored_tests(&workspace.all()));
}

#[test]
fn files_state_their_purpose_and_are_short() {
    check(|workspace| files::problems(&workspace.all()));
}

#[test]
fn tables_of_files_are_complete() {
    check(|workspace| files::tables(&workspace.all()));
}

#[test]
fn nothing_else_is_at_the_top_level() {
    report(&top_level::problems(&workspace::top_level().unwrap()));
}

#[test]
fn versions_are_in_the_root_manifest_with_their_reasons() {
    check(|workspace| dependencies::versions(&workspace.root, &workspace.members));
}

#[test]
fn every_feature_is_explained() {
    check(|workspace| {
        let manifest = workspace.member("breaker-runtime").unwrap();
        dependencies::features(manifest, workspace.source("breaker-runtime/src/lib.rs").unwrap())
    });
}

#[test]
fn packages_come_from_crates_io_in_one_version_with_an_allowed_license() {
    let read = |path: &str| Manifest::parse(path, &workspace::read(path).unwrap()).unwrap();
    let deny = read(".deny.toml");
    report(&dependencies::locked(&read("Cargo.lock"), &deny));
    report(&dependencies::licenses(&dependencies::metadata().unwrap(), &deny));
}

#[test]
fn every_message_of_the_macro_is_shown_once() {
    let mut outputs = workspace::compiler_outputs("tests/ui/fail").unwrap();
    // Such a case shows that messages of other cases are reported together.
    outputs.retain(|output| !output.path.ends_with("_all_errors.stderr"));
    check(|workspace| messages::shown_once(&workspace.under(MACROS), &outputs));
}

#[test]
fn every_compile_time_message_of_the_runtime_is_shown() {
    let outputs = workspace::compiler_outputs("tests/ui/fail").unwrap();
    check(|workspace| {
        let sources = COMPILE_TIME.map(|prefix| workspace.under(&format!("{RUNTIME}{prefix}"))).concat();
        messages::shown(&sources, &outputs)
    });
}

#[test]
fn no_compile_error_contains_a_private_path() {
    report(&messages::private_paths(&workspace::compiler_outputs("tests/ui/fail").unwrap()));
}

#[test]
fn the_macro_writes_no_shortcut_that_panics() {
    let mut problems = Vec::new();
    let paths = workspace::files("tests/expand", "rs").unwrap();
    for expanded in paths.iter().filter(|path| path.ends_with(".expanded.rs")) {
        let [before, after] =
            [expanded.replace(".expanded", ""), expanded.clone()].map(|path| workspace::read(&path).unwrap());
        let shortcuts = [".unwrap()", ".expect(", "unsafe {", "panic!(", "todo!(", "unreachable!("];
        let added = shortcuts.iter().filter(|it| after.matches(**it).count() > before.matches(**it).count());
        problems.extend(added.map(|shortcut| format!("{expanded}:1: the macro wrote `{shortcut}`")));
    }
    report(&problems);
}

#[test]
fn pictures_in_the_documentation_are_those_of_the_files() {
    let read = |path: &str| workspace::read(path).unwrap();
    let links = workspace::files(DOCS, "link").unwrap();
    assert!(links.len() >= 2, "the pictures are in {DOCS}");
    let problems = links.iter().flat_map(|path| {
        let name = path.trim_start_matches(DOCS).trim_start_matches('/').trim_end_matches(".link");
        pictures::outdated(path, name, &read(path), &read(&format!("{DOCS}/{name}.svg")))
    });
    report(&problems.collect::<Vec<_>>());

    let states = format!("{DOCS}/states.svg");
    let reference =
        [read("breaker-macros/src/reference.md"), read("breaker-runtime/src/breaker/operator.rs")].concat();
    report(&pictures::unknown_names(&states, &read(&states), &reference));
}

#[test]
fn every_promise_names_a_test_that_exists() {
    let page = workspace::read(PROMISES).unwrap();
    check(|workspace| promises::problems(PROMISES, &page, LEAST_PROMISES, &workspace.all()));
}

#[test]
fn two_links_lead_from_the_front_page_to_each_page() {
    report(&pages::unreachable(&page(FRONT).unwrap(), &pages_of("docs").unwrap()));
}

#[test]
fn links_to_headings_have_a_target() {
    let attribute = page("breaker-macros/src/reference.md").unwrap();
    report(&pages::lost_headings(&page(FRONT).unwrap(), &attribute, &pages_of("docs").unwrap()));
}

#[test]
fn the_cookbook_has_tested_code() {
    report(&pages::untested(&pages_of("docs/cookbook").unwrap()));
}

#[test]
fn the_tests_of_the_guide_run_with_the_files_that_it_shows() {
    let [tests, service] =
        ["testing", "service"].map(|name| page(&format!("{RUNTIME}docs/guide/{name}.md")).unwrap());
    let copies = GuidePage { path: &tests.path, text: &tests.text };
    let shown = GuidePage { path: &service.path, text: &service.text };
    report(&guide::differing_copies(&["supplier", "web"], &copies, &shown));
}

#[test]
fn doc_comments_open_with_a_noun_or_a_verb() {
    check(|workspace| prose::openings(&workspace.library()));
}

#[test]
fn words_to_avoid_are_not_used() {
    let mut problems = Vec::new();
    let read = |path: &str| workspace::read(path).unwrap();
    for source in Workspace::read_all().unwrap().all() {
        problems.extend(prose::words_of_code(&source.path, &source.text));
    }
    for path in workspace::samples().unwrap() {
        problems.extend(prose::words_of_code(&path, &read(&path)));
    }
    for path in workspace::pages().unwrap() {
        problems.extend(prose::words_of_page(&path, &read(&path)));
    }
    report(&problems);
}

fn page(path: &str) -> Result<Page, String> {
    Ok(Page { path: path.to_owned(), text: workspace::read(path)? })
}

/// Returns the pages in a folder of the runtime.
fn pages_of(folder: &str) -> Result<Vec<Page>, String> {
    let paths = workspace::files_below(&format!("{RUNTIME}{folder}"), "md")?;
    assert!(!paths.is_empty(), "no page in {folder}");
    paths.iter().map(|path| page(path)).collect()
}

#[track_caller]
fn check(rule: impl FnOnce(&Workspace) -> Vec<String>) {
    match Workspace::read_all() {
        Ok(workspace) => report(&rule(&workspace)),
        Err(error) => report(&[error]),
    }
}

#[track_caller]
fn report(problems: &[String]) {
    assert!(problems.is_empty(), "{} problem(s):\n{}", problems.len(), problems.join("\n"));
}

/// Asserts that there is one problem, at this location.
#[track_caller]
fn assert_one_problem(problems: &[String], location: &str) {
    assert!(
        matches!(problems, [one] if one.starts_with(location)),
        "expected one problem at {location}, got {problems:#?}",
    );
}
