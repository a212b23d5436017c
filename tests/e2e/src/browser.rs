//! A browser reduced to its forms: pages by curl, with cookies, without scripts.

use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use tempfile::TempDir;

/// A browser that shows one page.
#[derive(Debug)]
pub struct Browser {
    cookies: TempDir,
    ca: PathBuf,
    page: String,
}

impl Browser {
    /// Opens a page of a server that this CA vouches for.
    pub fn open(ca: &Path, url: &str) -> Browser {
        let cookies = tempfile::tempdir().expect("a temp dir");
        let mut browser = Browser { cookies, ca: ca.to_owned(), page: String::new() };
        browser.go(url, &[]);
        browser
    }

    /// The page's HTML.
    pub fn page(&self) -> &str {
        &self.page
    }

    /// Submits the page's only form, with these fields filled in, and shows what comes of it.
    pub fn submit(&mut self, filled: &[(&str, &str)]) {
        let action = attribute(self.element("form"), "action");
        let inputs = Regex::new("(?s)<input[^>]*>").expect("a valid pattern");
        let hidden = inputs.find_iter(&self.page).map(|input| input.as_str());
        let mut fields: Vec<(String, String)> = hidden
            .filter(|input| attribute(input, "type") == "hidden")
            .map(|input| (attribute(input, "name"), attribute(input, "value")))
            .collect();
        fields.extend(filled.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        self.go(&action, &fields);
    }

    fn element(&self, name: &str) -> &str {
        let pattern = Regex::new(&format!("(?s)<{name}[^>]*>")).expect("a valid pattern");
        let found = pattern.find(&self.page).map(|element| element.as_str());
        found.unwrap_or_else(|| panic!("no <{name}> in {}", self.page))
    }

    /// GET, or POST where there are fields; follows redirects.
    fn go(&mut self, url: &str, fields: &[(String, String)]) {
        let jar = self.cookies.path().join("jar");
        let mut curl = Command::new("curl");
        // -q: without the user's own ~/.curlrc; --noproxy: the server is on this very host.
        curl.args(["-q", "--noproxy", "*", "-sSL", "--fail-with-body", "--cacert"]).arg(&self.ca);
        curl.arg("-b").arg(&jar).arg("-c").arg(&jar);
        for (name, value) in fields {
            curl.args(["--data-urlencode", &format!("{name}={value}")]);
        }
        let output = curl.arg(url).output().expect("curl runs");
        assert!(output.status.success(), "{curl:?}: {output:?}");
        self.page = String::from_utf8(output.stdout).expect("HTML in UTF-8");
    }
}

/// The value of an attribute of an element's first tag; empty where it has none.
fn attribute(element: &str, name: &str) -> String {
    let pattern = Regex::new(&format!(r#"\s{name}="([^"]*)""#)).expect("a valid pattern");
    let value = pattern.captures(element).and_then(|found| found.get(1));
    value.map(|value| value.as_str().replace("&amp;", "&")).unwrap_or_default()
}
