//! Messages to operators about what nothing else reports: on stderr or, if the program uses `tracing`, as events.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use breaker_runtime::chaos::Drill;
use breaker_runtime::integrations::config::{ConfigFormat, ConfigReader};
use breaker_runtime::integrations::tracing;
use breaker_runtime::{BreakerError, Config, Fault, Registry, circuit_breaker};

use crate::metrics::LogBuffer;

/// What the process that causes messages does with them, in the environment of the child process.
const PROGRAM: &str = "BREAKER_TEST_PROGRAM";

/// Causes two messages; only the test below reads them.
#[test]
fn messages_are_caused() {
    let registry = Registry::new();
    let program = std::env::var(PROGRAM).unwrap_or_default();
    let _subscription = program.contains("listens").then(|| tracing::listen(&registry));
    // It writes to stdout.
    let subscriber = tracing_subscriber::fmt().with_ansi(false).finish();
    let _guard = program.contains("subscribes").then(|| ::tracing::subscriber::set_default(subscriber));
    let only_errors = tracing_subscriber::fmt().with_max_level(::tracing::Level::ERROR).finish();
    let _guard_of_errors =
        program.contains("wants errors").then(|| ::tracing::subscriber::set_default(only_errors));
    let panics = tracing_subscriber::fmt().with_writer(|| -> std::io::Sink { panic!("no writer") }).finish();
    let _guard_of_panics = program.contains("panics").then(|| ::tracing::subscriber::set_default(panics));
    let without_effect = Config::builder().max_open(0.5).build().unwrap();
    let breaker = registry.register("messages", Config::default()).unwrap();
    breaker.set_config(without_effect);
    drop(Drill::new(Fault::fail(1.0), Duration::from_secs(60)).start(&registry, "messages").unwrap());
}

/// The numbers of messages that a program writes to stderr, and that it emits as events.
#[derive(Debug, PartialEq, Eq)]
struct MessageCounts {
    on_stderr: usize,
    as_events: usize,
}

fn messages_of(program: &str) -> MessageCounts {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "operator_messages::messages_are_caused"])
        .env(PROGRAM, program)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let count = |stream: &[u8], prefix: &str| {
        let text = String::from_utf8_lossy(stream).into_owned();
        let is_message =
            |line: &&str| line.contains("max_open has no effect") || line.contains(": a drill by ");
        text.lines().filter(is_message).filter(|line| line.contains(prefix)).count()
    };
    MessageCounts {
        on_stderr: count(&output.stderr, "warning: "),
        as_events: count(&output.stdout, " WARN breaker: "),
    }
}

#[test]
fn messages_are_events_if_a_subscriber_receives_them() {
    let on_stderr = MessageCounts { on_stderr: 2, as_events: 0 };
    assert_eq!(messages_of("does nothing"), on_stderr);
    assert_eq!(messages_of("subscribes"), on_stderr);
    assert_eq!(messages_of("listens"), on_stderr);
    assert_eq!(messages_of("listens and wants errors"), on_stderr);
    assert_eq!(messages_of("listens and panics"), on_stderr);
    assert_eq!(messages_of("listens and subscribes"), MessageCounts { on_stderr: 0, as_events: 2 });
}

/// Its settings contradict those of a file.
#[circuit_breaker(name = "log shipper", window = 10, failure_rate = 0.5, registry = registry.clone())]
fn ship(registry: &Registry) -> Result<(), BreakerError> {
    _ = registry;
    Ok(())
}

#[test]
fn a_subscriber_can_call_the_function_that_a_message_is_about() {
    let registry = Registry::new();
    let _subscription = tracing::listen(&registry);
    let file = "[breakers.\"log shipper\"]\nwindow = \"default\"\n";
    ConfigReader::new(&registry).load_text("b.toml", ConfigFormat::Toml, file.as_bytes()).unwrap();
    let shipped = Arc::new(AtomicU32::new(0));
    let writer = {
        let (registry, shipped) = (registry.clone(), Arc::clone(&shipped));
        move || {
            ship(&registry).unwrap();
            shipped.fetch_add(1, Ordering::Relaxed);
            std::io::sink()
        }
    };
    let subscriber = tracing_subscriber::fmt().with_writer(writer).finish();
    ::tracing::subscriber::with_default(subscriber, || ship(&registry).unwrap());
    assert_eq!(shipped.load(Ordering::Relaxed), 1);
    assert_eq!(registry.get("log shipper").unwrap().snapshot().totals.successes, 2);
}

/// Returns the messages of a reader that runs with a file, in which each of these texts is written after the other.
#[expect(clippy::disallowed_methods, reason = "the time is paused and passes at once")]
async fn messages_of_file(registry: &Registry, name: &str, texts: &[&str]) -> Vec<String> {
    let _subscription = tracing::listen(registry);
    let log = LogBuffer::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
    let _guard = ::tracing::subscriber::set_default(subscriber.finish());
    let folder = std::env::temp_dir().join(format!("breaker-messages-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("breakers.toml");
    let running = tokio::spawn(ConfigReader::new(registry).file(&file).run(Duration::from_secs(1)));
    for text in texts {
        std::fs::write(&file, text).unwrap();
        tokio::time::sleep(Duration::from_millis(3500)).await;
    }
    running.abort();
    std::fs::remove_dir_all(&folder).unwrap();
    log.text().lines().filter(|line| line.contains("Z  ")).map(str::to_owned).collect()
}

#[tokio::test(start_paused = true)]
async fn a_configuration_that_is_valid_again_is_reported_once() {
    let texts = ["[breakers]\n", "[breaker]\n", "[breakers] # corrected\n", "[breakers]\n"];
    let messages = messages_of_file(&Registry::new(), "valid", &texts).await;
    let [refused, valid] = messages.as_slice() else { panic!("{messages:?}") };
    assert!(refused.contains(" WARN ") && refused.contains("the configuration was refused"), "{refused}");
    assert!(valid.contains(" INFO ") && valid.contains("the configuration is valid again"), "{valid}");
}

#[tokio::test(start_paused = true)]
async fn a_reader_reports_a_breaker_that_keeps_the_settings_of_set_config() {
    let registry = Registry::new();
    let [search, _payment] =
        ["search", "payment"].map(|name| registry.register(name, Config::default()).unwrap());
    search.set_config(Config::builder().failure_threshold(77).build().unwrap());
    let texts = ["[breakers.'*']\nfailure_threshold = 9\n"];
    let messages = messages_of_file(&registry, "overridden", &texts).await;
    let overridden = |line: &&String| line.contains("take precedence over the configuration");
    let [message] = messages.iter().filter(overridden).collect::<Vec<_>>()[..] else {
        panic!("{messages:?}")
    };
    let expected =
        r#"circuit breaker "search": settings of set_config take precedence over the configuration"#;
    assert!(message.contains(" WARN ") && message.ends_with(expected), "{message}");
}
