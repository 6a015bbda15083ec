//! A Prometheus of the test's own: on a free port, its data in a folder of its own, ended with the test.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

pub(crate) struct Prometheus {
    process: Child,
    address: String,
    folder: PathBuf,
}

impl Prometheus {
    /// Scrapes `target` every second.
    pub(crate) fn start(target: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("breaker-prometheus-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let config = format!(
            "global: {{scrape_interval: 1s}}\n\
             scrape_configs: [{{job_name: shop, static_configs: [{{targets: ['{target}']}}]}}]\n"
        );
        std::fs::write(folder.join("prometheus.yml"), config).unwrap();
        let mut process = Command::new("prometheus")
            .args([
                "--config.file=prometheus.yml",
                "--storage.tsdb.path=data",
                "--web.listen-address=127.0.0.1:0",
            ])
            .current_dir(&folder)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let listening =
            log.find_map(|line| Some(line.unwrap().split_once("\"Listening on\" address=")?.1.to_owned()));
        log.find(|line| line.as_ref().unwrap().contains("Server is ready")).unwrap().unwrap();
        // It ends when nobody reads what it says.
        std::thread::spawn(move || log.for_each(drop));
        Self { process, address: listening.expect("it says where it listens"), folder }
    }

    /// How many series this expression finds; one that is no number is none.
    pub(crate) async fn query(&self, expression: &str) -> usize {
        let mut url = reqwest::Url::parse(&format!("http://{}/api/v1/query", self.address)).unwrap();
        url.query_pairs_mut().append_pair("query", expression);
        let answer = reqwest::get(url).await.unwrap().text().await.unwrap();
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        let series = answer["data"]["result"].as_array().unwrap().iter();
        series.filter(|series| series["value"][1] != "NaN").count()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
        _ = std::fs::remove_dir_all(&self.folder);
    }
}
