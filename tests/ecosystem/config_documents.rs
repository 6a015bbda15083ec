//! Documents with settings, in TOML and JSON: what they contain, and what is said about each mistake.

use std::fmt::Write as _;

use breaker_runtime::integrations::config::{ConfigDocument, ConfigFormat, ConfigLoadError, ConfigReader};
use breaker_runtime::{Config, Registry, Setting, SettingSource};

fn lines(format: ConfigFormat, text: impl AsRef<[u8]>) -> Vec<String> {
    match ConfigDocument::parse("breakers.toml", format, text.as_ref()) {
        Ok(_) => Vec::new(),
        Err(error) => error.to_string().lines().map(str::to_owned).collect(),
    }
}

fn toml(text: impl AsRef<[u8]>) -> Vec<String> {
    lines(ConfigFormat::Toml, text)
}

fn json(text: impl AsRef<[u8]>) -> Vec<String> {
    lines(ConfigFormat::Json, text)
}

pub(crate) const TOML: &str = r#"
[breakers."*"]
jitter = 0.25

[breakers."pay*"]
recovery_timeout = "10s"

[breakers.payment]
failure_threshold = 10
window = "1m"
mode = "shadow"
critical = true

[breakers.hosts.keys."eu-1"]
failure_threshold = 50
"#;

pub(crate) const JSON: &str = r#"{"breakers": {
    "*": {"jitter": 0.25},
    "pay*": {"recovery_timeout": "10s"},
    "payment": {
        "failure_threshold": 10, "window": "1m",
        "mode": "shadow",
        "critical": true
    },
    "hosts": {"keys": {"eu-1": {"failure_threshold": 50}}}
}}"#;

#[test]
fn a_document_sets_breakers_patterns_and_keys_and_tells_the_line_of_each_value() {
    for (format, text, threshold_line, mode_line) in
        [(ConfigFormat::Toml, TOML, 9, 11), (ConfigFormat::Json, JSON, 5, 6)]
    {
        let registry = Registry::new();
        let payment = registry.register("payment", Config::default()).unwrap();
        let hosts = registry.register_keyed("hosts", Config::default(), 10).unwrap();
        let report = ConfigReader::new(&registry).load_text("file", format, text.as_bytes()).unwrap();
        assert_eq!((report.changes().count(), report.unmatched().count()), (3, 0)); // one is of "eu-1"
        let settings = payment.snapshot().settings;
        assert_eq!((settings.failure_threshold(), settings.jitter()), (Some(10), 0.25));
        assert_eq!((settings.recovery_timeout().as_secs(), settings.critical()), (10, true));
        let source = |line| SettingSource::File { path: "file".into(), line };
        assert_eq!(settings.source(Setting::FailureThreshold), source(threshold_line));
        assert_eq!(settings.source(Setting::Mode), source(mode_line));
        assert_eq!(settings.source(Setting::Backoff), SettingSource::Default);
        let thresholds = ["eu-1", "eu-2"].map(|key| hosts.get(key).config().failure_threshold());
        assert_eq!(thresholds, [Some(50), Some(5)]);
        assert_eq!(hosts.get("eu-1").config().value(Setting::Jitter), Some(0.25.into()));
    }
}

#[test]
fn a_rate_is_exactly_the_number_that_was_written() {
    let registry = Registry::new();
    let payment = registry.register("payment", Config::builder().window_calls(100).build().unwrap()).unwrap();
    let mut reader = ConfigReader::new(&registry);
    let fractions = (2..40_u8).flat_map(|calls| (1..calls).map(move |failures| (failures, calls)));
    let rates = fractions.map(|(failures, calls)| f64::from(failures) / f64::from(calls));
    for rate in rates.chain([0.999_999_999_999_999_9]) {
        let toml = format!("breakers.payment.failure_rate = {rate:?}");
        let json = format!(r#"{{"breakers": {{"payment": {{"failure_rate": {rate:?}}}}}}}"#);
        for (format, text) in [(ConfigFormat::Toml, toml), (ConfigFormat::Json, json)] {
            reader.load_text("file", format, text.as_bytes()).unwrap();
            assert_eq!(payment.config().failure_rate(), Some(rate), "{text}");
        }
    }
}

#[test]
fn every_mistake_of_a_document_is_reported_with_its_line_and_what_is_accepted() {
    let text = r#"[breakers.payment]
failure_threshold = 0
failure_treshold = 3
window = [1, 2]
recovery_timeout = 30
shared = "everywhere"

[breakers."pay*".keys.eu]
jitter = "half"
backoff.factor = 2

[breaker.stock]
jitter = 0.5

[breakers]
search = 5
"#;
    assert_eq!(
        toml(text),
        [
            "breakers.toml:2: breakers.payment.failure_threshold = 0: failure_threshold must be between 1 and 16777215",
            "breakers.toml:3: breakers.payment.failure_treshold: unknown setting; did you mean failure_threshold?",
            "breakers.toml:4: breakers.payment.window: expected a value, found an array",
            "breakers.toml:5: breakers.payment.recovery_timeout = 30: expected a time with a unit, such as \"500ms\", \
             \"30s\" or \"1h30m\"",
            "breakers.toml:6: breakers.payment.shared = \"everywhere\": shared must be `local`, `quorum` or `first`",
            "breakers.toml:9: breakers.\"pay*\".keys.eu.jitter = \"half\": expected a number such as 0.5",
            "breakers.toml:10: breakers.\"pay*\".keys.eu.backoff: expected a value, found a table",
            "breakers.toml:12: breaker: unknown table or key; expected [breakers.<name>] or [drills.<name>]",
            "breakers.toml:16: breakers.search: expected a table with settings, as in [breakers.payment]",
        ]
    );
    let text = r#"{"breakers": {
        "payment": {
            "failure_threshold": 0,
            "mode": null, "jitter": 2
        },
        "payment": {},
        "": {"jitter": 0},
        "hosts": {"keys": [], "jitter": 1, "jitter": 0}
    }, "others": 1}"#;
    assert_eq!(
        json(text),
        [
            "breakers.toml:3: breakers.payment.failure_threshold = 0: failure_threshold must be between 1 and 16777215",
            "breakers.toml:4: breakers.payment.mode: expected a value, found null",
            "breakers.toml:4: breakers.payment.jitter = 2: jitter must be between 0.0 and 1.0",
            "breakers.toml:6: breakers.payment: set before, in line 2",
            "breakers.toml:7: breakers.\"\": the name of a circuit breaker must not be empty",
            "breakers.toml:8: breakers.hosts.jitter: set before, in line 8",
            "breakers.toml:8: breakers.hosts.keys: expected a table for each key",
            "breakers.toml:9: others: unknown table or key; expected [breakers.<name>] or [drills.<name>]",
        ]
    );
}

#[test]
fn every_error_of_syntax_has_its_line_and_column() {
    let text =
        "[breakers.payment]\njitter = 0.5\njitter = 0.6\nbackoff = = 2\n[breakers.payment]\nramp = \"5s\n";
    let found = toml(text);
    let lines: Vec<_> = found.iter().filter_map(|line| line.split(':').nth(1)).collect();
    assert_eq!(lines, ["3", "4", "5", "6"], "{found:#?}");
    assert!(found[0].starts_with("breakers.toml:3:1: duplicate key"), "{found:#?}");

    assert_eq!(
        json("{\"breakers\":\n {\"payment\": {\"jitter\": }}}"),
        ["breakers.toml:2:25: expected value"]
    );
    assert_eq!(json("[1]"), ["breakers.toml:1:1: invalid type: sequence, expected an object"]);
    assert_eq!(json("{} {}"), ["breakers.toml:1:4: trailing characters"]);
}

#[test]
fn an_empty_document_a_byte_order_mark_and_line_breaks_of_windows_are_accepted() {
    for text in ["", " \n", "\u{feff}", "# nothing\r\n", "[breakers]", "[breakers.payment]"] {
        assert_eq!(toml(text), [""; 0], "{text:?}");
    }
    for text in ["", "\r\n", "{}", "\u{feff}{\"breakers\": {}}", "{\"breakers\": {\"a\": {}}}"] {
        assert_eq!(json(text), [""; 0], "{text:?}");
    }
    let windows = "\u{feff}[breakers.payment]\r\njitter = 0.5\r\nbackoff = 0\r\n";
    assert_eq!(
        toml(windows),
        ["breakers.toml:3: breakers.payment.backoff = 0: backoff must be finite and at least 1.0"]
    );
}

#[test]
fn hostile_documents_are_refused_without_a_panic() {
    let deep = |open: &str, close: &str, depth| format!("{}{}", open.repeat(depth), close.repeat(depth));
    let long_key = format!("{}c = 1", "a.".repeat(200_000));
    for text in [
        format!("a = {}", deep("[", "]", 200_000)),
        format!("a = {}1{}", "{a = ".repeat(100_000), "}".repeat(100_000)),
        long_key.clone(),
        format!("[{}c]", "a.".repeat(200_000)),
        format!("breakers.{long_key}"),
        "[[[[".repeat(100_000),
        "a=".repeat(500_000),
        "\"".repeat(1_000_000),
    ] {
        assert_ne!(toml(&text), [""; 0], "{}", &text[..40]);
        assert_ne!(json(&text), [""; 0], "{}", &text[..40]);
    }
    for text in [deep("[", "]", 500_000), "{\"a\":".repeat(200_000), "{\"breakers\":".repeat(50_000)] {
        assert_ne!(json(&text), [""; 0], "{}", &text[..40]);
    }
    let nested = format!("{}1{}", "{\"breakers\":".repeat(50_000), "}".repeat(50_000));
    assert_ne!(json(nested), [""; 0]);
    assert_eq!(json("{\"\\ud800\": 1}").len(), 1);
    assert_eq!(toml(b"a = 1\nb = \xff"), ["breakers.toml:2: is not UTF-8"]);
    let long = "#".repeat((1 << 20) + 1);
    assert_eq!(toml(&long), ["breakers.toml: is longer than 1 MiB, the maximum"]);
    assert_eq!(toml(&long[1..]), [""; 0]);
    // Nothing that a document contains can forge a line of a log.
    let forged = toml("[breakers.\"a\\nwarning: b\\u001b[2J\"]\njitter = \"x\\ny\"");
    assert_eq!(forged.len(), 1, "{forged:?}");
    assert!(
        forged[0].starts_with("breakers.toml:2: breakers.\"a\\nwarning: b\\u{1b}[2J\".jitter"),
        "{forged:?}"
    );
}

#[test]
fn deep_documents_are_refused_with_their_line_in_a_small_stack() {
    let parse = |text: String| {
        let thread = std::thread::Builder::new().stack_size(2 << 20);
        thread.spawn(move || toml(&text)).unwrap().join().unwrap()
    };
    let refused = "the document has more than 32 levels of tables and arrays";
    let dotted = ["a"; 79].join(".");
    let inline = |path: &str, levels| {
        format!("{}{path} = 1{}", format!("{path} = {{").repeat(levels), "}".repeat(levels))
    };
    assert_eq!(parse(format!("# 1\n{}", inline(&dotted, 60))), [format!("breakers.toml:2:66: {refused}")]);
    assert_eq!(parse(inline("a", 79)).len(), 1);
    assert_eq!(parse(format!("[{dotted}]")).len(), 1);
    // The deepest document that is parsed, whose root has an unknown name.
    let deepest = format!("[{}]\n{}", ["a"; 32].join("."), inline("a", 16));
    assert_eq!(
        parse(deepest),
        ["breakers.toml:1: a: unknown table or key; expected [breakers.<name>] or [drills.<name>]"]
    );
}

#[test]
fn numbers_beyond_the_range_of_integers_are_refused() {
    let too_large = "1".repeat(50);
    let found = toml(format!("breakers.a.failure_threshold = {too_large}\nbreakers.a.jitter = 1e999"));
    assert_eq!(
        found,
        [
            "breakers.toml:1: breakers.a.failure_threshold: expected a value, found an integer that is too large",
            "breakers.toml:2: breakers.a.jitter = inf: jitter must be between 0.0 and 1.0",
        ]
    );
    let found = json(format!(
        "{{\"breakers\": {{\"a\": {{\"failure_threshold\": {too_large}, \"jitter\": 1e999}}}}}}"
    ));
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(toml("breakers.a.failure_threshold = 0x10\nbreakers.a.minimum_calls = 1_0"), [""; 0]);
}

#[test]
fn settings_that_contradict_each_other_are_refused_with_their_line() {
    let registry = Registry::new();
    let search = registry.register("search", Config::default()).unwrap();
    let text = b"[breakers.search]\nfailure_threshold = 9\nmax_wait = \"1s\"\n";
    let error = ConfigReader::new(&registry).load_text("b.toml", ConfigFormat::Toml, text).unwrap_err();
    assert!(matches!(error, ConfigLoadError::Refused(_)));
    assert_eq!(
        error.to_string(),
        "b.toml:3: circuit breaker \"search\": max_wait needs max_concurrent; without it no call waits"
    );
    assert_eq!(search.config(), Config::default());
}

#[test]
fn documents_with_many_sections_are_read_in_time_that_grows_with_their_length() {
    let mut text = String::new();
    for number in 0..15_000 {
        writeln!(text, "[breakers.b{number}]\njitter = 0.5\nbackoff = 2").unwrap();
    }
    let document = ConfigDocument::parse("big", ConfigFormat::Toml, text.as_bytes()).unwrap();
    assert_eq!(document.sections().count(), 15_000);
}

#[test]
fn settings_of_a_key_that_gets_no_circuit_are_reported_or_refused() {
    let registry = Registry::new();
    registry.register("payment", Config::default()).unwrap();
    let mut reader = ConfigReader::new(&registry);
    let report = reader
        .load_text("b.toml", ConfigFormat::Toml, b"[breakers.payment.keys.eu]\njitter = 0.5\n")
        .unwrap();
    let unmatched: Vec<_> = report.unmatched().map(ToString::to_string).collect();
    let expected =
        r#"b.toml:1: circuit breaker "payment" has no keys, so the settings of "eu" have no effect"#;
    assert_eq!(unmatched, [expected]);

    let keys = |length: usize| format!("[breakers.hosts.keys.{}]\njitter = 0.5\n", "k".repeat(length));
    assert_eq!(toml(keys(255)), [""; 0]);
    let problem = "a key must be at most 255 bytes long to have a circuit";
    assert_eq!(toml(keys(256)), [format!("breakers.toml:1: breakers.hosts.keys: {problem}")]);
}

#[test]
fn every_key_of_a_breaker_without_keys_is_reported() {
    let registry = Registry::new();
    registry.register("payment", Config::default()).unwrap();
    let text: String = ["payment.keys.x", "payment.keys.y", "paymnt.keys.x", "paymnt.keys.y"]
        .map(|path| format!("[breakers.{path}]\njitter = 0.1\n"))
        .concat();
    let mut reader = ConfigReader::new(&registry);
    let report = reader.load_text("b.toml", ConfigFormat::Toml, text.as_bytes()).unwrap();
    let unmatched: Vec<_> = report.unmatched().map(ToString::to_string).collect();
    assert_eq!(
        unmatched,
        [
            r#"b.toml:1: circuit breaker "payment" has no keys, so the settings of "x" have no effect"#,
            r#"b.toml:3: circuit breaker "payment" has no keys, so the settings of "y" have no effect"#,
            r#"b.toml:5: no circuit breaker matches "paymnt"; did you mean "payment"?"#,
        ]
    );
}

#[test]
fn similar_names_are_searched_for_the_first_20_unknown_names() {
    let registry = Registry::new();
    registry.register("payment", Config::default()).unwrap();
    let mut text = String::new();
    for number in 10..40 {
        writeln!(text, "[breakers.payment{number}]\njitter = 0.1").unwrap();
    }
    let mut reader = ConfigReader::new(&registry);
    let report = reader.load_text("b.toml", ConfigFormat::Toml, text.as_bytes()).unwrap();
    assert_eq!(report.unmatched().count(), 30);
    assert!(report.unmatched().take(20).all(|section| section.nearest() == Some("payment")));
    assert!(report.unmatched().skip(20).all(|section| section.nearest().is_none()));
}

#[test]
fn a_key_of_json_that_is_not_a_text_is_what_the_error_is_about() {
    let found = "found a table with an invalid key";
    assert_eq!(
        json("{\"breakers\":\n{\"pay\\ud800\": {}}}"),
        [format!("breakers.toml:2: breakers: expected a table, as in [breakers.payment], {found}")]
    );
    assert_eq!(
        json("{\"breakers\": {\"hosts\": {\"keys\": {\"\\ud800\": {}}}}}"),
        [format!("breakers.toml:1: breakers.hosts.keys: expected a table for each key, {found}")]
    );
}

#[test]
fn the_error_of_a_refused_configuration_shows_20_mistakes_in_at_most_8_kib() {
    let registry = Registry::new();
    let mut reader = ConfigReader::new(&registry);
    let mut error_of = |text: &str| {
        let error = reader.load_text("b.toml", ConfigFormat::Toml, text.as_bytes()).unwrap_err();
        assert_eq!(*registry.config_status().unwrap().last_error.unwrap(), error.to_string());
        error
    };
    let unknown = |count| (0..count).map(|number| format!("x{number} = 1")).collect::<Vec<_>>().join("\n");
    let all = error_of(&unknown(20)).to_string();
    assert_eq!(all.lines().count(), 20);
    let error = error_of(&unknown(30_000));
    assert_eq!(error.to_string().lines().skip(20).collect::<Vec<_>>(), ["and 29980 more"]);
    let ConfigLoadError::Mistakes(mistakes) = error else { panic!("{error}") };
    assert_eq!(mistakes.len(), 30_000);

    let text = error_of(&format!("\"{}\" = 1\n{}", "é".repeat(100_000), unknown(3))).to_string();
    assert!((8000..=8192).contains(&text.len()), "{}", text.len());
    assert!(text.ends_with("é ..\nand 3 more"));
}

#[test]
fn the_error_of_settings_that_contradict_many_breakers_shows_20_of_them() {
    let registry = Registry::new();
    for number in 0..50 {
        registry.register(format!("b{number}"), Config::default()).unwrap();
    }
    let error = registry.configure("*", Config::builder().failure_rate(0.5)).unwrap_err();
    assert_eq!(error.errors().count(), 50);
    let text = error.to_string();
    assert_eq!((text.lines().count(), text.lines().last()), (21, Some("and 30 more")));
}
