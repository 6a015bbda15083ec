//! Breakers that are registered after settings that contradict them, and changes of the settings of others.

use breaker_runtime::integrations::config::{ConfigFormat, ConfigLoadReport, ConfigReader};
use breaker_runtime::{
    CircuitBreaker, Config, ConfigBuilder, ConfigLayer, ConfigSection, Registry, SectionError, Setting,
    SettingSource,
};

/// A service that has loaded a rate for all breakers, and then registers one whose settings have no window.
struct Service {
    registry: Registry,
    payment: CircuitBreaker,
    late: CircuitBreaker,
    reader: ConfigReader,
}

const RATE: &str = "[breakers.\"*\"]\nfailure_rate = 0.5\n";

impl Service {
    fn start(text: &str) -> Self {
        let registry = Registry::new();
        let payment = registry.register("payment", windowed()).unwrap();
        let mut reader = ConfigReader::new(&registry);
        load(&mut reader, text).unwrap();
        let late = registry.register("late", Config::default()).unwrap();
        Self { registry, payment, late, reader }
    }

    fn load(&mut self, text: &str) -> Result<ConfigLoadReport, String> {
        load(&mut self.reader, text)
    }
}

fn windowed() -> Config {
    Config::builder().window_calls(50).failure_threshold(5).build().unwrap()
}

fn load(reader: &mut ConfigReader, text: &str) -> Result<ConfigLoadReport, String> {
    let loaded = reader.load_text("b.toml", ConfigFormat::Toml, text.as_bytes());
    loaded.map_err(|error| error.to_string())
}

fn of_operator(name: &str, settings: ConfigBuilder) -> ConfigSection {
    ConfigSection::new(name, settings).from_source(SettingSource::Operator { name: "alice".into() })
}

fn names<'a>(errors: impl Iterator<Item = &'a SectionError>) -> Vec<&'a str> {
    errors.map(SectionError::name).collect()
}

#[test]
fn a_breaker_that_contradicts_a_section_does_not_block_changes_of_others() {
    let service = Service::start(RATE);
    let Service { registry, payment, late, .. } = &service;
    assert_eq!(late.config(), Config::default());

    let report = registry.configure("payment", Config::builder().failure_threshold(9)).unwrap();
    assert_eq!(payment.config().failure_threshold(), Some(9));
    assert_eq!(names(report.contradictions()), ["late"]);
    let section = of_operator("payment", Config::builder().failure_threshold(11));
    registry.apply_section(ConfigLayer::Operator, section).unwrap();
    assert_eq!(payment.config().failure_threshold(), Some(11));
    let candidate = registry.shadow("payment", "strict", Config::builder().failure_threshold(2)).unwrap();
    candidate.promote("alice").unwrap();
    assert_eq!(payment.config().failure_threshold(), Some(2));
}

#[test]
fn a_changed_file_applies_while_a_late_breaker_contradicts_it_and_is_reported() {
    let mut service = Service::start(RATE);
    let report = service.load("[breakers.\"*\"]\nfailure_rate = 0.25\n").unwrap();
    assert_eq!(
        (service.payment.config().failure_rate(), service.late.config().failure_rate()),
        (Some(0.25), None)
    );
    let errors: Vec<_> = report.contradictions().map(ToString::to_string).collect();
    assert_eq!(errors.len(), 1);
    assert!(
        errors[0].starts_with("b.toml:2: circuit breaker \"late\": failure_rate and slow_call need a window")
    );
}

#[test]
fn the_other_sections_apply_to_a_late_breaker() {
    let text = "[breakers.'*']\njitter = 0.5\n[breakers.'l*']\nmax_concurrent = 9\n\
                [breakers.late]\nfailure_rate = 0.5\n";
    let mut service = Service::start(text);
    let config = service.late.config();
    assert_eq!((config.jitter(), config.max_concurrent(), config.failure_rate()), (0.5, Some(9), None));
    service.load(&text.replace("jitter = 0.5", "jitter = 0.25")).unwrap();
    assert_eq!(service.late.config().value(Setting::Jitter), Some(0.25.into()));
}

#[test]
fn the_circuits_of_single_keys_have_the_sections_that_fit_them() {
    let registry = Registry::new();
    let text = "[breakers.hosts]\nfailure_rate = 0.5\n[breakers.hosts.keys.eu]\nwindow = 100\n\
                [breakers.hosts.keys.us]\nmax_wait = '1s'\n";
    load(&mut ConfigReader::new(&registry), text).unwrap();
    let hosts = registry.register_keyed("hosts", Config::default(), 10).unwrap();
    assert_eq!(hosts.get("eu").config().failure_rate(), Some(0.5));
    assert_eq!(
        (hosts.get("us").config(), hosts.get("other").config()),
        (Config::default(), Config::default())
    );
    let report = registry.configure("hosts", Config::builder().jitter(0.5)).unwrap();
    assert_eq!(report.contradictions().count(), 2);
    assert_eq!(hosts.get("us").config().value(Setting::Jitter), Some(0.5.into()));
}

#[test]
fn of_two_sections_that_contradict_each_other_the_one_that_takes_precedence_applies_to_a_late_breaker() {
    let registry = Registry::new();
    let minimum = ConfigSection::new("late", Config::builder().minimum_calls(50).failure_rate(0.5));
    registry.apply_section(ConfigLayer::File, minimum).unwrap();
    let window = of_operator("late", Config::builder().window_calls(10));
    registry.apply_section(ConfigLayer::Operator, window).unwrap();
    let late = registry.register("late", Config::default()).unwrap();
    assert_eq!((late.config().window_calls(), late.config().failure_rate()), (Some(10), None));
}

#[test]
fn a_corrected_file_applies_to_the_late_breaker_as_well() {
    let mut service = Service::start(RATE);
    let report = service.load("[breakers.'*']\nfailure_rate = 0.5\n[breakers.late]\nwindow = 100\n").unwrap();
    assert_eq!((report.contradictions().count(), report.changes().count()), (0, 1));
    assert_eq!(service.late.config().failure_rate(), Some(0.5));
    // It fits now, so a file that contradicts it again is refused.
    let error = service.load(RATE).unwrap_err();
    assert!(error.starts_with("b.toml:2: circuit breaker \"late\": "), "{error}");
    assert_eq!(service.late.config().failure_rate(), Some(0.5));
}

#[test]
fn an_operator_changes_a_late_breaker_with_settings_that_fit_it() {
    let service = Service::start(RATE);
    let operator = |settings| {
        let section = of_operator("late", settings);
        service.registry.apply_section(ConfigLayer::Operator, section).map_err(|error| error.to_string())
    };
    let report = operator(Config::builder().failure_threshold(9)).unwrap();
    assert_eq!((names(report.contradictions()), report.changes().count()), (vec!["late"], 1));
    assert_eq!(service.late.config().failure_threshold(), Some(9));
    let wait = Config::builder().max_wait(std::time::Duration::from_secs(1));
    let error = operator(wait).unwrap_err();
    assert!(
        error.ends_with("circuit breaker \"late\": max_wait needs max_concurrent; without it no call waits")
    );
    assert_eq!(service.late.config().failure_threshold(), Some(9));
    operator(Config::builder().window_calls(20)).unwrap();
    assert_eq!(
        (service.late.config().failure_rate(), service.late.config().window_calls()),
        (Some(0.5), Some(20))
    );
}

#[test]
fn a_file_that_contradicts_a_breaker_that_fitted_is_refused_while_another_one_does_not_fit() {
    let mut service = Service::start(RATE);
    let text = format!("{RATE}[breakers.payment]\nmax_wait = '1s'\njitter = 0.5\n");
    let error = service.load(&text).unwrap_err();
    assert_eq!(
        error,
        "b.toml:4: circuit breaker \"payment\": max_wait needs max_concurrent; without it no call waits"
    );
    assert_eq!(service.payment.config().value(Setting::Jitter), Some(0.0.into()));
    assert_eq!(service.payment.config().failure_rate(), Some(0.5));
}
