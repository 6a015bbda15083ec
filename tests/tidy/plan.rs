//! The plan of the house: what stands at the top level, and the map of it in CONTRIBUTING.

use crate::rooms;
use crate::source::Source;

const TOP_LEVEL: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "CHANGELOG.md",
    "breaker-macros",
    "breaker-runtime",
    "tests",
    "examples",
];

const MAP: &str = "## Map";

pub(crate) fn top_level(names: &[String]) -> Vec<String> {
    let belongs = |name: &String| {
        TOP_LEVEL.contains(&name.as_str()) || name.starts_with("LICENSE") || name.starts_with('.')
    };
    let strangers = names.iter().filter(|name| !belongs(name));
    strangers.map(|name| format!("{name}:1: does not belong at the top level; find it a room")).collect()
}

/// The map names every room of the runtime and every file right below the macros' `src`.
pub(crate) fn map(readme: &str, library: &[&Source]) -> Vec<String> {
    let lines: Vec<&str> = readme.lines().collect();
    let Some(start) = lines.iter().position(|line| line.trim_end() == MAP) else {
        return vec![format!(".github/CONTRIBUTING.md:1: has no section `{MAP}`")];
    };
    let below = lines.iter().skip(start + 1);
    let section: Vec<&str> = below.take_while(|line| !line.starts_with("## ")).copied().collect();
    let is_on_map = |stem: &str| {
        section.iter().any(|line| {
            line.split('`')
                .skip(1)
                .step_by(2)
                .any(|quoted| quoted.split(is_no_letter).any(|word| word == stem))
        })
    };
    let mut complaints = Vec::new();
    for (stem, of) in places(library) {
        if !is_on_map(&stem) {
            complaints.push(format!(
                ".github/CONTRIBUTING.md:{}: the map does not name `{stem}` of {of}",
                start + 1
            ));
        }
    }
    complaints
}

fn places(library: &[&Source]) -> Vec<(String, &'static str)> {
    let mut places = Vec::new();
    for source in library {
        if source.path == "breaker-runtime/src/lib.rs" {
            places.extend(rooms::stems(source).into_iter().map(|stem| (stem, "breaker-runtime")));
        }
        if let Some(stem) =
            source.path.strip_prefix("breaker-macros/src/").and_then(|file| file.strip_suffix(".rs"))
            && !stem.contains('/')
        {
            places.push((stem.to_owned(), "breaker-macros"));
        }
    }
    places
}

fn is_no_letter(letter: char) -> bool {
    !letter.is_alphanumeric() && letter != '_'
}

#[test]
fn a_stranger_at_the_top_level_is_found() {
    let names = ["Cargo.toml", ".github", "LICENSE-MIT", "notes.md"].map(str::to_owned);
    crate::complains(&top_level(&names), "notes.md:1");
}

#[test]
fn a_room_that_is_not_on_the_map_is_found() {
    let lib =
        Source::parse("breaker-runtime/src/lib.rs", "mod clock;\n#[path = \"private.rs\"]\nmod __private;\n")
            .unwrap();
    let args = Source::parse("breaker-macros/src/args.rs", "").unwrap();
    let keys = Source::parse("breaker-macros/src/args/keys.rs", "").unwrap();
    let judged = |readme: &str| map(readme, &[&lib, &args, &keys]);
    assert_eq!(judged("# b\n## Map\n`clock.rs`, `private.rs`\n`args.rs`\n"), [""; 0]);
    crate::complains(
        &judged("# b\n## Map\n`clocks` clock `private`\n`args`\n## More\n`clock`\n"),
        ".github/CONTRIBUTING.md:2",
    );
    crate::complains(&judged("# b\n## Map\n`clock` `private`\n"), ".github/CONTRIBUTING.md:2");
    crate::complains(&judged("# b\nclock private args\n"), ".github/CONTRIBUTING.md:1");
}
