//! Chromium without a window, driven through its own protocol over two pipes: no port, and when the test ends, in
//! whatever way, the pipes close and Chromium ends as well.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use breaker_tests::programs::found;
use serde_json::{Value, json};

/// A tab of a browser of its own.
pub(crate) struct Tab {
    process: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    session: Option<String>,
    next: u64,
    profile: PathBuf,
    trouble: Vec<Value>,
}

/// So long a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// Chromium reads its commands from the third and writes its messages to the fourth file.
const START: &str = r#"exec chromium "$@" 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null"#;

impl Tab {
    /// None without Chromium, and says so.
    pub(crate) fn open() -> Option<Self> {
        if !found("chromium") {
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
        tab.look(1280, 860, "light");
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
        Self { process, commands, messages, session: None, next: 0, profile, trouble: Vec::new() }
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
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(mut message) = self.messages.recv_timeout(left) else {
                panic!("no answer in {PATIENCE:?} to {method} {params}");
            };
            if message["id"] == self.next {
                let error = message["error"].take();
                return if error.is_null() { Ok(message["result"].take()) } else { Err(error) };
            }
            let is_error = message["params"]["entry"]["level"] == "error";
            if message["method"] == "Runtime.exceptionThrown" || is_error {
                self.trouble.push(message);
            }
        }
    }

    pub(crate) fn go(&mut self, url: &str) {
        let answer = self.call("Page.navigate", &json!({ "url": url }));
        assert!(answer.get("errorText").is_none(), "{url}: {answer}");
        self.until("document.readyState === 'complete'");
    }

    /// The value of an expression, or what it promises.
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let answer = self.call("Runtime.evaluate", &evaluation(expression));
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until the expression holds, asked before each frame, also on a page that is yet to come.
    pub(crate) fn until(&mut self, expression: &str) {
        let limit = PATIENCE.as_millis() / 2;
        let script = format!(
            "new Promise(done => {{ const start = performance.now();\
             const look = () => {{ if ({expression}) done(null);\
             else if (performance.now() - start > {limit}) done(document.body.innerText);\
             else requestAnimationFrame(look) }}; look() }})"
        );
        let deadline = Instant::now() + PATIENCE;
        let answer = loop {
            match self.try_call("Runtime.evaluate", &evaluation(&script)) {
                Ok(answer) => break answer,
                // The page was left while it was asked.
                Err(error) => assert!(Instant::now() < deadline, "{expression}: {error}"),
            }
        };
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        let page = &answer["result"]["value"];
        assert!(page.is_null(), "never: {expression}\nthe page says: {}", page.as_str().unwrap_or_default());
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

    /// A window of this size, light or dark.
    pub(crate) fn look(&mut self, width: u32, height: u32, scheme: &str) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.call("Emulation.setDeviceMetricsOverride", &size);
        let scheme = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", &scheme);
    }

    /// What it looks like, as PNG.
    pub(crate) fn picture(&mut self) -> Vec<u8> {
        let answer = self.call("Page.captureScreenshot", &json!({ "format": "png" }));
        BASE64_STANDARD.decode(answer["data"].as_str().unwrap()).unwrap()
    }

    /// No exception, and nothing that the policy of the page forbids.
    pub(crate) fn had_no_trouble(&mut self) {
        self.eval("1");
        assert!(self.trouble.is_empty(), "{:#?}", self.trouble);
    }
}

fn evaluation(expression: &str) -> Value {
    json!({ "expression": expression, "awaitPromise": true, "returnByValue": true })
}

impl Drop for Tab {
    fn drop(&mut self) {
        // It may have ended by itself.
        _ = self.process.kill();
        _ = self.process.wait();
        // Its own children may write for a moment longer.
        let deadline = Instant::now() + Duration::from_secs(5);
        while std::fs::remove_dir_all(&self.profile).is_err() && Instant::now() < deadline {
            std::thread::yield_now();
        }
    }
}
