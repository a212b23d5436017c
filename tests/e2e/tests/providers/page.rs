//! A page of docs/providers/, taken apart.
//!
//! A recipe is a section (`## …`) with a block `sql settings`, `sh login`, `json token` and, where
//! the token's header matters, `json header`. A trap is a block `json wrong`, a merge patch (RFC
//! 7396) of the token's claims, `json wrong-header`, one of its header, or `text wrong`, another
//! password; and the block `text log` after it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::{Captures, Regex};
use serde_json::Value;

/// What a recipe warns of.
#[derive(Clone, Debug)]
pub enum Wrong {
    /// A merge patch of the claims.
    Claims(Value),
    /// A merge patch of the header.
    Header(Value),
    /// No such token at all.
    Password(String),
}

/// A way to set a provider and a server up.
#[derive(Debug)]
pub struct Recipe {
    /// The heading.
    pub title: String,
    /// What to paste into psql.
    pub settings: String,
    /// The role that the login names.
    pub role: String,
    /// The claims of the token.
    pub claims: Value,
    /// The header of the token.
    pub header: Value,
    /// What is wrong, and the log line that it makes.
    pub traps: Vec<(Wrong, String)>,
}

/// One provider.
#[derive(Debug)]
pub struct Page {
    /// In their order.
    pub recipes: Vec<Recipe>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/providers")
}

/// The text of a page, as it is.
pub fn text(name: &str) -> String {
    let path = folder().join(format!("{name}.md"));
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// All pages but the index.
pub fn names() -> BTreeSet<String> {
    let files = fs::read_dir(folder()).expect("docs/providers");
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let pages = names.filter_map(|name| name.strip_suffix(".md").map(str::to_owned));
    pages.filter(|name| name != "README").collect()
}

/// Puts values in the place of `<tenant id>` and the like.
fn filled(text: &str) -> String {
    let placeholder = Regex::new("<([a-z][a-z0-9 ]*)>").expect("a valid pattern");
    let value = |found: &Captures<'_>| found[1].replace(' ', "-");
    placeholder.replace_all(text, value).into_owned()
}

impl Page {
    /// Reads a page; panics where a recipe is not whole.
    pub fn read(name: &str) -> Page {
        let text = format!("\n{}", filled(&text(name)));
        let sections = text.split("\n## ").skip(1).filter(|text| text.contains("```sql settings"));
        Page { recipes: sections.map(Recipe::read).collect() }
    }
}

impl Recipe {
    fn read(section: &str) -> Recipe {
        let title = section.lines().next().unwrap_or_default().to_owned();
        let fences = Regex::new(r"(?s)```(\w+ [\w-]+)\n(.*?)\n```").expect("a valid pattern");
        let blocks: Vec<(String, String)> = fences
            .captures_iter(section)
            .map(|block| (block[1].to_owned(), block[2].to_owned()))
            .collect();
        let find = |kind: &str| {
            blocks.iter().find(|(found, _)| found == kind).map(|(_, text)| text.as_str())
        };
        let need = |kind: &str| find(kind).unwrap_or_else(|| panic!("{title} has no `{kind}`"));
        let json = |text: &str| -> Value {
            serde_json::from_str(text).unwrap_or_else(|e| panic!("{title}: {e}: {text}"))
        };
        let role = Regex::new(r"user=(\w+)").expect("a valid pattern");
        let role = role.captures(need("sh login")).expect("a login names its role")[1].to_owned();
        let traps = blocks.windows(2).filter_map(|pair| {
            let wrong = match pair[0].0.as_str() {
                "json wrong" => Wrong::Claims(json(&pair[0].1)),
                "json wrong-header" => Wrong::Header(json(&pair[0].1)),
                "text wrong" => Wrong::Password(pair[0].1.clone()),
                _ => return None,
            };
            assert_eq!(pair[1].0, "text log", "{title}: what a trap makes");
            Some((wrong, pair[1].1.clone()))
        });
        let ordinary = r#"{"alg": "RS256", "kid": "k1", "typ": "JWT"}"#;
        Recipe {
            settings: need("sql settings").to_owned(),
            role,
            claims: json(need("json token")),
            header: json(find("json header").unwrap_or(ordinary)),
            traps: traps.collect(),
            title,
        }
    }
}
