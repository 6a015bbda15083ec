//! The rules of the house that a test can check, one test per rule.
//!
//! | file | what it checks |
//! |---|---|
//! | `rooms.rs` | a room names only rooms above it |
//! | `doors.rs` | time, atomics and features have one door each; tests never sleep |
//! | `files.rs` | every file says what it is for, is short and well named |
//! | `panics.rs` | library code has no shortcut that panics, and no unsafe but what is named there |
//! | `manifests.rs` | every version, lint and feature stands in one place and says why |
//! | `messages.rs` | every message is shown by a case under `ui/fail` |
//! | `plan.rs` | what stands at the top level, and README's map |
//! | `promises.rs` | every test that the page about promises names is there |
//!
//! A rule is a function from texts to complaints, so beside each stands a test that feeds it a bad
//! text and wants the complaint. `house.rs` reads the tree, `source.rs` one file, `tokens.rs` and
//! `mentions.rs` what is in it. They see syntax only: no types, and nothing a macro of another crate
//! writes.

#[path = "tidy/doors.rs"]
mod doors;
#[path = "tidy/files.rs"]
mod files;
#[path = "tidy/house.rs"]
mod house;
#[path = "tidy/manifests.rs"]
mod manifests;
#[path = "tidy/mentions.rs"]
mod mentions;
#[path = "tidy/messages.rs"]
mod messages;
#[path = "tidy/panics.rs"]
mod panics;
#[path = "tidy/plan.rs"]
mod plan;
#[path = "tidy/promises.rs"]
mod promises;
#[path = "tidy/rooms.rs"]
mod rooms;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/tokens.rs"]
mod tokens;

use house::House;

#[test]
fn a_room_names_only_rooms_above_it() {
    let house = House::read().unwrap();
    settle(&rooms::complaints(&house.under("breaker-runtime/src/")));
}

#[test]
fn time_and_atomics_have_one_door_each() {
    let house = House::read().unwrap();
    settle(&doors::time_and_atomics(&house.library()));
}

#[test]
fn features_have_one_door() {
    let house = House::read().unwrap();
    settle(&doors::features(&house.under("breaker-runtime/src/")));
}

#[test]
fn every_file_says_what_it_is_for() {
    let house = House::read().unwrap();
    settle(&files::openings(&house.all()));
}

#[test]
fn files_and_functions_are_short() {
    let house = House::read().unwrap();
    settle(&files::lengths(&house.all()));
}

#[test]
fn files_and_modules_are_called_after_what_they_are() {
    let house = House::read().unwrap();
    settle(&files::names(&house.all()));
}

#[test]
fn library_code_has_no_shortcut_that_panics_and_no_unsafe_but_what_is_named() {
    let house = House::read().unwrap();
    settle(&panics::complaints(&house.library()));
}

#[test]
fn tests_never_sleep_and_none_is_skipped() {
    let house = House::read().unwrap();
    let mut sources = house.library();
    sources.extend(house.under("tests/"));
    settle(&doors::sleeps(&sources));
}

#[test]
fn versions_stand_in_one_place_and_say_why() {
    let house = House::read().unwrap();
    settle(&manifests::versions(&house.workspace, &house.members));
}

#[test]
fn members_inherit_from_the_workspace() {
    let house = House::read().unwrap();
    settle(&manifests::inheritance(&house.members));
}

#[test]
fn every_feature_is_explained() {
    let house = House::read().unwrap();
    let runtime = house.member("breaker-runtime").unwrap();
    let lib = house.source("breaker-runtime/src/lib.rs").unwrap();
    settle(&manifests::features(runtime, lib));
}

#[test]
fn every_message_of_the_macro_is_shown_once() {
    let house = House::read().unwrap();
    let answers = house::answers("tests/ui/fail").unwrap();
    settle(&messages::shown_once(&house.under("breaker-macros/src/"), &answers));
}

#[test]
fn every_message_of_the_runtime_at_compile_time_is_shown() {
    const SPEAKERS: [&str; 6] =
        ["config/builder", "config/consistency", "config/name", "private", "registry.", "registry/key."];
    let house = House::read().unwrap();
    let speakers = SPEAKERS.map(|speaker| house.under(&format!("breaker-runtime/src/{speaker}"))).concat();
    settle(&messages::shown(&speakers, &house::answers("tests/ui/fail").unwrap()));
}

#[test]
fn nothing_else_stands_at_the_top_level() {
    settle(&plan::top_level(&house::top_level().unwrap()));
}

#[test]
fn the_map_names_every_room() {
    let house = House::read().unwrap();
    settle(&plan::map(&house.readme, &house.library()));
}

#[test]
fn every_promise_names_a_test_that_is_there() {
    const PAGE: &str = "breaker-runtime/src/docs/internals.md";
    let house = House::read().unwrap();
    let page = house::text_of(PAGE).unwrap();
    settle(&promises::complaints(PAGE, &page, &house.all()));
    settle(&promises::missing(PAGE, &page, promises::TITLES));
}

#[track_caller]
fn settle(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} complaint(s):\n{}", complaints.len(), complaints.join("\n"));
}

/// A complaint came, one only, and it starts with the place.
#[track_caller]
fn complains(complaints: &[String], place: &str) {
    assert!(
        matches!(complaints, [one] if one.starts_with(&format!("{place}: "))),
        "wanted one complaint at {place}, got {complaints:#?}",
    );
}
