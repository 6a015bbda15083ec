//! What a program sees of the crates beside their API: keys, settings and their defaults, labels, metrics, JSON, routes,
//! files, records.

use std::fmt::Write as _;
use std::time::Duration;

use breaker_runtime::fleet::protocol::SharedRecord;
use breaker_runtime::{Config, ConfigBuilder, Registry};
use quote::ToTokens as _;
use syn::{ImplItem, Item};

use crate::crate_tree::Crate;
use crate::source_lists::{SourceFile, literal, parts};
use crate::{json, lexemes, metrics};

/// A record of an open circuit with a lease and a command, as it is stored in Redis.
const RECORD: &str = "1 o 3 7 1000 2 5 a:1 2000 open 0 alice maintenance 5%20failures a:1,b:2 c:3";

/// Returns all lists, each below its title.
pub(crate) fn text(runtime: &Crate) -> String {
    let lists = [
        ("keys of the attribute", macros("args/key.rs").words_in("keys !")),
        ("words of the keys mode, shared and adopt", macros("check/choice.rs").words_after("written :")),
        ("words of the key fallback_on", macros("check/fallback.rs").words_after("Some (")),
        ("words of the key settle", macros("check/settle.rs").words_after("is_ident (")),
        ("parameters of last_good(..)", last_good()),
        ("units of durations", durations()),
        ("settings and their defaults", settings(Config::builder())),
        ("settings that a window changes", settings_of_a_window()),
        ("labels", labels(runtime)),
        ("metrics", metrics::lines()),
        ("fields of JSON", json::lines(runtime)),
        ("routes", routes()),
        ("commands", axum("command.rs").words_in("fn parse")),
        ("header with the name of the operator", axum("command.rs").words_in("const OPERATOR")),
        ("parameters of requests", parameters()),
        ("statuses of refused requests", statuses()),
        ("events of the stream", events()),
        ("tables of configuration files", tables()),
        ("parts of the names of variables", variables()),
        ("fields of tracing events", tracing_fields()),
        ("fields of spans", span_fields()),
        ("names of keys in Redis", runtime_file("fleet/redis/store.rs").words_in("fn new")),
        ("record in Redis", record()),
    ];
    let mut text = String::new();
    for (title, lines) in lists {
        assert!(
            !lines.is_empty(),
            "the sources of the list \"{title}\" have moved; adapt tests/stability/formats.rs"
        );
        // Writing to a string never fails.
        _ = writeln!(text, "{title}");
        for line in lines {
            _ = writeln!(text, "    {}", line.replace('\n', "\\n"));
        }
    }
    text
}

fn macros(file: &str) -> SourceFile {
    SourceFile::read(&format!("breaker-macros/src/{file}"))
}

fn runtime_file(file: &str) -> SourceFile {
    SourceFile::read(&format!("breaker-runtime/src/{file}"))
}

fn axum(file: &str) -> SourceFile {
    runtime_file(&format!("integrations/axum/{file}"))
}

fn last_good() -> Vec<String> {
    let file = macros("check/last_good.rs");
    ["const MAX_AGE", "const ON_STALE", "const NAMES"].map(|start| file.words_in(start)).concat()
}

fn durations() -> Vec<String> {
    let file = macros("duration.rs");
    let units = file.patterns().into_iter().filter(|word| word.starts_with(char::is_alphabetic));
    units.chain(file.words_in("const UNLIMITED")).collect()
}

/// Returns every setting with its value in a breaker with these settings.
fn settings(builder: ConfigBuilder) -> Vec<String> {
    let config = builder.build().expect("valid settings");
    let breaker = Registry::new().register("payment", config).expect("a valid name");
    let settings = serde_json::to_value(&breaker.snapshot().settings).expect("settings are JSON");
    let settings = settings.as_object().expect("settings are an object");
    settings.iter().map(|(name, setting)| format!("{name} = {}", setting["value"])).collect()
}

/// Returns the settings whose defaults depend on a window, or on `slow_call`.
fn settings_of_a_window() -> Vec<String> {
    let defaults = settings(Config::builder());
    let builder = Config::builder().window_calls(100).failure_rate(0.25).slow_call(Duration::from_secs(2));
    settings(builder).into_iter().filter(|line| !defaults.contains(line)).collect()
}

/// Returns the words of each method `label`.
fn labels(runtime: &Crate) -> Vec<String> {
    let mut lines = Vec::new();
    let items = runtime.modules().flat_map(|module| &module.items);
    for item in items.filter_map(|item| match item {
        Item::Impl(item) => Some(item),
        _ => None,
    }) {
        for member in &item.items {
            if let ImplItem::Fn(function) = member
                && function.sig.ident == "label"
            {
                let words = lexemes::list(function.block.to_token_stream());
                let words: Vec<String> = words.iter().filter_map(|lexeme| literal(lexeme)).collect();
                if words.iter().any(|word| !word.is_empty()) {
                    let name = lexemes::text(item.self_ty.to_token_stream());
                    lines.push(format!("{name}: {}", words.join(", ")));
                }
            }
        }
    }
    lines.sort();
    lines
}

/// Returns the methods and the path of each route.
fn routes() -> Vec<String> {
    let file = axum("routes.rs");
    let mut lines = Vec::new();
    for call in file.after(". route (") {
        let Some(path) = call.first().and_then(|path| literal(path)) else { continue };
        let methods = call.windows(2).filter(|pair| matches!(pair, [_, open] if open == "("));
        let methods =
            methods.filter_map(|pair| pair.first()).filter(|name| ["get", "post"].contains(&name.as_str()));
        let methods: Vec<String> = methods.map(|method| method.to_uppercase()).collect();
        // A handler in a variable has its method elsewhere: that of the health, which has two routes.
        if !methods.is_empty() {
            lines.push(format!("{} {path}", methods.join(" ")));
        }
    }
    lines.sort();
    lines.dedup();
    lines
}

fn parameters() -> Vec<String> {
    let file = axum("query.rs");
    file.after("impl Query for")
        .iter()
        .filter_map(|block| {
            let name = block.first()?;
            let start = block.iter().position(|lexeme| lexeme == "ACCEPTED")?;
            let list = block.get(start..)?.split(|lexeme| lexeme == ";").next()?;
            let words: Vec<String> = list.iter().filter_map(|lexeme| literal(lexeme)).collect();
            Some(format!("{name}: {}", words.join(", ")))
        })
        .collect()
}

/// Returns the reasons for which a request is refused, with their statuses.
fn statuses() -> Vec<String> {
    let file = axum("error.rs");
    let reason = |block: &&[String]| match block {
        [name, colon, of, ..] if colon == ":" && of == "Self" => {
            let status = block.iter().position(|lexeme| lexeme == "StatusCode");
            let status =
                status.and_then(|start| block.get(start + 2)).map_or("SERVICE_UNAVAILABLE", String::as_str);
            Some(format!("{name}: {status}"))
        }
        _ => None,
    };
    file.after("const").iter().filter_map(reason).collect()
}

fn events() -> Vec<String> {
    let names = axum("broadcast.rs");
    let snapshot_and_delta = ["snapshot", "delta"].into_iter().flat_map(|name| names.words_with(name));
    snapshot_and_delta.chain(axum("stream.rs").words_in("const SHUTDOWN")).collect()
}

fn tables() -> Vec<String> {
    let file = runtime_file("integrations/config/sections.rs");
    ["const fn name", "const KEYS"].map(|start| file.words_in(start)).concat()
}

fn variables() -> Vec<String> {
    let file = runtime_file("integrations/config/environment.rs");
    ["const PREFIX", "const SEPARATOR", "const ALL"].map(|start| file.words_in(start)).concat()
}

/// Returns the names of the fields of each event that has some.
fn tracing_fields() -> Vec<String> {
    let file = runtime_file("integrations/tracing.rs");
    let fields = |call: &&[String]| {
        let (target, fields) =
            parts(call).split_first().map(|(target, rest)| (target.join(""), rest.to_vec()))?;
        let (_, fields) = fields.split_last()?;
        let names: Vec<&str> = fields.iter().filter_map(|part| part.first()).map(String::as_str).collect();
        (!names.is_empty()).then(|| format!("{target}: {}", names.join(", ")))
    };
    file.after("target :").iter().filter_map(fields).collect()
}

fn span_fields() -> Vec<String> {
    let file = runtime_file("integrations/opentelemetry/span_events.rs");
    let mut names = ["circuit_breaker.", "error."].map(|start| file.words_with(start)).concat();
    names.extend(runtime_file("integrations/tracing.rs").words_with("circuit_breaker."));
    names.sort();
    names.dedup();
    names
}

/// Returns records that are read and written as they are.
fn record() -> Vec<String> {
    let record = SharedRecord::read(RECORD).expect("the record is valid");
    vec![SharedRecord::closed().to_string(), record.to_string()]
}
