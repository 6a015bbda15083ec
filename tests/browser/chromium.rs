//! A headless Chromium, controlled with the `DevTools` protocol over two pipes. It needs no port, and it ends
//! with the test, because the pipes close.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use breaker_tests::programs::is_installed;
use serde_json::{Value, json};

/// A tab in its own browser process.
pub(crate) struct Tab {
    process: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    session: Option<String>,
    next: u64,
    profile: PathBuf,
    errors: Vec<Value>,
}

/// Maximum time to wait for a response or a condition.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The shell command that starts Chromium, which reads commands from file descriptor 3 and writes messages to
/// 4.
const START: &str = r#"exec chromium "$@" 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null"#;

impl Tab {
    /// Starts a browser; returns `None` and prints a message if Chromium is not installed.
    pub(crate) fn open() -> Option<Self> {
        if !is_installed("chromium") {
            return None;
        }
        let mut tab = Self::start();
        let target = tab.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = tab.call("Target.attachToTarget", &attach)["sessionId"].as_str().unwrap().to_owned();
        tab.session = Some(session);
        for domain in ["Page", "Runtime", "Log"] {
            tab.call(&format!("{domain}.enable"), &json!({}));
        }
        tab.resize(1280, 860, "light");
        Some(tab)
    }

    fn start() -> Self {
        static PROFILES: AtomicU32 = AtomicU32::new(0);
        let nth = PROFILES.fetch_add(1, Ordering::Relaxed);
        let profile =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("chromium-{}-{nth}", std::process::id()));
        let mut process = Command::new("sh")
            .args(["-c", START, "sh", "--headless=new", "--remote-debugging-pipe", "--no-sandbox"])
            .args(["--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars"])
            .args(["--disable-background-networking", "--no-proxy-server"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let commands = process.stdin.take().unwrap();
        let mut pipe = BufReader::new(process.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while pipe.read_until(0, &mut message).is_ok_and(|length| length > 0) {
                message.pop();
                if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    return;
                }
                message.clear();
            }
        });
        Self { process, commands, messages, session: None, next: 0, profile, errors: Vec::new() }
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.try_call(method, params).unwrap_or_else(|error| panic!("{method} {params}: {error}"))
    }

    fn try_call(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        self.next += 1;
        let mut command = json!({ "id": self.next, "method": method, "params": params });
        if let Some(session) = &self.session {
            command["sessionId"] = session.as_str().into();
        }
        self.commands.write_all(format!("{command}\0").as_bytes()).unwrap();
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(mut message) = self.messages.recv_timeout(left) else {
                panic!("no answer in {TIMEOUT:?} to {method} {params}");
            };
            if message["id"] == self.next {
                let error = message["error"].take();
                return if error.is_null() { Ok(message["result"].take()) } else { Err(error) };
            }
            let is_error = message["params"]["entry"]["level"] == "error";
            if message["method"] == "Runtime.exceptionThrown" || is_error {
                self.errors.push(message);
            }
        }
    }

    pub(crate) fn go(&mut self, url: &str) {
        let answer = self.call("Page.navigate", &json!({ "url": url }));
        assert!(answer.get("errorText").is_none(), "{url}: {answer}");
        self.until("document.readyState === 'complete'");
    }

    /// Returns the value of an expression, or of the promise that it returns.
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let answer = self.call("Runtime.evaluate", &evaluation(expression));
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until the expression is true. It is evaluated before each frame, and again if the page is left.
    pub(crate) fn until(&mut self, expression: &str) {
        let limit = TIMEOUT.as_millis() / 2;
        let script = format!(
            "new Promise(done => {{ const start = performance.now();\
             const check = () => {{ if ({expression}) done(null);\
             else if (performance.now() - start > {limit}) done(document.body.innerText);\
             else requestAnimationFrame(check) }}; check() }})"
        );
        let deadline = Instant::now() + TIMEOUT;
        let answer = loop {
            match self.try_call("Runtime.evaluate", &evaluation(&script)) {
                Ok(answer) => break answer,
                // The page was left during the evaluation.
                Err(error) => assert!(Instant::now() < deadline, "{expression}: {error}"),
            }
        };
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        let page = &answer["result"]["value"];
        assert!(
            page.is_null(),
            "not true within the time limit: {expression}\ntext of the page: {}",
            page.as_str().unwrap_or_default()
        );
    }

    pub(crate) fn press(&mut self, key: &str) {
        let (text, code) = match key {
            "Enter" => ("\r", 13),
            "Escape" => ("", 27),
            letter => (letter, 0),
        };
        let down = json!({ "type": "keyDown", "key": key, "text": text, "windowsVirtualKeyCode": code });
        self.call("Input.dispatchKeyEvent", &down);
        self.call(
            "Input.dispatchKeyEvent",
            &json!({ "type": "keyUp", "key": key, "windowsVirtualKeyCode": code }),
        );
    }

    /// Sets the size of the window and the color scheme.
    pub(crate) fn resize(&mut self, width: u32, height: u32, scheme: &str) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.call("Emulation.setDeviceMetricsOverride", &size);
        let scheme = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", &scheme);
    }

    /// Returns a screenshot as PNG.
    pub(crate) fn screenshot(&mut self) -> Vec<u8> {
        let answer = self.call("Page.captureScreenshot", &json!({ "format": "png" }));
        BASE64_STANDARD.decode(answer["data"].as_str().unwrap()).unwrap()
    }

    /// Asserts that the page threw no exception. Failed requests are no exceptions.
    pub(crate) fn assert_no_exceptions(&mut self) {
        self.eval("1");
        let mut exceptions = self.errors.iter().filter(|error| error["method"] == "Runtime.exceptionThrown");
        assert!(exceptions.next().is_none(), "{:#?}", self.errors);
    }

    /// Asserts that the page threw no exception and did not violate its Content-Security-Policy.
    pub(crate) fn assert_no_errors(&mut self) {
        self.eval("1");
        assert!(self.errors.is_empty(), "{:#?}", self.errors);
    }
}

fn evaluation(expression: &str) -> Value {
    json!({ "expression": expression, "awaitPromise": true, "returnByValue": true })
}

impl Drop for Tab {
    fn drop(&mut self) {
        // The process may have ended already.
        _ = self.process.kill();
        _ = self.process.wait();
        // Child processes of Chromium may write to the profile for a moment longer.
        let deadline = Instant::now() + Duration::from_secs(5);
        while std::fs::remove_dir_all(&self.profile).is_err() && Instant::now() < deadline {
            std::thread::yield_now();
        }
    }
}
