//! What `check()` finds of the server's own logging, which would write down a
//! token that is handed to `explain()` or `renew()`.

use super::{Finding, Severity, warning};
use crate::pg::guc;
use std::ffi::CStr;

/// Settings by which statements are logged, and the one that says whether their
/// parameters are, too.
struct Logger {
    statements: &'static [LogsStatements],
    parameters: LogsParameters,
    /// Ends the logging of parameters, for a session.
    cure: &'static str,
}

/// A setting by which statements are logged, and whether its value does.
type LogsStatements = (&'static CStr, fn(&str) -> bool);

/// The same of parameters. A server that does not know it logs none.
type LogsParameters = (&'static CStr, fn(&str) -> bool);

const LOGGERS: [Logger; 3] = [
    Logger {
        statements: &[
            (c"log_statement", |value| value == "all"),
            (c"log_min_duration_statement", is_on),
            (c"log_min_duration_sample", is_on),
            (c"log_transaction_sample_rate", |value| number(value) > 0.0),
        ],
        parameters: (c"log_parameter_max_length", is_not_zero),
        cure: "SET log_parameter_max_length = 0;",
    },
    // From PostgreSQL 16 on it logs parameters, and by a setting of its own.
    Logger {
        statements: &[(c"auto_explain.log_min_duration", is_on)],
        parameters: (c"auto_explain.log_parameter_max_length", is_not_zero),
        cure: "SET auto_explain.log_parameter_max_length = 0;",
    },
    Logger {
        statements: &[(c"pgaudit.log", |value| !value.is_empty() && value != "none")],
        parameters: (c"pgaudit.log_parameter", |value| value == "on"),
        cure: "SET pgaudit.log_parameter = off;",
    },
];

/// Statements that are logged, and their parameters.
pub fn findings() -> Vec<Finding> {
    let mut findings: Vec<Finding> = LOGGERS.iter().filter_map(finding).collect();
    if holds(&(c"log_parameter_max_length_on_error", is_not_zero)) {
        findings.push(warning(
            "log_parameter_max_length_on_error logs the parameters of a statement that fails: a \
             token that is handed to jwt_sso.explain() or renew() can reach the log",
            "ALTER SYSTEM RESET log_parameter_max_length_on_error; SELECT pg_reload_conf(); or \
             before explain(): SET log_parameter_max_length_on_error = 0;",
        ));
    }
    findings
}

fn finding(logger: &Logger) -> Option<Finding> {
    let name = |setting: &'static CStr| setting.to_string_lossy();
    let logging = logger.statements.iter().filter(|setting| holds(setting));
    let names: Vec<_> = logging.map(|(setting, _)| name(setting)).collect();
    if names.is_empty() {
        return None;
    }
    let names = names.join(", ");
    if !holds(&logger.parameters) {
        return Some(Finding {
            severity: Severity::Ok,
            text: format!("statements are logged without their parameters ({names})"),
            hint: Some(
                "Hand a token to explain() as a parameter, not in the statement.".to_owned(),
            ),
        });
    }
    let parameters = name(logger.parameters.0);
    Some(warning(
        format!(
            "statements and their parameters are logged ({names}, {parameters}): a token that is \
             handed to jwt_sso.explain() or renew() can reach the log"
        ),
        format!(
            "As a superuser, before explain(): {} and hand the token over as a parameter, not in \
             the statement.",
            logger.cure
        ),
    ))
}

/// Whether the server has the setting, with a value that logs.
fn holds((setting, logs): &(&'static CStr, fn(&str) -> bool)) -> bool {
    guc::value_of(setting).is_some_and(|value| logs(&value))
}

/// Durations: -1 is off.
fn is_on(value: &str) -> bool {
    number(value) >= 0.0
}

fn is_not_zero(value: &str) -> bool {
    number(value) != 0.0
}

fn number(value: &str) -> f64 {
    value.parse().unwrap_or(0.0)
}
