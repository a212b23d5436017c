//! Headless Chromium, step by step (`tests/browser/drive.mjs`).

use jwt_sso_e2e::installation::installed;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A browser with one window. It ends when it is dropped.
pub struct Chromium {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Chromium {
    /// Starts it; the certificates of these servers are taken as they are.
    pub fn start(trusted: &[&str]) -> Chromium {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/drive.mjs");
        let mut child = Command::new(installed("node"))
            .arg(script)
            .arg(installed("browser_modules"))
            .arg(installed("chromium"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("node: {e}; run scripts/client-deps.sh"));
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let mut chromium = Chromium { child, output };
        chromium.say(&json!({"trusted": trusted}));
        chromium.order("person", json!({}));
        chromium
    }

    /// Gives an order; panics where it cannot be carried out.
    #[track_caller]
    pub fn order(&mut self, name: &str, argument: Value) -> Value {
        self.say(&json!({ name: argument }))
    }

    #[track_caller]
    fn say(&mut self, message: &Value) -> Value {
        let mut answer = String::new();
        let stdin = self.child.stdin.as_mut().expect("piped");
        writeln!(stdin, "{message}").expect("the driver reads");
        self.output.read_line(&mut answer).expect("the driver writes");
        let mut answer: Value = serde_json::from_str(&answer).expect("the driver says JSON");
        if let Some(error) = answer.get("error") {
            let page = match message.get("html") {
                None => self.order("html", Value::Null),
                Some(_) => Value::Null,
            };
            panic!("{message}: {error}\n{}", shown(page.as_str().unwrap_or_default()));
        }
        answer["value"].take()
    }

    #[track_caller]
    fn string(&mut self, name: &str, argument: Value) -> String {
        let value = self.order(name, argument);
        value.as_str().unwrap_or_else(|| panic!("{name}: {value}")).to_owned()
    }

    #[track_caller]
    pub fn open(&mut self, url: &str) -> u64 {
        self.order("open", json!(url)).as_u64().expect("a status")
    }

    #[track_caller]
    pub fn click(&mut self, selector: &str) {
        self.order("click", json!(selector));
    }

    #[track_caller]
    pub fn fill(&mut self, selector: &str, text: &str) {
        self.order("fill", json!([selector, text]));
    }

    #[track_caller]
    pub fn press(&mut self, key: &str) {
        self.order("press", json!(key));
    }

    #[track_caller]
    pub fn text(&mut self, selector: &str) -> String {
        self.string("text", json!(selector))
    }

    #[track_caller]
    pub fn value(&mut self, selector: &str) -> String {
        self.string("value", json!(selector))
    }

    #[track_caller]
    pub fn visible(&mut self, selector: &str) -> bool {
        self.order("visible", json!(selector)) == true
    }

    /// Waits until this is the address, which the page's script may have to change first.
    #[track_caller]
    pub fn arrive(&mut self, url: &str) {
        self.order("arrive", json!(url));
    }

    #[track_caller]
    pub fn title(&mut self) -> String {
        self.string("title", Value::Null)
    }

    #[track_caller]
    pub fn paste(&mut self) -> String {
        self.string("paste", Value::Null)
    }

    #[track_caller]
    pub fn evaluate(&mut self, expression: &str) -> Value {
        self.order("evaluate", json!(expression))
    }

    /// What pages of this origin asked for.
    pub fn requests_of(&mut self, origin: &str) -> Vec<String> {
        let all = self.order("requests", Value::Null);
        let all = all.as_array().expect("a list").iter();
        let of_origin = all.filter(|request| {
            request["from"].as_str().is_some_and(|from| from.starts_with(origin))
                || request["from"] == ""
        });
        of_origin.map(|request| request["url"].as_str().expect("a URL").to_owned()).collect()
    }

    /// What Chromium complains of about pages of this origin: breaches of the
    /// CSP, errors of scripts.
    pub fn complaints_of(&mut self, origin: &str) -> Vec<String> {
        let all = self.order("complaints", Value::Null);
        let all = all.as_array().expect("a list").iter();
        let of_origin =
            all.filter(|said| said["at"].as_str().is_some_and(|at| at.starts_with(origin)));
        of_origin.map(|said| said["text"].as_str().expect("a text").to_owned()).collect()
    }
}

/// A page as a failed test may show it: without tokens.
pub fn shown(page: &str) -> String {
    let token = regex::Regex::new(r"eyJ[\w-]+\.[\w-]+\.[\w-]*").expect("a valid pattern");
    token.replace_all(page, "TOKEN").into_owned()
}

impl Drop for Chromium {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().ok();
    }
}
