//! What a release must keep, compared with committed texts: the page `docs::stability` says what it is.
//!
//! | file | contents |
//! |---|---|
//! | `snapshot.rs` | committed texts, and how a new one is accepted |
//! | `lexemes.rs` | prints tokens on one line |
//! | `expansion.rs` | expands the macros that declare items |
//! | `crate_tree.rs` | the modules of a crate, their items and what their paths name |
//! | `names.rs` | writes signatures with full paths |
//! | `surface.rs` | the public items of a crate |
//! | `examples.rs` | the code in the documentation |
//! | `page.rs` | the lists on the page |
//! | `source_lists.rs` | words in the sources |
//! | `metrics.rs`, `json.rs` | the metrics with their labels, and the fields of JSON |
//! | `formats.rs` | all lists of what programs see beside the API |
//!
//! `BLESS=1 cargo test -p breaker-tests --all-features --test stability` accepts the current texts.
//!
//! The listing of the public API is made from the sources, so it needs no other tool and is the same for every compiler.
//! It sees syntax only: types that implement `Send` are left to `it::public_types`.

#![expect(
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test whose preconditions fail has failed; syn may add variants"
)]

#[path = "stability/crate_tree.rs"]
mod crate_tree;
#[path = "stability/examples.rs"]
mod examples;
#[path = "stability/expansion.rs"]
mod expansion;
#[path = "stability/formats.rs"]
mod formats;
#[path = "stability/json.rs"]
mod json;
#[path = "stability/lexemes.rs"]
mod lexemes;
#[path = "stability/metrics.rs"]
mod metrics;
#[path = "stability/names.rs"]
mod names;
#[path = "stability/page.rs"]
mod page;
#[path = "stability/snapshot.rs"]
mod snapshot;
#[path = "stability/source_lists.rs"]
mod source_lists;
#[path = "stability/surface.rs"]
mod surface;

use crate_tree::Crate;
use examples::Examples;
use surface::{Growth, Surface};

fn runtime() -> Crate {
    Crate::read("breaker_runtime", "breaker-runtime").expect("the sources can be read")
}

fn attribute() -> Crate {
    Crate::read("breaker_macros", "breaker-macros").expect("the sources can be read")
}

#[test]
fn the_public_api_equals_its_listing() {
    let (attribute, runtime) = (attribute(), runtime());
    let listing = [&attribute, &runtime].map(|source| Surface::new(source).text()).concat();
    snapshot::compare("api.txt", &listing);
}

#[test]
fn keys_settings_metrics_json_and_routes_equal_their_lists() {
    snapshot::compare("formats.txt", &formats::text(&runtime()));
}

#[test]
fn types_of_other_crates_come_from_the_listed_crates_and_versions() {
    let runtime = runtime();
    let manifest = crate_tree::read("Cargo.toml").expect("the manifest can be read");
    let rows = page::crates(&Surface::new(&runtime).foreign(), &manifest);
    page::assert_table("| crate | version | features |", &rows);
}

#[test]
fn the_page_lists_the_types_that_grow_and_the_complete_enums() {
    let runtime = runtime();
    let surface = Surface::new(&runtime);
    page::assert_list("These types are `#[non_exhaustive]`", &surface.types_with(Growth::NonExhaustive));
    page::assert_list("These enums are complete", &surface.types_with(Growth::CompleteEnum));
}

#[test]
fn every_public_type_and_function_has_an_example() {
    let runtime = runtime();
    let surface = Surface::new(&runtime);
    let missing = surface.without_example();
    assert!(missing.is_empty(), "no example in the doc comments of\n{}", missing.join("\n"));
}

#[test]
fn every_public_method_is_used_in_an_example() {
    let runtime = runtime();
    let surface = Surface::new(&runtime);
    let examples = Examples::read().expect("the sources can be read");
    let is_used = |head: &str, method: &str| {
        // Users implement the methods of a trait.
        examples.call(method) || head.contains("trait ") && examples.define(method)
    };
    let unused = surface.methods().filter(|(_, head, method)| !is_used(head, method));
    let missing: Vec<_> = unused.map(|(path, _, method)| format!("{path}::{method}")).collect();
    assert!(missing.is_empty(), "no example uses\n{}", missing.join("\n"));
}
