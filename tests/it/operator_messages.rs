//! Messages to operators about what nothing else reports: on stderr or, if the program uses `tracing`, as events.

use std::process::Command;
use std::time::Duration;

use breaker_runtime::chaos::Drill;
use breaker_runtime::integrations::config::ConfigReader;
use breaker_runtime::integrations::tracing;
use breaker_runtime::{Config, Fault, Registry};

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
fn messages_are_events_while_the_program_has_a_subscriber() {
    let on_stderr = MessageCounts { on_stderr: 2, as_events: 0 };
    assert_eq!(messages_of("does nothing"), on_stderr);
    assert_eq!(messages_of("subscribes"), on_stderr);
    assert_eq!(messages_of("listens"), on_stderr);
    assert_eq!(messages_of("listens and subscribes"), MessageCounts { on_stderr: 0, as_events: 2 });
}

#[expect(clippy::disallowed_methods, reason = "the time is paused and passes at once")]
#[tokio::test(start_paused = true)]
async fn a_configuration_that_is_valid_again_is_reported_once() {
    let registry = Registry::new();
    let _subscription = tracing::listen(&registry);
    let log = LogBuffer::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
    let _guard = ::tracing::subscriber::set_default(subscriber.finish());
    let folder = std::env::temp_dir().join(format!("breaker-messages-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("breakers.toml");
    let running = tokio::spawn(ConfigReader::new(&registry).file(&file).run(Duration::from_secs(1)));
    for text in ["[breakers]\n", "[breaker]\n", "[breakers] # corrected\n", "[breakers]\n"] {
        std::fs::write(&file, text).unwrap();
        tokio::time::sleep(Duration::from_millis(3500)).await;
    }
    running.abort();
    std::fs::remove_dir_all(&folder).unwrap();
    let text = log.text();
    let lines: Vec<_> = text.lines().filter(|line| line.contains("Z  ")).collect();
    let [refused, valid] = lines.as_slice() else { panic!("{text}") };
    assert!(refused.contains(" WARN ") && refused.contains("the configuration was refused"), "{text}");
    assert!(valid.contains(" INFO ") && valid.contains("the configuration is valid again"), "{text}");
}
