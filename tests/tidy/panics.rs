//! Library code hands errors on: it has no shortcut that panics. And it has no unsafe code but where it
//! says so here. The tokens of `quote!` count too, because they become the user's code.

use crate::source::Source;
use crate::tokens::{lines, places};

const SHORTCUTS: &[&[&str]] = &[
    &[".", "unwrap", "("],
    &[".", "expect", "("],
    &[".", "unwrap_err", "("],
    &[".", "expect_err", "("],
    &[":", "unwrap"],
    &[":", "expect"],
    &["todo", "!"],
    &["unimplemented", "!"],
    &["dbg", "!"],
];

pub(crate) fn complaints(sources: &[&Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        for words in SHORTCUTS {
            let found = lines(&source.row, words).filter(|line| !source.is_for_tests(*line));
            let what = format!("`{}`: hand the error on, or make it impossible", words.concat());
            complaints.extend(found.map(|line| source.complain(line, &what)));
        }
        let found = unsafe_lines(source).filter(|line| !source.is_for_tests(*line));
        complaints.extend(found.map(|line| {
            source.complain(line, "the library has no unsafe code but what is named here; find a safe way")
        }));
    }
    complaints
}

/// Each in the one file that writes it.
const NEEDED: [(&str, &[&str]); 3] = [
    // The coarse clock, which the standard library does not offer.
    (
        "src/clock.rs",
        &["unsafe", "{", "libc", ":", ":", "clock_gettime", "(", "clock", ",", "&", "raw", "mut"],
    ),
    // The section of a constructor: the only way to know a function before it is called.
    ("private/declare.rs", &["unsafe", "(", "link_section", "="]),
    // What the compiler has proven already, and would prove again for each function.
    ("private/site.rs", SHARED),
];

const SHARED: &[&str] = &[
    "unsafe",
    "impl",
    "<",
    "B",
    ":",
    "RegistryBreaker",
    ">",
    "Sync",
    "for",
    "FunctionSite",
    "<",
    "B",
    ">",
    "{",
    "}",
];
const PROOF: [&[&str]; 2] = [
    &["assert_sync", ":", ":", "<", "Parts", "<", "B", ">", ">"],
    &["struct", "FunctionSite", "<", "B", ":", "RegistryBreaker", ">", "(", "Parts", "<", "B", ">", ")", ";"],
];

/// `unsafe` before something. Alone in its brackets it is a word that the macro looks for, as in
/// `Token![unsafe]`.
fn unsafe_lines(source: &Source) -> impl Iterator<Item = usize> {
    let alone =
        |place: usize| source.row.get(place + 1).is_none_or(|next| matches!(next.text.as_str(), ")" | "]"));
    let is_proven = |words: &[&str]| {
        words != SHARED || PROOF.iter().all(|proof| places(&source.row, proof).next().is_some())
    };
    let here = NEEDED.into_iter().filter(|(file, words)| source.path.ends_with(file) && is_proven(words));
    let needed: Vec<usize> = here.flat_map(|(_, words)| places(&source.row, words)).collect();
    let code =
        places(&source.row, &["unsafe"]).filter(move |place| !alone(*place) && !needed.contains(place));
    code.filter_map(|place| source.row.get(place)).map(|token| token.line)
}

#[test]
fn shortcuts_and_unsafe_are_found() {
    for code in [
        "x.unwrap();",
        "x\n.expect(\"y\");",
        "y.map(Option::unwrap);",
        "quote! { #x.expect(\"y\") };",
        "todo!();",
        "unimplemented!();",
        "dbg!(x);",
        "unsafe { g() };",
    ] {
        let text = format!("fn f() {{ {code} }}\n");
        let line = if code.contains('\n') { "src/a.rs:2" } else { "src/a.rs:1" };
        crate::complains(&complaints(&[&Source::parse("src/a.rs", &text).unwrap()]), line);
    }
    let section = "#[unsafe(link_section = \".init_array\")] static F: fn() = f;";
    assert_eq!(complaints(&[&Source::parse("src/private/declare.rs", section).unwrap()]), [""; 0]);
    let shared = "unsafe impl<B: RegistryBreaker> Sync for FunctionSite<B> {}";
    let proof = "const fn proof<B: RegistryBreaker>() { assert_sync::<Parts<B>>(); }";
    let proven = format!("pub struct FunctionSite<B: RegistryBreaker>(Parts<B>);{proof}{shared}");
    assert_eq!(complaints(&[&Source::parse("src/private/site.rs", &proven).unwrap()]), [""; 0]);
    crate::complains(
        &complaints(&[&Source::parse("src/private/site.rs", shared).unwrap()]),
        "src/private/site.rs:1",
    );
    let items = ["unsafe fn f() {}", "unsafe impl Send for S {}", "#[unsafe(no_mangle)] fn f() {}"];
    for item in items.into_iter().chain([section, &proven]) {
        crate::complains(&complaints(&[&Source::parse("src/a.rs", item).unwrap()]), "src/a.rs:1");
    }
}

#[test]
fn tests_docs_and_what_hands_on_are_free() {
    let text = "/// x.unwrap() unsafe { }\nfn f() { x.unwrap_or(0); Token![unsafe]; \"todo!\" }\n\
                #[expect(dead_code)]\nfn g() {}\n#[cfg(test)]\nmod tests {\n    fn t() { x.unwrap(); }\n}\n";
    assert_eq!(complaints(&[&Source::parse("src/a.rs", text).unwrap()]), [""; 0]);
}
