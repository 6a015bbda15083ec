//! Files with settings that change while a service runs: edited, renamed, swapped, half-written, deleted and restored.

use std::fs;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use breaker_runtime::integrations::config::{ConfigFormat, ConfigLoadError, ConfigLoadReport, ConfigReader};
use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, ConfigLayer, ConfigSection, Event, Registry};
use futures_util::poll;

type Loaded = Result<ConfigLoadReport, ConfigLoadError>;

/// A folder that is removed at the end of a test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("breaker-config-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

/// A registry with one breaker, and a reader of one file.
struct Service {
    registry: Registry,
    payment: CircuitBreaker,
    reader: ConfigReader,
    path: PathBuf,
}

impl Service {
    fn start(path: PathBuf) -> Self {
        let registry = Registry::new();
        let payment = registry.register("payment", Config::default()).unwrap();
        let mut reader = ConfigReader::new(&registry).file(&path);
        reader.load().unwrap();
        Self { registry, payment, reader, path }
    }

    fn threshold(&self) -> u32 {
        self.payment.config().failure_threshold().unwrap()
    }

    /// Polls until the contents of the file have been unchanged for one poll.
    async fn settle(&mut self) -> Option<Loaded> {
        match self.reader.poll().await {
            None => self.reader.poll().await,
            result => result,
        }
    }
}

fn text(threshold: u32) -> String {
    format!("[breakers.payment]\nfailure_threshold = {threshold}\n")
}

fn write(path: &Path, threshold: u32) {
    fs::write(path, text(threshold)).unwrap();
}

/// Writes a new file and renames it, as most editors and tools do.
fn replace(path: &Path, threshold: u32) {
    let new = path.with_extension("new");
    write(&new, threshold);
    fs::rename(new, path).unwrap();
}

#[tokio::test]
async fn a_changed_file_applies_at_the_second_poll_that_finds_it_unchanged() {
    let folder = Folder::new();
    let path = folder.path("breakers.toml");
    write(&path, 7);
    let mut service = Service::start(path);
    assert_eq!(service.threshold(), 7);
    assert!(service.reader.poll().await.is_none());
    write(&service.path, 9);
    assert!(service.reader.poll().await.is_none());
    assert_eq!(service.threshold(), 7);
    let report = service.reader.poll().await.unwrap().unwrap();
    assert_eq!(report.changes().count(), 1);
    assert_eq!(service.threshold(), 9);
    assert!(service.settle().await.is_none(), "nothing has changed since");
}

#[tokio::test]
async fn a_file_that_another_one_replaces_is_read_again() {
    let folder = Folder::new();
    let path = folder.path("breakers.toml");
    write(&path, 7);
    let mut service = Service::start(path);
    for threshold in [8, 9, 10] {
        replace(&service.path, threshold);
        service.settle().await.unwrap().unwrap();
        assert_eq!(service.threshold(), threshold);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_of_a_config_map_is_read_again_when_kubernetes_swaps_its_folder() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new();
    let version = |name: &str, threshold| {
        fs::create_dir(folder.path(name)).unwrap();
        write(&folder.path(name).join("breakers.toml"), threshold);
    };
    // breakers.toml -> ..data/breakers.toml, ..data -> ..version_1
    version("..version_1", 7);
    symlink("..version_1", folder.path("..data")).unwrap();
    symlink("..data/breakers.toml", folder.path("breakers.toml")).unwrap();
    let mut service = Service::start(folder.path("breakers.toml"));
    version("..version_2", 9);
    symlink("..version_2", folder.path("..data_tmp")).unwrap();
    fs::rename(folder.path("..data_tmp"), folder.path("..data")).unwrap();
    fs::remove_dir_all(folder.path("..version_1")).unwrap();
    service.settle().await.unwrap().unwrap();
    assert_eq!(service.threshold(), 9);
}

#[tokio::test]
async fn a_file_is_not_used_while_it_is_being_written() {
    let folder = Folder::new();
    let path = folder.path("breakers.toml");
    write(&path, 7);
    let mut service = Service::start(path);
    let new = text(12);
    // Every part is a poll apart: an empty file and `failure_threshold = 1` are valid documents too.
    for end in [0, 10, new.len() - 2, new.len()] {
        fs::write(&service.path, &new[..end]).unwrap();
        assert!(service.reader.poll().await.is_none(), "{:?}", &new[..end]);
        assert_eq!(service.threshold(), 7);
    }
    service.reader.poll().await.unwrap().unwrap();
    assert_eq!(service.threshold(), 12);
}

#[tokio::test]
async fn a_bad_file_changes_nothing_is_reported_once_and_the_next_good_one_applies() {
    let folder = Folder::new();
    let path = folder.path("breakers.toml");
    write(&path, 7);
    let mut service = Service::start(path.clone());
    fs::write(&path, "[breakers.payment]\nfailure_threshold = 0\njitter = 0.5\n").unwrap();
    let error = service.settle().await.unwrap().unwrap_err().to_string();
    assert!(error.ends_with(
        "breakers.toml:2: breakers.payment.failure_threshold = 0: failure_threshold must be between 1 and 16777215"
    ));
    assert!(service.settle().await.is_none(), "reported once");
    assert_eq!((service.threshold(), service.payment.config().jitter()), (7, 0.0));
    let status = service.registry.config_status().unwrap();
    assert_eq!((status.applied, status.refused, status.last_error.as_deref()), (1, 1, Some(&*error)));

    fs::write(&path, "[breakers.payment]\nfailure_threshold = -1\n").unwrap();
    assert!(service.settle().await.unwrap().is_err(), "another mistake is reported");
    write(&path, 9);
    service.settle().await.unwrap().unwrap();
    assert_eq!(service.threshold(), 9);
    let status = service.registry.config_status().unwrap();
    assert_eq!((status.applied, status.refused, status.last_error), (2, 2, None));
    assert!(status.last_applied.is_some());
}

#[tokio::test]
async fn a_file_that_is_restored_clears_the_error_of_a_bad_one() {
    let folder = Folder::new();
    let path = folder.path("breakers.toml");
    write(&path, 7);
    let mut service = Service::start(path.clone());
    fs::write(&path, "[breakers").unwrap();
    assert!(service.settle().await.unwrap().is_err());
    write(&path, 7);
    assert_eq!(service.settle().await.unwrap().unwrap().changes().count(), 0);
    assert_eq!(service.registry.config_status().unwrap().last_error, None);
}

#[tokio::test]
async fn a_file_that_contradicts_an_operator_applies_when_the_settings_of_the_operator_are_removed() {
    let folder = Folder::new();
    let path = folder.path("breakers.toml");
    fs::write(&path, "[breakers.payment]\nmax_concurrent = 5\n").unwrap();
    let mut service = Service::start(path.clone());
    let registry = service.registry.clone();
    let operator = |settings: ConfigBuilder| {
        registry.apply_section(ConfigLayer::Operator, ConfigSection::new("payment", settings)).unwrap();
    };
    operator(Config::builder().max_wait(Duration::from_secs(1)));
    write(&path, 42); // without max_concurrent
    let error = service.settle().await.unwrap().unwrap_err();
    assert!(error.to_string().contains("max_wait needs max_concurrent"), "{error}");
    assert!(service.settle().await.is_none(), "reported once");
    operator(Config::builder().max_wait(Duration::from_secs(2)));
    assert!(service.settle().await.is_none(), "refused again for the same reason");
    assert_eq!(registry.config_status().unwrap().refused, 1);

    operator(Config::builder());
    assert_eq!(service.reader.poll().await.unwrap().unwrap().changes().count(), 1);
    assert_eq!((service.threshold(), service.payment.config().max_concurrent()), (42, None));
    let status = registry.config_status().unwrap();
    assert_eq!((status.applied, status.refused, status.last_error), (2, 1, None));
    assert!(service.settle().await.is_none());
}

#[tokio::test]
async fn a_reader_without_files_keeps_a_text_while_it_polls() {
    let registry = Registry::new();
    let payment = registry.register("payment", Config::default()).unwrap();
    let threshold = || payment.config().failure_threshold();
    let mut reader = ConfigReader::new(&registry).variables([("BREAKER__PAYMENT__JITTER", "0.5")]);
    assert!(reader.poll().await.unwrap().is_ok());
    let mut load = |text: &str| reader.load_text("b.toml", ConfigFormat::Toml, text.as_bytes());
    load(&text(9)).unwrap();
    load("wrong").unwrap_err();
    for _ in 0..3 {
        assert!(reader.poll().await.is_none());
        assert_eq!((threshold(), payment.config().jitter()), (Some(9), 0.5));
    }
    reader.load().unwrap();
    assert_eq!(threshold(), Some(5));
}

#[tokio::test]
async fn a_text_that_contradicts_an_operator_applies_when_the_settings_of_the_operator_are_removed() {
    let registry = Registry::new();
    let payment = registry.register("payment", Config::default()).unwrap();
    let operator = |settings: ConfigBuilder| {
        registry.apply_section(ConfigLayer::Operator, ConfigSection::new("payment", settings)).unwrap();
    };
    let mut reader = ConfigReader::new(&registry);
    reader.load_text("b.toml", ConfigFormat::Toml, b"breakers.payment.max_concurrent = 5").unwrap();
    operator(Config::builder().max_wait(Duration::from_secs(1)));
    reader.load_text("b.toml", ConfigFormat::Toml, text(9).as_bytes()).unwrap_err();
    assert!(reader.poll().await.is_none(), "reported once");

    operator(Config::builder());
    assert_eq!(reader.poll().await.unwrap().unwrap().changes().count(), 1);
    assert_eq!(payment.config().failure_threshold(), Some(9));
}

#[tokio::test]
async fn a_deleted_file_keeps_the_last_settings_and_is_reported_until_it_is_restored() {
    let folder = Folder::new();
    let path = folder.path("breakers.toml");
    write(&path, 7);
    let mut service = Service::start(path.clone());
    fs::remove_file(&path).unwrap();
    let error = service.settle().await.unwrap().unwrap_err().to_string();
    assert!(error.contains("breakers.toml: cannot be read: "), "{error}");
    assert_eq!(service.threshold(), 7);
    assert!(service.settle().await.is_none(), "reported once");
    write(&path, 8);
    service.settle().await.unwrap().unwrap();
    assert_eq!(service.threshold(), 8);
}

#[test]
fn a_missing_file_and_a_folder_are_errors_of_the_first_load() {
    let folder = Folder::new();
    let registry = Registry::new();
    let payment = registry.register("payment", Config::default()).unwrap();
    let good = folder.path("good.toml");
    write(&good, 7);
    let mut reader =
        ConfigReader::new(&registry).file(&good).file(folder.path("missing.toml")).file(&folder.0);
    let error = reader.load().unwrap_err();
    let ConfigLoadError::Mistakes(mistakes) = &error else { panic!("{error}") };
    assert_eq!(mistakes.len(), 2, "{error}");
    assert!(mistakes[0].to_string().contains("missing.toml: cannot be read: No such file"), "{error}");
    assert!(mistakes[1].message().ends_with("expected a regular file or a link to one, found a folder"));
    assert_eq!((mistakes[0].line(), payment.config()), (None, Config::default()));
}

#[cfg(unix)]
#[tokio::test]
async fn a_fifo_in_place_of_a_file_is_an_error_and_blocks_nothing() {
    let folder = Folder::new();
    let path = folder.path("breakers.toml");
    write(&path, 7);
    let mut service = Service::start(path.clone());
    fs::remove_file(&path).unwrap();
    assert!(process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let error = service.settle().await.unwrap().unwrap_err().to_string();
    let problem = "cannot be read: expected a regular file or a link to one, found a device, FIFO or socket";
    assert!(error.ends_with(problem), "{error}");
    assert_eq!(service.reader.load().unwrap_err().to_string(), error);
    replace(&path, 9);
    service.settle().await.unwrap().unwrap();
    assert_eq!(service.threshold(), 9);
}

#[test]
fn a_later_file_takes_precedence_and_files_apply_together() {
    let folder = Folder::new();
    let registry = Registry::new();
    let payment = registry.register("payment", Config::default()).unwrap();
    write(&folder.path("base.toml"), 7);
    let json = r#"{"breakers": {"payment": {"failure_threshold": 8, "failure_rate": 0.5}}}"#;
    fs::write(folder.path("local.json"), json).unwrap();
    fs::write(folder.path("rules.conf"), "[breakers.\"*\"]\nwindow = 100\n").unwrap();
    let reader = ConfigReader::new(&registry).file(folder.path("base.toml")).file(folder.path("local.json"));
    reader.file(folder.path("rules.conf")).load().unwrap();
    let config = payment.config();
    assert_eq!(
        (config.failure_threshold(), config.failure_rate(), config.window_calls()),
        (Some(8), Some(0.5), Some(100))
    );
}

#[tokio::test]
async fn a_reader_that_has_not_loaded_loads_at_its_first_poll() {
    let folder = Folder::new();
    let registry = Registry::new();
    let payment = registry.register("payment", Config::default()).unwrap();
    let path = folder.path("breakers.toml");
    let mut reader = ConfigReader::new(&registry).file(&path);
    assert!(reader.poll().await.unwrap().is_err());
    write(&path, 7);
    assert!(reader.poll().await.is_none());
    reader.poll().await.unwrap().unwrap();
    assert_eq!(payment.config().failure_threshold(), Some(7));
}

#[test]
fn a_poll_parses_files_on_a_thread_for_blocking_work() {
    let folder = Folder::new();
    let registry = Registry::new();
    let payment = registry.register("payment", Config::default()).unwrap();
    let path = folder.path("breakers.toml");
    write(&path, 7);
    let mut reader = ConfigReader::new(&registry).file(&path);
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let mut poll = pin!(reader.poll());
        assert!(poll!(poll.as_mut()).is_pending());
        // The only thread for blocking work is in use after it has read the file.
        let (has_begun, begun) = tokio::sync::oneshot::channel();
        let (release, released) = mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || {
            has_begun.send(()).unwrap();
            released.recv()
        });
        begun.await.unwrap();
        assert!(poll!(poll.as_mut()).is_pending());
        assert_eq!(payment.config(), Config::default());
        release.send(()).unwrap();
        busy.await.unwrap().unwrap();
        poll.await.unwrap().unwrap();
    });
    assert_eq!(payment.config().failure_threshold(), Some(7));
}

#[expect(clippy::disallowed_methods, reason = "the time is paused and passes at once")]
#[tokio::test(start_paused = true)]
async fn a_running_reader_applies_changes_within_two_intervals_and_passes_results_to_its_listener() {
    let folder = Folder::new();
    let path = folder.path("breakers.toml");
    fs::write(&path, "[breakers.paymnt]\njitter = 0.5\n").unwrap();
    let registry = Registry::new();
    let payment = registry.register("payments", Config::default()).unwrap();
    let log = Arc::new(Mutex::new(Vec::new()));
    let events = registry.listen({
        let log = Arc::clone(&log);
        move |event: &Event| log.lock().unwrap().push(event.to_string())
    });
    let reader = ConfigReader::new(&registry).file(&path).on_load({
        let log = Arc::clone(&log);
        move |result| {
            let text = result.as_ref().map_or_else(ToString::to_string, |report| {
                report.unmatched().map(ToString::to_string).collect()
            });
            log.lock().unwrap().push(text.rsplit('/').next().unwrap_or_default().to_owned());
        }
    });
    let running = tokio::spawn(reader.run(Duration::from_secs(1)));
    let wait = |seconds: u64| tokio::time::sleep(Duration::from_millis(seconds * 1000 + 500));
    wait(0).await;
    fs::write(&path, "[breakers.payments]\nfailure_threshold = 9\n").unwrap();
    wait(2).await;
    assert_eq!(payment.config().failure_threshold(), Some(9));
    fs::write(&path, "[breakers]\nx = 1").unwrap();
    wait(5).await;
    running.abort();
    drop(events);
    let log = log.lock().unwrap();
    let log: Vec<_> = log.iter().map(|line| line.replace(&*folder.0.to_string_lossy(), "")).collect();
    assert_eq!(
        log,
        [
            "breakers.toml:1: no circuit breaker matches \"paymnt\"; did you mean \"payments\"?",
            "circuit breaker \"payments\": failure_threshold 5 -> 9 (/breakers.toml:2)",
            "",
            "breakers.toml:2: breakers.x: expected a table with settings, as in [breakers.payment]",
        ]
    );
}
