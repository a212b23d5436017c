//! One case of the document, step by step.

use std::process::Output;
use std::thread::sleep;
use std::time::{Duration, Instant};

use jwt_sso_e2e::Cluster;
use jwt_sso_e2e::builder::DEADLINE;
use jwt_sso_e2e::installation::Installation;
use regex::Regex;

use crate::document::{Block, REFERENCE, TOKEN, assert_like, is_like, section, unaligned};

/// Where the document's walk is, and on which server.
pub struct Walk<'a> {
    cluster: &'a Cluster,
    /// `1. expired`: the heading, of which the last word is the reason.
    heading: &'static str,
    common: Vec<Block>,
    case: Vec<Block>,
    /// What stands in the document, and what it is here.
    here: Vec<(String, String)>,
}

impl<'a> Walk<'a> {
    /// The case of this heading.
    pub fn new(cluster: &'a Cluster, heading: &'static str) -> Walk<'a> {
        let mut common = section("From the message to the reason");
        common.extend(section("Asking without her"));
        let case = section(heading);
        let server = format!(
            "host=localhost hostaddr=127.0.0.1 port={} sslrootcert={}",
            cluster.port(),
            cluster.ca_path().display()
        );
        Walk { cluster, heading, common, case, here: Vec::new() }
            .here("host=db.example", &server)
            .here(
                "/var/log/postgresql/postgresql-15-main.log",
                &cluster.log_path().to_string_lossy(),
            )
    }

    /// What the document calls so is another thing here.
    pub fn here(mut self, documented: &str, here: &str) -> Walk<'a> {
        self.here.push((documented.to_owned(), here.to_owned()));
        self
    }

    fn localised(&self, text: &str) -> String {
        let replace = |text: String, (there, here): &(String, String)| text.replace(there, here);
        self.here.iter().fold(text.to_owned(), replace)
    }

    /// The first block of this kind in the case, or else in the common part.
    #[track_caller]
    fn block(&self, kind: &str) -> &Block {
        let found = self.case.iter().chain(&self.common).find(|block| block.is(kind));
        found.unwrap_or_else(|| panic!("no block {kind} for {}", self.heading))
    }

    /// She tries, is refused as the document says, and is found by her reference.
    #[track_caller]
    pub fn refused(mut self, token: &str) -> Walk<'a> {
        let run = self.sh(&self.block("sh user").text, token);
        assert!(!run.status.success(), "{}: not refused", self.heading);
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        let (_, said) = said.split_once("failed: ").unwrap_or_else(|| panic!("{said}"));
        let form = Regex::new(r"\(reference ([0-9a-f]{8})\)").expect("a valid pattern");
        let reference = form.captures(said).unwrap_or_else(|| panic!("no reference: {said}"));
        self.here.push((REFERENCE.to_owned(), reference[1].to_owned()));
        assert_like(&self.localised(&self.block("text answer").text), said.trim());
        self.found();
        self.explained(token);
        self
    }

    /// By her token without its signature.
    #[track_caller]
    fn explained(&self, token: &str) {
        let hers = self.sh(&self.block("sh hers").text, token);
        let unsigned = String::from_utf8_lossy(&hers.stdout).trim().to_owned();
        assert_eq!(unsigned.matches('.').count(), 1, "{unsigned}");
        let asks = self.block("sql explain").text.replace(TOKEN, &unsigned);
        let explains = self.localised(&unaligned(&self.block("text explains").text));
        assert_like(&explains, &self.cluster.sql(&asks));
    }

    /// By the reference: in the view and in the log. `check()` can be asked, whatever is wrong.
    #[track_caller]
    fn found(&self) {
        let (_, reason) = self.heading.split_once(". ").expect("a number and a reason");
        for block in self.common.iter().filter(|block| block.purpose == "find") {
            let command = self.localised(&block.text);
            if block.language == "sh" {
                let run = self.sh(&block.text, "");
                let line = String::from_utf8_lossy(&run.stdout).trim().to_owned();
                let (_, line) = line.split_once("LOG:  ").unwrap_or_else(|| panic!("{line}"));
                assert_like(&self.localised(&self.block("text log").text), line);
            } else if command.contains("recent_refusals") {
                let row = self.cluster.sql(&command);
                assert!(row.contains(&format!("|{reason}|hook|alice|")), "{reason}: {row}");
            } else {
                self.cluster.sql(&command);
            }
        }
    }

    /// The administrator looks and cures, in the document's order; then she gets in.
    #[track_caller]
    pub fn cured(self, token: &str) {
        for (at, block) in self.case.iter().enumerate() {
            if block.is("sql look") {
                let shows = self.case.get(at + 1).filter(|next| next.is("text shows"));
                let shows = shows.unwrap_or_else(|| panic!("what does it show? {}", block.text));
                self.look(&block.text, &shows.text);
            } else if block.is("sql cure") {
                self.cure(&block.text);
            } else if block.is("sh cure") {
                let run = self.sh(&block.text, token);
                assert!(run.status.success(), "{}: {run:?}", block.text);
            }
        }
        let again = self.common.iter().find(|block| block.is("sh user")).expect("how to log in");
        let run = self.sh(&again.text, token);
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success() && said.contains("alice"), "{}: {run:?}", self.heading);
    }

    /// What the worker does after a reload may take it a moment.
    #[track_caller]
    fn look(&self, sql: &str, shows: &str) {
        let documented = self.localised(&unaligned(shows));
        let sql = self.localised(sql);
        let end = Instant::now() + DEADLINE;
        let mut actual = self.cluster.sql(&sql);
        while !is_like(&documented, &actual) && Instant::now() < end {
            sleep(Duration::from_millis(50));
            actual = self.cluster.sql(&sql);
        }
        assert_like(&documented, &actual);
    }

    #[track_caller]
    fn cure(&self, sql: &str) {
        let before = self.cluster.sql("SELECT pg_conf_load_time()");
        self.cluster.sql(&self.localised(sql));
        if sql.contains("pg_reload_conf()") {
            let later = format!("SELECT pg_conf_load_time() > '{before}'");
            self.cluster.until("the reload", || self.cluster.sql(&later) == "t");
        }
    }

    fn sh(&self, command: &str, token: &str) -> Output {
        let mut sh = Installation::get().shell();
        sh.args(["-c", &self.localised(command)]).env("TOKEN", token);
        sh.output().expect("sh runs")
    }
}
