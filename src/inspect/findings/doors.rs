//! What `check()` finds of the HBA lines that ask for a token.

use super::{Finding, Severity, error, warning};
use crate::hba::{self, Rules};
use crate::pg::roles;
use crate::settings;
use jwt_sso_core::door::Door;
use jwt_sso_core::hba::doors::{self, PAM_SERVICE, Site};
use jwt_sso_core::hba::faults::{self, Fault, TokenLine};
use std::ffi::CString;

/// Each token line with its door, and whatever is wrong about them.
pub fn findings() -> Vec<Finding> {
    let rules = hba::in_force();
    let site = hba::site(&rules);
    let lines = faults::token_lines(&rules.places, &site);
    let mut findings = open_without_us();
    findings.extend(rules.unread.iter().map(|why| unread(why)));
    for line in &lines {
        findings.extend(line.faults.iter().map(fault));
        if line.faults.is_empty() {
            findings.push(Finding { severity: Severity::Ok, text: line.to_string(), hint: None });
        }
    }
    match lines.first() {
        None => findings.push(no_token_line(&rules)),
        Some(first) => findings.extend(no_break_glass(&rules, &site, first)),
    }
    findings
}

/// The hook door's lines in the file that the server obeys without this library.
fn open_without_us() -> Vec<Finding> {
    let rules = hba::without_us();
    let site = hba::site(&rules);
    let open = faults::token_lines(&rules.places, &site).into_iter();
    let finding = |line: TokenLine<'_>| {
        error(
            format!(
                "a trust line outside jwt_sso.hba_file is open when the library is missing: {}",
                line.place
            ),
            "Move the line into a file of its own, name it in jwt_sso.hba_file and restart the server.",
        )
    };
    open.filter(|line| line.door == Door::Hook).map(finding).collect()
}

fn unread(why: &str) -> Finding {
    warning(
        format!("lines of the HBA file may be missing from this report: {why}"),
        "The server's user must be able to read its HBA file and what that includes.",
    )
}

fn fault(fault: &Fault<'_>) -> Finding {
    let (text, hint) = (fault.to_string(), fault.hint());
    if fault.is_error() { error(text, hint) } else { warning(text, hint) }
}

fn no_token_line(rules: &Rules) -> Finding {
    let method = match settings::hba_file() {
        Some(_) => "trust".to_owned(),
        None => format!("pam pamservice={PAM_SERVICE}"),
    };
    warning(
        "no HBA line asks for a token",
        format!(
            "Write hostssl all all all {method} into {}, below the lines with other methods, and \
             then SELECT pg_reload_conf().",
            rules.file.display()
        ),
    )
}

fn no_break_glass(rules: &Rules, site: &Site, first: &TokenLine<'_>) -> Option<Finding> {
    let is_superuser = |name: &str| CString::new(name).is_ok_and(|name| roles::is_superuser(&name));
    if doors::has_break_glass(&rules.places, site, is_superuser) {
        return None;
    }
    Some(warning(
        "no HBA line lets a superuser in by the Unix socket without a token",
        format!(
            "Write local all postgres peer above line {} of {}, and then SELECT pg_reload_conf().",
            first.place.line.number,
            first.place.file.display()
        ),
    ))
}
