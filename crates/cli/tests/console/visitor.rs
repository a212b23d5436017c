//! A browser without scripts that shows each answer as it came: curl, with
//! cookies, a redirect at a time.

use crate::chromium::shown;
use regex::Regex;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

pub struct Visitor {
    folder: TempDir,
    ca: PathBuf,
}

/// One answer.
pub struct Reply {
    pub status: u16,
    /// As it came, names in lower case.
    headers: Vec<(String, String)>,
    pub body: String,
}

/// Without tokens.
impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}\n{}", self.status, self.headers, shown(&self.body))
    }
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map_or("", |(_, value)| value)
    }

    /// The page's heading.
    pub fn heading(&self) -> String {
        let pattern = Regex::new("(?s)<h1[^>]*>(.*?)</h1>").expect("a valid pattern");
        let found = pattern.captures(&self.body).map(|found| found[1].replace("&#39;", "'"));
        found.unwrap_or_default()
    }

    /// The token of the token page.
    pub fn token(&self) -> String {
        let pattern = Regex::new("<textarea id=\"token\"[^>]*>([^<]*)<").expect("a valid pattern");
        let found = pattern.captures(&self.body).unwrap_or_else(|| panic!("no token: {self:?}"));
        found[1].to_owned()
    }
}

impl Visitor {
    /// Trusts this CA.
    pub fn new(ca: &Path) -> Visitor {
        Visitor { folder: tempfile::tempdir().expect("a temp dir"), ca: ca.to_owned() }
    }

    pub fn get(&self, url: &str) -> Reply {
        self.ask(url, &[])
    }

    /// One request with more of curl's options; no redirect is followed.
    pub fn ask(&self, url: &str, options: &[&str]) -> Reply {
        let jar = self.folder.path().join("jar");
        let mut curl = Command::new("curl");
        // -q: without the user's own ~/.curlrc; --noproxy: it is on this very host.
        curl.args(["-q", "--noproxy", "*", "-sS", "-i", "--cacert"]).arg(&self.ca);
        curl.arg("-b").arg(&jar).arg("-c").arg(&jar).args(options);
        let output = curl.arg(url).output().expect("curl runs");
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status");
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        Reply {
            status: status.parse().expect("a number"),
            headers: headers.collect(),
            body: body.to_owned(),
        }
    }

    /// Begins at the console and signs in at the provider; the URL that it
    /// sends back to, not asked for yet.
    pub fn sign_in(&self, console: &str, user: &str) -> String {
        let begun = self.get(&format!("{console}/login"));
        assert_eq!(begun.status, 303, "{begun:?}");
        let login = match self.walk(begun, console) {
            Ok(back) => return back, // the provider knows the person by now
            Err(page) => page,
        };
        let name = format!("login={user}");
        let fields = ["--data-urlencode", &name, "-d", "password=secret"];
        let consent = match self.walk(self.submit(&login, &fields), console) {
            Ok(back) => return back,
            Err(page) => page,
        };
        self.walk(self.submit(&consent, &[]), console).expect("the way back")
    }

    /// Follows redirects up to the console or to a page.
    fn walk(&self, mut reply: Reply, console: &str) -> Result<String, Reply> {
        let mut at = String::new();
        while (300..400).contains(&reply.status) {
            let to = reply.header("location").to_owned();
            if to.starts_with(console) {
                return Ok(to);
            }
            if to.starts_with("http") {
                at = to.split('/').take(3).collect::<Vec<_>>().join("/");
                reply = self.get(&to);
            } else {
                reply = self.get(&format!("{at}{to}"));
            }
        }
        assert_eq!(reply.status, 200, "{reply:?}");
        Err(reply)
    }

    /// Submits the page's only form, with its hidden fields.
    fn submit(&self, page: &Reply, fields: &[&str]) -> Reply {
        let attribute = |element: &str, name: &str| {
            let pattern = Regex::new(&format!(r#"\s{name}="([^"]*)""#)).expect("a valid pattern");
            let value = pattern.captures(element).map(|found| found[1].replace("&amp;", "&"));
            value.unwrap_or_default()
        };
        let elements = Regex::new("(?s)<(form|input)[^>]*>").expect("a valid pattern");
        let (mut action, mut data) = (String::new(), Vec::new());
        for element in elements.find_iter(&page.body).map(|found| found.as_str()) {
            if element.starts_with("<form") {
                action = attribute(element, "action");
            } else if attribute(element, "type") == "hidden" {
                data.push("--data-urlencode".to_owned());
                data.push(format!(
                    "{}={}",
                    attribute(element, "name"),
                    attribute(element, "value")
                ));
            }
        }
        let data = data.iter().map(String::as_str).chain(fields.iter().copied());
        self.ask(&action, &data.collect::<Vec<_>>())
    }
}
