//! Settings over HTTP: those that an operator replaces, the results of loading a configuration, and its changes.

use ::opentelemetry::metrics::MeterProvider as _;
use breaker_runtime::integrations::config::{ConfigFormat, ConfigReader};
use breaker_runtime::integrations::{metrics::Sampler, opentelemetry, prometheus};
use breaker_runtime::{BreakerError, Config, Registry, Setting, SettingSource, circuit_breaker, testing};
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, Metric, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use serde_json::{Value, json};

use super::server::{HttpResponse, Server, encoded};
use crate::facade_recorder::MemoryRecorder;
use crate::support::settings;

async fn configure(server: &Server, path: &str, body: impl Into<String>) -> HttpResponse {
    HttpResponse::of(server.command(&format!("/circuits/{path}")).body(body.into())).await
}

#[tokio::test]
async fn an_operator_replaces_settings_and_removes_them_again() {
    let server = Server::with_token();
    let payment = server.register("payment*", settings());
    let other = server.register("payment provider", settings());
    let path = format!("{}/configure", encoded("payment*"));
    let response = configure(&server, &path, r#"{"failure_threshold": 9, "recovery_timeout": "5s"}"#).await;
    assert_eq!(response.status, 200);
    let json = response.json();
    assert_eq!(
        (&json["settings"]["failure_threshold"], &json["settings"]["recovery_timeout"]),
        (&json!(9), &json!(5.0))
    );
    assert_eq!(json["sources"]["failure_threshold"], json!({"kind": "operator", "at": "operator alice"}));
    let change = &json["settings_changes"][0];
    assert_eq!(change["settings"]["failure_threshold"]["to"], 9);
    assert_eq!((&change["key"], change["ago"].as_f64()), (&Value::Null, Some(0.0)));
    let source = payment.snapshot().settings.source(Setting::FailureThreshold);
    assert_eq!(source, SettingSource::Operator { name: "alice".into() });
    assert_eq!(other.config(), settings().build().unwrap(), "a `*` in the name stands for itself");

    // A second command replaces the settings of the first one.
    let json = configure(&server, &path, r#"{"jitter": 0.5}"#).await.json();
    assert_eq!(
        json["settings"]["failure_threshold"],
        settings().build().unwrap().failure_threshold().unwrap()
    );
    configure(&server, &path, "{}").await;
    assert_eq!(payment.config(), settings().build().unwrap());
}

#[tokio::test]
async fn the_settings_of_an_operator_take_precedence_over_files_and_the_environment() {
    let server = Server::with_token();
    let payment = server.register("payment", settings());
    let mut reader = ConfigReader::new(&server.registry).variables([("BREAKER__PAYMENT__JITTER", "0.1")]);
    reader.load_text("b.toml", ConfigFormat::Toml, b"breakers.payment.jitter = 0.2").unwrap();
    configure(&server, "payment/configure", r#"{"jitter": 0.3}"#).await;
    assert_eq!(payment.config().value(Setting::Jitter), Some(0.3.into()));
    reader.load_text("b.toml", ConfigFormat::Toml, b"breakers.payment.jitter = 0.4").unwrap();
    assert_eq!(payment.config().value(Setting::Jitter), Some(0.3.into()));
    configure(&server, "payment/configure", "{}").await;
    assert_eq!(payment.config().value(Setting::Jitter), Some(0.1.into()));
}

#[tokio::test]
async fn an_operator_replaces_the_settings_of_one_key() {
    let server = Server::with_token();
    let hosts = server.registry.register_keyed("host", Config::default(), 10).unwrap();
    _ = hosts.get("eu-2");
    // The key need not be in use.
    let response = configure(&server, "host/configure?key=eu-1", r#"{"failure_threshold": 50}"#).await;
    assert_eq!((response.status, &response.json()["key"]), (200, &Value::Null));
    let thresholds = ["eu-1", "eu-2"].map(|key| hosts.get(key).config().failure_threshold());
    assert_eq!(thresholds, [Some(50), Some(5)]);
    let of_key = configure(&server, "host/configure?key=eu-1", r#"{"failure_threshold": 60}"#).await.json();
    assert_eq!((&of_key["key"], &of_key["settings"]["failure_threshold"]), (&json!("eu-1"), &json!(60)));
}

#[tokio::test]
async fn settings_that_are_not_accepted_change_nothing_and_say_what_is_accepted() {
    let server = Server::with_token();
    let payment = server.register("payment", settings());
    let by_hand = server.register("by hand", settings());
    by_hand.set_config(Config::default());
    for (path, body, status, text) in [
        ("payment", r#"{"failure_threshold": 0}"#, 400, "failure_threshold must be between 1 and 16777215"),
        ("payment", r#"{"failure_treshold": 1}"#, 400, "unknown setting `failure_treshold`; expected one of"),
        ("payment", r#"{"jitter": 0, "jitter": 1}"#, 400, "duplicate setting `jitter`"),
        ("payment", r#"{"jitter": "default", "jitter": 0.5}"#, 400, "duplicate setting `jitter`"),
        (
            "payment",
            "{\"hang\": \"1\u{202e}x\"}",
            400,
            r#"hang = "1\u{202e}x": the duration "1\u{202e}x" has"#,
        ),
        ("payment", "{\"\u{202e}\\nx\": 1}", 400, r"unknown setting `\u{202e}\nx`"),
        (
            "payment",
            r#"{"max_wait": "1s"}"#,
            400,
            "circuit breaker \"payment\": max_wait needs max_concurrent",
        ),
        ("payment", r#"{"mode": null}"#, 400, "invalid type: null"),
        ("payment", "", 400, "EOF while parsing"),
        ("payment", "{\"jitter\": 0}}", 400, "trailing characters at line 1 column 14"),
        ("payment", "[]", 400, "expected the settings of a circuit breaker"),
        ("payment", &" ".repeat(20_000), 413, "at most 16 KiB"),
        ("none", "{}", 404, "unknown circuit"),
        ("by%20hand", r#"{"jitter": 0.5}"#, 409, "`set_config`, which takes precedence"),
    ] {
        let error = configure(&server, &format!("{path}/configure"), body).await.error();
        assert_eq!(error.status, status, "{body} {error:?}");
        assert!(error.text.contains(text), "{body} {error:?}");
    }
    let with_key = configure(&server, "payment/configure?key=a", "{}").await.error();
    assert_eq!((with_key.status, with_key.text.contains("has no keys")), (400, true));
    server.registry.register_keyed("hosts", Config::default(), 10).unwrap();
    for (length, status) in [(255, 200), (256, 400)] {
        let path = format!("hosts/configure?key={}", "k".repeat(length));
        assert_eq!(configure(&server, &path, "{}").await.status, status, "{length}");
    }
    let unknown = configure(&server, "payment/configure?keys=a", "{}").await.error();
    assert!(unknown.text.contains("accepted parameters: key"), "{unknown:?}");
    assert_eq!(payment.config(), settings().build().unwrap());

    let without_token = server.request(reqwest::Method::POST, "/circuits/payment/configure").body("{}");
    assert_eq!(HttpResponse::of(without_token).await.error().status, 401);
}

#[tokio::test]
async fn settings_that_are_refused_because_of_set_config_leave_no_section() {
    let server = Server::with_token();
    let by_hand = Config::builder().failure_threshold(50).build().unwrap();
    let in_code = settings().build().unwrap();
    for accepted in [None, Some(0.25)] {
        let name = if accepted.is_some() { "configured before" } else { "payment" };
        let breaker = server.register(name, settings());
        let path = format!("{}/configure", encoded(name));
        if let Some(jitter) = accepted {
            let response = configure(&server, &path, format!("{{\"jitter\": {jitter}}}")).await;
            assert_eq!(response.status, 200);
        }
        let before = breaker.config();
        breaker.set_config(by_hand.clone());
        assert_eq!(configure(&server, &path, r#"{"jitter": 0.5}"#).await.error().status, 409);
        assert_eq!(breaker.config(), by_hand);
        // Once nothing takes precedence any more, a configuration applies all sections that are left.
        breaker.set_config(before.clone());
        server.registry.configure(name, Config::builder().failure_threshold(9)).unwrap();
        let config = breaker.config();
        let jitter = accepted.unwrap_or(in_code.jitter());
        assert_eq!((config.failure_threshold(), config.jitter()), (Some(9), jitter));
    }
}

#[tokio::test]
async fn a_command_that_repeats_settings_is_refused_if_set_config_has_replaced_them() {
    let server = Server::with_token();
    let payment = server.register("payment", settings());
    let nine = r#"{"failure_threshold": 9}"#;
    assert_eq!(configure(&server, "payment/configure", nine).await.status, 200);
    payment.set_config(settings().failure_threshold(2).build().unwrap());
    for body in [nine, r#"{"failure_threshold": 8}"#, "{}"] {
        assert_eq!(configure(&server, "payment/configure", body).await.error().status, 409, "{body}");
    }
    assert_eq!(payment.config().failure_threshold(), Some(2));
}

#[tokio::test]
async fn a_command_for_one_key_is_refused_if_set_config_has_replaced_the_settings_of_its_circuit() {
    let server = Server::with_token();
    let hosts = server.registry.register_keyed("hosts", Config::default(), 10).unwrap();
    let (by_hand, other) = (hosts.get("a"), hosts.get("b"));
    by_hand.set_config(Config::builder().failure_threshold(2).build().unwrap());
    let seven = r#"{"failure_threshold": 7}"#;
    assert_eq!(configure(&server, "hosts/configure?key=a", seven).await.error().status, 409);
    assert_eq!(configure(&server, "hosts/configure?key=b", seven).await.status, 200);
    // Commands for all keys leave such a circuit as it is.
    assert_eq!(configure(&server, "hosts/configure", r#"{"jitter": 0.5}"#).await.status, 200);
    let thresholds = [&by_hand, &other].map(|circuit| circuit.config().failure_threshold());
    assert_eq!(thresholds, [Some(2), Some(7)]);
    let refused = configure(&server, "hosts/configure?key=b", r#"{"max_open": 0.5}"#).await.error();
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("max_open limits the share of all keys"), "{refused:?}");
}

#[tokio::test]
async fn a_function_that_has_never_been_called_can_be_configured() {
    #[circuit_breaker(name = "configured over HTTP")]
    fn configured() -> Result<(), BreakerError> {
        Ok(())
    }

    testing::scope_async(|_| async {
        let server = Server::for_registry(&Registry::global());
        let path = format!("{}/configure", encoded("configured over HTTP"));
        let json = configure(&server, &path, r#"{"failure_threshold": 9}"#).await.json();
        assert_eq!((&json["state"], &json["settings"]["failure_threshold"]), (&json!("uncalled"), &json!(9)));
        configured().unwrap();
        let breaker = Registry::global().get("configured over HTTP").unwrap();
        assert_eq!(breaker.config().failure_threshold(), Some(9));
    })
    .await;
}

#[tokio::test]
async fn the_results_of_loading_a_configuration_are_in_json() {
    let server = Server::start();
    server.register("payment", settings());
    assert_eq!(server.get("/circuits").await.json().get("config"), None);
    let mut reader = ConfigReader::new(&server.registry);
    reader.load_text("b.toml", ConfigFormat::Toml, b"breakers.payment.jitter = 0.5").unwrap();
    server.clock.advance(crate::support::seconds(3));
    let expected = json!({"applied": 1, "refused": 0, "last_applied": 3.0, "last_error": null});
    assert_eq!(server.get("/circuits").await.json()["config"], expected);
    reader.load_text("b.toml", ConfigFormat::Toml, b"breakers.payment.jitter = 5").unwrap_err();
    let error = "b.toml:1: breakers.payment.jitter = 5: jitter must be between 0.0 and 1.0";
    let expected = json!({"applied": 1, "refused": 1, "last_applied": 3.0, "last_error": error});
    assert_eq!(server.get("/circuits").await.json()["config"], expected);
}

#[test]
fn loads_of_a_configuration_are_counted_by_outcome_in_all_exporters() {
    let registry = Registry::new();
    let name = "circuit_breaker_config_reloads";
    assert!(!prometheus::encode(&registry).contains(name));
    let mut reader = ConfigReader::new(&registry);
    for text in ["", "x = 1", "x = 2", "[breakers]"] {
        _ = reader.load_text("b.toml", ConfigFormat::Toml, text.as_bytes());
    }
    _ = reader.load_text("b.toml", ConfigFormat::Toml, b"x");
    let expected = [2.0, 3.0];

    let mut metrics = prometheus_client::registry::Registry::default();
    metrics.register_collector(Box::new(prometheus::BreakerCollector::new(&registry)));
    let mut collected = String::new();
    prometheus_client::encoding::text::encode(&mut collected, &metrics).unwrap();
    for text in [prometheus::encode(&registry), collected] {
        for (outcome, count) in ["applied", "refused"].into_iter().zip(expected) {
            let line = format!("{name}_total{{outcome=\"{outcome}\"}} {count}");
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    let recorder = MemoryRecorder::default();
    ::metrics::with_local_recorder(&recorder, || Sampler::new(&registry).sample());
    let points = recorder.read().points;
    let reloads = points.iter().filter(|(point, _)| point.name == format!("{name}_total"));
    assert_eq!(reloads.map(|(_, value)| *value).collect::<Vec<_>>(), expected);

    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
    opentelemetry::observe(&provider.meter("shop"), &registry);
    provider.force_flush().unwrap();
    let finished = exporter.get_finished_metrics().unwrap();
    let all = finished.iter().flat_map(ResourceMetrics::scope_metrics).flat_map(ScopeMetrics::metrics);
    let mut values: Vec<_> = all.filter(|metric| metric.name() == name).flat_map(values).collect();
    values.sort_by(f64::total_cmp);
    assert_eq!(values, expected);
}

fn values(metric: &Metric) -> Vec<f64> {
    let AggregatedMetrics::F64(MetricData::Sum(sum)) = metric.data() else {
        return Vec::new();
    };
    sum.data_points().map(opentelemetry_sdk::metrics::data::SumDataPoint::value).collect()
}
