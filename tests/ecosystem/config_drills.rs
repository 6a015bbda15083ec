//! Drills of configuration files: when they start and end, and what is said about each mistake.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use breaker_runtime::chaos::{self, Drill};
use breaker_runtime::integrations::config::{ConfigDocument, ConfigFormat, ConfigLoadReport, ConfigReader};
use breaker_runtime::testing::{self, Clock};
use breaker_runtime::{
    BreakerError, CircuitBreaker, Config, ConfigLayer, ErrorKind, Event, Fault, KeyedBreaker, Outcome,
    Registry, SettingSource, Subscription, circuit_breaker,
};

use crate::services::seconds;

/// A registry whose configuration is loaded from texts, and the events of its drills.
struct Service {
    clock: Clock,
    registry: Registry,
    payment: CircuitBreaker,
    hosts: KeyedBreaker,
    reader: ConfigReader,
    events: Arc<Mutex<Vec<String>>>,
    _listener: Subscription,
}

impl Service {
    fn new() -> Self {
        let clock = Clock::new();
        let registry = Registry::with_clock(&clock);
        let payment = registry.register("payment", Config::default()).unwrap();
        let hosts = registry.register_keyed("hosts", Config::default(), 2).unwrap();
        let events = Arc::new(Mutex::new(Vec::new()));
        let listener = registry.listen({
            let events = Arc::clone(&events);
            move |event: &Event| events.lock().unwrap().push(event.to_string())
        });
        let reader = ConfigReader::new(&registry);
        Self { clock, registry, payment, hosts, reader, events, _listener: listener }
    }

    fn load(&mut self, text: &str) -> ConfigLoadReport {
        self.reader.load_text("b.toml", ConfigFormat::Toml, text.as_bytes()).unwrap()
    }

    /// Loads a text and returns the drills that could not start.
    fn unstarted(&mut self, text: &str) -> Vec<String> {
        self.load(text).unstarted_drills().map(ToString::to_string).collect()
    }

    fn fault(&self) -> Option<Fault> {
        self.payment.snapshot().drill.map(|drill| drill.fault)
    }

    fn key_fails(&self, key: &str) -> Option<f64> {
        self.hosts.get(key).snapshot().drill.map(|drill| drill.fault.fail)
    }

    fn take_events(&self) -> Vec<String> {
        std::mem::take(&mut *self.events.lock().unwrap())
    }
}

const MINUTE: &str = "[drills.payment]\nfail = 1\nfor = \"1m\"\n";

#[test]
fn a_drill_of_a_file_fails_and_delays_calls_and_ends_by_itself() {
    let mut service = Service::new();
    let text =
        "\n[drills.payment]\nfail = 1\ndelay = \"2s\"\ndelay_share = 0.25\nfor = \"1m30s\"\nseed = 7\n";
    assert_eq!(service.unstarted(text), [""; 0]);
    let drill = service.payment.snapshot().drill.unwrap();
    assert_eq!(drill.fault, Fault::fail(1.0).delay(seconds(2)).delay_share(0.25));
    assert_eq!((drill.remaining, &*drill.initiator), (seconds(90), "b.toml:2"));
    assert_eq!(service.payment.try_acquire().unwrap_err().kind(), ErrorKind::Injected);
    service.clock.advance(seconds(90));
    service.payment.try_acquire().unwrap().settle(Outcome::Success);
    assert_eq!(
        service.take_events(),
        [
            "circuit breaker \"payment\": a drill by b.toml:2 fails 100% of the calls, delays 25% by 2s, for 1m30s",
            "circuit breaker \"payment\": the drill has ended: its time is over",
        ]
    );
}

#[test]
fn a_drill_in_json_has_the_same_names_and_checks() {
    let mut service = Service::new();
    let json = r#"{"drills": {"payment": {"fail": "0.5", "for": "1m", "seed": 18446744073709551615},
        "hosts": {"keys": {"eu-1": {"delay": "1s", "for": "1m"}}}}}"#;
    let report = service.reader.load_text("b.json", ConfigFormat::Json, json.as_bytes()).unwrap();
    assert_eq!(report.unstarted_drills().count(), 0);
    assert_eq!(service.fault(), Some(Fault::fail(0.5)));
    assert_eq!(service.hosts.get("eu-1").snapshot().drill.unwrap().fault, Fault::slow(seconds(1)));
    assert_eq!(service.key_fails("eu-2"), None);
    let wrong = r#"{"drills": {"payment": {
        "fail": 2}}}"#;
    let error = service.reader.load_text("b.json", ConfigFormat::Json, wrong.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "b.json:2: drills.payment.fail = 2: fail must be between 0 and 1");
    assert_eq!(service.fault(), Some(Fault::fail(0.5)), "a refused configuration ends no drill");
}

#[test]
fn an_unchanged_section_does_not_start_its_drill_again() {
    let mut service = Service::new();
    service.load(MINUTE);
    service.clock.advance(seconds(20));
    // Other sections, other lines and another order of the values change nothing of the drill.
    service
        .load("\n# moved\n[drills.payment]\nfor = \"60s\"\nfail = 1.0\n[breakers.payment]\njitter = 0.5\n");
    assert_eq!(service.payment.snapshot().drill.unwrap().remaining, seconds(40));
    service.clock.advance(seconds(40));
    service.load(MINUTE);
    assert_eq!(service.fault(), None, "it has ended by itself");

    // The one of an operator is left alone, and one that was stopped stays so.
    drop(Drill::new(Fault::fail(0.25), seconds(60)).start(&service.registry, "payment").unwrap());
    service.load(&format!("{MINUTE}# again"));
    assert_eq!(service.fault(), Some(Fault::fail(0.25)));
    assert!(chaos::stop(&service.registry, "payment", None).unwrap());
    service.load(MINUTE);
    assert_eq!(service.fault(), None);
    let starts = service.take_events().iter().filter(|event| event.contains("a drill by b.toml")).count();
    assert_eq!(starts, 1);
}

#[test]
fn a_changed_section_starts_its_drill_again_and_a_removed_one_ends_it() {
    let mut service = Service::new();
    service.load(MINUTE);
    service.clock.advance(seconds(50));
    service.load("[drills.payment]\nfail = 0.5\nfor = \"1m\"\n");
    assert_eq!(service.payment.snapshot().drill.unwrap().remaining, seconds(60));
    assert_eq!(service.fault(), Some(Fault::fail(0.5)));
    service.load("[drills]\n");
    assert_eq!(service.fault(), None);
    assert_eq!(
        service.take_events().iter().map(|event| event.rsplit(": ").next().unwrap()).collect::<Vec<_>>(),
        [
            "a drill by b.toml:1 fails 100% of the calls, for 1m",
            "another drill replaced it",
            "a drill by b.toml:1 fails 50% of the calls, for 1m",
            "it was stopped",
        ]
    );
    // A section that returns is new.
    service.load(MINUTE);
    assert_eq!(service.fault(), Some(Fault::fail(1.0)));
    // Without the section, only the drill that it has started ends.
    drop(Drill::new(Fault::fail(0.25), seconds(60)).start(&service.registry, "payment").unwrap());
    service.load("");
    assert_eq!(service.fault(), Some(Fault::fail(0.25)));
}

#[test]
fn drills_of_single_keys_start_after_that_of_all_keys() {
    let mut service = Service::new();
    let text =
        "[drills.hosts.keys.\"eu-1\"]\nfail = 1\nfor = \"1m\"\n[drills.hosts]\nfail = 0.5\nfor = \"1m\"\n";
    assert_eq!(service.unstarted(text), [""; 0]);
    assert_eq!(["eu-1", "eu-2"].map(|key| service.key_fails(key)), [Some(1.0), Some(0.5)]);
    service.load("[drills.hosts]\nfail = 0.5\nfor = \"1m\"\n");
    assert_eq!(["eu-1", "eu-2"].map(|key| service.key_fails(key)), [None, Some(0.5)]);
}

#[tokio::test]
async fn the_circuit_of_a_key_can_be_evicted_after_its_drill() {
    let mut service = Service::new();
    service.load("[drills.hosts.keys.a]\nfail = 1\nfor = \"1m\"\n");
    let use_others = |service: &Service| {
        for key in ["b", "c", "d"] {
            service.clock.advance(seconds(5));
            _ = service.hosts.get(key);
        }
        service.hosts.iter().any(|circuit| circuit.key() == Some("a"))
    };
    assert!(use_others(&service));
    service.clock.advance(seconds(60));
    assert!(service.reader.poll().await.is_none(), "it notices the end although nothing has changed");
    assert!(!use_others(&service));
}

#[test]
fn every_mistake_in_a_drill_is_reported_with_its_line_and_changes_nothing() {
    let mut service = Service::new();
    service.load(MINUTE);
    let text = r#"[breakers.payment]
jitter = 0.5
[drills.payment]
fail = 1.5
delay = 2
delay_share = "half"
for = "25h"
seed = -1
fial = true
[drills.hosts.keys.eu]
fail = [1]
for.minutes = 1
[drills.stock]
fail = 0.5
[drills.search]
for = "1m"
[drills.empty]
[drills."*"]
delay = "61m"
[drills.hosts.keys]
us = 1
[drills]
other = 5
"" = {}
[drills.zero]
fail = 1
for = "0s"
"#;
    let error = service.reader.load_text("b.toml", ConfigFormat::Toml, text.as_bytes()).unwrap_err();
    let error = error.to_string();
    assert_eq!(
        error.lines().collect::<Vec<_>>(),
        [
            "b.toml:4: drills.payment.fail = 1.5: fail must be between 0 and 1",
            "b.toml:5: drills.payment.delay = 2: delay must be a duration like \"2s\", at most 1h",
            "b.toml:6: drills.payment.delay_share = \"half\": delay_share must be between 0 and 1",
            "b.toml:7: drills.payment.for = \"25h\": a drill must end: for must be between 1ms and 24h",
            "b.toml:8: drills.payment.seed = -1: seed must be a whole number of at least 0",
            "b.toml:9: drills.payment.fial = true: unknown value; use fail, delay, delay_share, for or seed",
            "b.toml:11: drills.hosts.keys.eu.fail: expected a value, found an array",
            "b.toml:12: drills.hosts.keys.eu.for: expected a value, found a table",
            "b.toml:13: drills.stock: a drill must end: for must be between 1ms and 24h",
            "b.toml:15: drills.search: the drill has no effect: set fail or delay",
            "b.toml:17: drills.empty: the drill has no effect: set fail or delay",
            "b.toml:19: drills.\"*\".delay = \"61m\": delay must be at most 1h",
            "b.toml:21: drills.hosts.keys.us: expected a table with the values of a key",
            "b.toml:23: drills.other: expected a table with values, as in [drills.payment]",
            "b.toml:24: drills.\"\": the name of a circuit breaker must not be empty",
            "b.toml:27: drills.zero.for = \"0s\": a drill must end: for must be between 1ms and 24h",
        ]
    );
    assert_eq!((service.fault(), service.payment.config()), (Some(Fault::fail(1.0)), Config::default()));
}

#[test]
fn a_drill_on_an_unknown_circuit_is_reported_and_tried_again_at_the_next_load() {
    let mut service = Service::new();
    let text = "[drills.paymant]\nfail = 1\nfor = \"1m\"\n\
                [drills.payment.keys.a]\nfail = 1\nfor = \"1m\"\n\
                [drills.\"pay*\"]\nfail = 1\nfor = \"1m\"\n\
                [breakers.payment]\njitter = 0.5\n";
    let report = service.load(text);
    assert_eq!(report.changes().count(), 1, "the rest applies");
    let unstarted: Vec<_> = report.unstarted_drills().collect();
    assert_eq!(
        unstarted.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "b.toml:7: the drill of \"pay*\" could not start: no circuit breaker is named \"pay*\"; \
             names that exist: \"payment\", \"hosts\"",
            "b.toml:1: the drill of \"paymant\" could not start: no circuit breaker is named \"paymant\"; \
             similar names: \"payment\"",
            "b.toml:4: the drill of \"payment\" for \"a\" could not start: circuit breaker \"payment\" has no keys; \
             start the drill without a key",
        ]
    );
    assert_eq!((unstarted[1].name(), unstarted[1].key()), ("paymant", None));
    assert_eq!(*unstarted[1].source(), SettingSource::File { path: "b.toml".into(), line: 1 });
    assert_eq!(unstarted[2].key(), Some("a"));

    let later = service.registry.register("paymant", Config::default()).unwrap();
    assert_eq!(later.snapshot().drill, None);
    assert_eq!(service.unstarted(text).len(), 2);
    assert_eq!(later.snapshot().drill.unwrap().remaining, seconds(60));
    // A drill that cannot start does not keep the one of a removed section.
    service.load(MINUTE);
    assert_eq!(service.unstarted("[drills.payment.keys.a]\nfail = 1\nfor = \"1m\"\n").len(), 1);
    assert_eq!(service.fault(), None);
}

#[test]
fn a_configuration_that_contradicts_the_settings_starts_no_drill() {
    let mut service = Service::new();
    let text = format!("{MINUTE}[breakers.payment]\nmax_wait = \"1s\"\n");
    service.reader.load_text("b.toml", ConfigFormat::Toml, text.as_bytes()).unwrap_err();
    assert_eq!((service.fault(), service.take_events()), (None, Vec::new()));
}

#[test]
fn a_drill_of_a_function_starts_before_its_first_call() {
    #[circuit_breaker(name = "drilled by a file")]
    fn drilled() -> Result<(), BreakerError> {
        Ok(())
    }

    testing::scope(|_| {
        let mut reader = ConfigReader::new(&Registry::global());
        let text = b"[drills.'drilled by a file']\nfail = 1\nfor = '1m'\n";
        let report = reader.load_text("b.toml", ConfigFormat::Toml, text).unwrap();
        assert_eq!(report.unstarted_drills().count(), 0);
        assert_eq!(drilled().unwrap_err().kind(), ErrorKind::Injected);
    });
}

#[test]
fn variables_of_the_environment_start_no_drill() {
    let service = Service::new();
    let variables = [("BREAKER__DRILLS__PAYMENT__FAIL", "1")];
    let error = ConfigReader::new(&service.registry).variables(variables).load().unwrap_err();
    assert!(error.to_string().starts_with("BREAKER__DRILLS__PAYMENT__FAIL: \"fail\": unknown setting"));
}

#[test]
fn a_document_starts_its_drills_when_the_program_wants_it() {
    let service = Service::new();
    let text = format!("{MINUTE}[drills.hosts]\nfail = 1\nfor = \"1m\"\n[breakers.payment]\njitter = 0.5\n");
    let document = ConfigDocument::parse("b.toml", ConfigFormat::Toml, text.as_bytes()).unwrap();
    assert_eq!((document.sections().count(), service.fault()), (1, None));
    assert!(document.start_drills(&service.registry).is_empty());
    service.clock.advance(Duration::from_secs(1));
    assert!(document.start_drills(&service.registry).is_empty(), "each call starts them again");
    assert_eq!(service.payment.snapshot().drill.unwrap().remaining, seconds(60));
    service.registry.apply_layer(ConfigLayer::File, document.into_sections()).unwrap();
    assert_eq!((service.payment.config().jitter(), service.key_fails("a")), (0.5, Some(1.0)));
}

#[test]
fn a_new_drill_of_all_keys_leaves_those_of_single_keys_whose_section_is_unchanged() {
    let mut service = Service::new();
    let eu = "[drills.hosts.keys.eu]\nfail = 1\nfor = \"10m\"\n";
    let all = |fail: f64| format!("[drills.hosts]\nfail = {fail}\nfor = \"1h\"\n{eu}");
    service.load(&all(0.1));
    service.clock.advance(seconds(60));
    service.load(&all(0.2));
    assert_eq!((service.key_fails("eu"), service.key_fails("us")), (Some(1.0), Some(0.2)));
    assert_eq!(service.hosts.get("eu").snapshot().drill.unwrap().remaining, seconds(9 * 60));
    // The drill of all keys is removed, and starts anew.
    service.load(eu);
    service.load(&all(0.2));
    assert_eq!((service.key_fails("eu"), service.key_fails("us")), (Some(1.0), Some(0.2)));

    // One that was stopped stays so.
    assert!(chaos::stop(&service.registry, "hosts", Some("eu")).unwrap());
    service.load(&all(0.3));
    assert_eq!((service.key_fails("eu"), service.key_fails("us")), (Some(0.3), Some(0.3)));
}
