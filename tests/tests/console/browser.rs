//! Chromium, by what chromedriver takes: <https://www.w3.org/TR/webdriver2/>.

use crate::screen::Screen;
use frontier_tests::{DEADLINE, Process, eventually, tool};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

/// What JSON calls an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How often a condition is looked at.
const INTERVAL: Duration = Duration::from_millis(5);

/// A browser with one tab, closed when dropped.
pub(crate) struct Browser {
    session: String,
    port: u16,
    _driver: Process,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub(crate) async fn start() -> Self {
        let chromium = tool("chromium", "chromium");
        let mut command = Command::new(tool("chromedriver", "chromium-driver"));
        command.arg("--port=0");
        let driver = Process::spawn("chromedriver", command);
        let port = eventually(DEADLINE, "chromedriver listens", async || {
            let line = driver.log().find("started successfully on port ")?;
            line.rsplit_once(' ')?.1.trim_end_matches('.').parse().ok()
        });
        let port: u16 = port.await;
        let profile = tempfile::tempdir().unwrap();
        let arguments = [
            "--headless=new",
            // Containers seldom allow what the sandbox needs; nothing foreign is opened here.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--no-first-run",
            "--no-proxy-server",
            &format!("--user-data-dir={}", profile.path().display()),
        ];
        let options = json!({
            "goog:chromeOptions": {"binary": chromium, "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        });
        let body = json!({"capabilities": {"alwaysMatch": options}});
        let made = tokio::task::spawn_blocking(move || ask(port, "POST", "/session", &body)).await.unwrap();
        let made = made.unwrap_or_else(|error| panic!("{error}"));
        let session = made["sessionId"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        Self { session, port, _driver: driver, _profile: profile }
    }

    async fn command(&self, method: &'static str, path: &str, body: Value) -> Value {
        self.try_command(method, path, body).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The error is what the driver says of it.
    async fn try_command(&self, method: &'static str, path: &str, body: Value) -> Result<Value, Value> {
        let (port, path) = (self.port, format!("/session/{}{path}", self.session));
        tokio::task::spawn_blocking(move || ask(port, method, &path, &body)).await.unwrap()
    }

    /// Goes to an address, and waits until it is loaded.
    pub(crate) async fn open(&self, url: &str) {
        self.command("POST", "/url", json!({"url": url})).await;
    }

    /// What the body of a function gives.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.command("POST", "/execute/sync", json!({"script": script, "args": []})).await
    }

    /// What a function body gives, which may wait.
    pub(crate) async fn run_async(&self, script: &str) -> Value {
        let script = format!(
            "const done = arguments[0]; (async () => {{ {script} }})().then(done, (error) => done(String(error)));"
        );
        self.command("POST", "/execute/async", json!({"script": script, "args": []})).await
    }

    /// Waits until an expression holds. As long as it throws it does not: what it asks about may not be drawn yet,
    /// or be drawn again at this moment.
    pub(crate) async fn wait(&self, what: &str, expression: &str) {
        let script = format!("try {{ return !!({expression}); }} catch (error) {{ return String(error); }}");
        let end = Instant::now() + DEADLINE;
        loop {
            let now = self.run(&script).await;
            if now == Value::Bool(true) {
                return;
            }
            assert!(Instant::now() < end, "{what}: {expression}: still {now} after {DEADLINE:?}");
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Waits until an element of this selector has this text in it.
    pub(crate) async fn sees(&self, selector: &str, text: &str) {
        let expression = format!(
            "[...document.querySelectorAll({selector:?})].some((it) => it.textContent.includes({text:?}))"
        );
        self.wait(&format!("{selector} has {text}"), &expression).await;
    }

    /// Gives a command to the element of this selector, once it is there. One that is drawn again meanwhile is looked
    /// for again.
    async fn on_element(&self, selector: &str, command: &str, body: impl Fn(&str) -> Value) {
        let end = Instant::now() + DEADLINE;
        loop {
            self.wait(selector, &format!("document.querySelector({selector:?})")).await;
            let outcome = async {
                let by = json!({"using": "css selector", "value": selector});
                let found = self.try_command("POST", "/element", by).await?;
                let element = found[ELEMENT].as_str().unwrap_or_else(|| panic!("{selector}: {found}"));
                self.try_command("POST", &command.replace("ELEMENT", element), body(element)).await
            };
            let Err(error) = outcome.await else { return };
            let has_gone =
                ["stale element reference", "no such element"].iter().any(|it| error["error"] == *it);
            assert!(has_gone && Instant::now() < end, "{selector}: {error}");
        }
    }

    /// Clicks on an element, once it is there.
    pub(crate) async fn click(&self, selector: &str) {
        self.on_element(selector, "/element/ELEMENT/click", |_| json!({})).await;
    }

    /// Types into a field, in place of what is in it.
    pub(crate) async fn fill(&self, selector: &str, text: &str) {
        self.on_element(selector, "/element/ELEMENT/clear", |_| json!({})).await;
        self.on_element(selector, "/element/ELEMENT/value", |_| json!({"text": text})).await;
    }

    /// Moves the mouse to the middle of an element, once it is there.
    pub(crate) async fn point_at(&self, selector: &str) {
        let move_to = |element: &str| {
            let moved =
                json!({"type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": {ELEMENT: element}});
            json!({"actions": [{"type": "pointer", "id": "mouse", "actions": [moved]}]})
        };
        self.on_element(selector, "/actions", move_to).await;
    }

    /// Presses keys, wherever the focus is.
    pub(crate) async fn press(&self, keys: &str) {
        let strokes = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key.to_string()})));
        let strokes: Vec<_> = strokes.collect();
        let actions = json!({"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]});
        self.command("POST", "/actions", actions).await;
    }

    /// Has the browser be a screen of this size and colours.
    pub(crate) async fn show_on(&self, screen: Screen) {
        let (width, height, is_phone) = screen.size();
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone}),
        )
        .await;
        let scheme = json!({"name": "prefers-color-scheme", "value": screen.theme()});
        self.devtools("Emulation.setEmulatedMedia", json!({"features": [scheme]})).await;
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.command("POST", "/goog/cdp/execute", json!({"cmd": command, "params": parameters})).await
    }

    /// A picture of what is shown, if somebody wants to look at it.
    pub(crate) async fn keep_picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("CONSOLE_SHOTS") else { return };
        let picture = self.command("GET", "/screenshot", Value::Null).await;
        let bytes = data_encoding::BASE64.decode(picture.as_str().unwrap().as_bytes()).unwrap();
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), bytes).unwrap();
    }

    /// How many bytes of the console were sent to this page; all that it has asked for is below `root`.
    pub(crate) async fn bytes_over_the_wire(&self, root: &str) -> u64 {
        let loaded = "return performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))
            .map((it) => [it.name, it.transferSize]);";
        let loaded = self.run(loaded).await;
        let mut size = 0;
        for entry in loaded.as_array().unwrap() {
            let (name, bytes) = (entry[0].as_str().unwrap(), entry[1].as_u64().unwrap());
            assert!(name.starts_with(root), "{name}");
            if name.contains("/console/") {
                size += bytes;
            }
        }
        size
    }

    /// Nothing has gone wrong in the page that is no answer to a wrong token, and its policy has refused nothing.
    pub(crate) async fn has_no_complaints(&self) {
        self.has_no_complaints_but_of(&[]).await;
    }

    /// The same, where a test has the plane refuse something else as well.
    pub(crate) async fn has_no_complaints_but_of(&self, expected: &[&str]) {
        let lines = self.command("POST", "/se/log", json!({"type": "browser"})).await;
        for line in lines.as_array().unwrap() {
            let text = line["message"].as_str().unwrap();
            let is_refusal = text.contains("status of 401") || text.contains("status of 403");
            let is_refusal = is_refusal || expected.iter().any(|it| text.contains(it));
            assert!(line["level"] != "SEVERE" || is_refusal, "{text}");
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver would leave the browser behind. It has ended by itself if this fails.
        let _ = request(self.port, "DELETE", &format!("/session/{}", self.session), "");
    }
}

/// The value of the answer to a command.
fn ask(port: u16, method: &str, path: &str, body: &Value) -> Result<Value, Value> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = request(port, method, path, &body).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut answer: Value =
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{path}: {error}: {answer}"));
    let value = answer["value"].take();
    if value.get("error").is_some() { Err(value) } else { Ok(value) }
}

fn request(port: u16, method: &str, path: &str, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all((head + body).as_bytes())?;
    // It keeps the connection open, whatever it is asked for.
    let mut answer = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        answer.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap_or(0);
            }
            None if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    answer.read_exact(&mut body)?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}
