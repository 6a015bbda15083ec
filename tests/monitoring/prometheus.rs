//! A Prometheus server owned by one test: it listens on a free port, stores its data in its own folder, and
//! ends with the test.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::http_get;

pub(crate) struct Prometheus {
    process: Child,
    address: String,
    folder: PathBuf,
}

/// The lines that Prometheus logs, with a limit on how long the test waits for one.
struct ServerLog {
    lines: Receiver<String>,
    seen: Vec<String>,
    deadline: Instant,
}

/// Maximum time until Prometheus is ready.
const STARTUP_LIMIT: Duration = Duration::from_secs(90);

impl Prometheus {
    /// Starts a server that scrapes `target` every second, and waits until it is ready.
    pub(crate) fn start(target: &str) -> Self {
        let folder = breaker_tests::redis_server::new_folder();
        let config = format!(
            "global: {{scrape_interval: 1s}}\n\
             scrape_configs: [{{job_name: shop, static_configs: [{{targets: ['{target}']}}]}}]\n"
        );
        std::fs::write(folder.join("prometheus.yml"), config).unwrap();
        let mut process = Command::new("prometheus")
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .arg("--web.listen-address=127.0.0.1:0")
            .current_dir(&folder)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = process.stderr.take().unwrap();
        // From here on, dropping this value ends the process, even if it never becomes ready.
        let mut prometheus = Self { process, address: String::new(), folder };
        let mut log = ServerLog::read(stderr);
        let line = log.wait_for("\"Listening on\" address=");
        line.rsplit_once("address=").unwrap().1.clone_into(&mut prometheus.address);
        log.wait_for("Server is ready");
        prometheus
    }

    /// Returns the number of series that an expression finds, except those whose value is not a number.
    pub(crate) async fn query(&self, expression: &str) -> usize {
        let mut url = reqwest::Url::parse(&format!("http://{}/api/v1/query", self.address)).unwrap();
        url.query_pairs_mut().append_pair("query", expression);
        let response = http_get(url.as_str()).await.text().await.unwrap();
        let response: serde_json::Value = serde_json::from_str(&response).unwrap();
        assert_eq!(response["status"], "success", "{expression}: {response}");
        let series = response["data"]["result"].as_array().unwrap().iter();
        series.filter(|series| series["value"][1] != "NaN").count()
    }
}

impl ServerLog {
    /// Reads the log on a thread until it ends, because Prometheus stops when its log is not read.
    fn read(stderr: ChildStderr) -> Self {
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                // After startup the receiver is dropped, and sending fails.
                _ = sender.send(line);
            }
        });
        Self { lines, seen: Vec::new(), deadline: Instant::now() + STARTUP_LIMIT }
    }

    /// Returns the first line that contains `text`. It can be a line that an earlier search read, because parts
    /// of Prometheus that start at the same time log in any order.
    fn wait_for(&mut self, text: &str) -> &str {
        let mut searched = 0;
        loop {
            if let Some(found) = self.seen[searched..].iter().position(|line| line.contains(text)) {
                return &self.seen[searched + found];
            }
            searched = self.seen.len();
            let left = self.deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("prometheus did not log {text:?} within {STARTUP_LIMIT:?}:\n{}", self.seen.join("\n"));
            };
            self.seen.push(line);
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
        _ = std::fs::remove_dir_all(&self.folder);
    }
}
