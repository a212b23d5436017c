//! What `check()` finds of the server's own logging, which would write down a
//! token that is handed to `explain()`.

use super::{Finding, Severity, warning};
use crate::pg::guc;
use std::ffi::CStr;

/// A setting by which the server logs statements, and whether its value does.
type LogsStatements = (&'static CStr, fn(&str) -> bool);

const STATEMENTS: [LogsStatements; 5] = [
    (c"log_statement", |value| value == "all"),
    (c"log_min_duration_statement", is_on),
    (c"log_min_duration_sample", is_on),
    (c"log_transaction_sample_rate", |value| number(value) > 0.0),
    (c"auto_explain.log_min_duration", is_on),
];

/// Statements that are logged, and their parameters.
pub fn findings() -> Vec<Finding> {
    let logs = |(name, logs): &&LogsStatements| guc::value_of(name).is_some_and(|v| logs(&v));
    let names: Vec<_> =
        STATEMENTS.iter().filter(logs).map(|(name, _)| name.to_string_lossy()).collect();
    let parameters = |name: &CStr| guc::value_of(name).is_some_and(|value| number(&value) != 0.0);
    let mut findings = Vec::new();
    if !names.is_empty() {
        findings.push(statements(&names.join(", "), parameters(c"log_parameter_max_length")));
    }
    if parameters(c"log_parameter_max_length_on_error") {
        findings.push(warning(
            "log_parameter_max_length_on_error logs the parameters of a statement that fails: a \
             token that is handed to jwt_sso.explain() or renew() can reach the log",
            "ALTER SYSTEM RESET log_parameter_max_length_on_error; SELECT pg_reload_conf(); or \
             before explain(): SET log_parameter_max_length_on_error = 0;",
        ));
    }
    findings
}

fn statements(names: &str, with_parameters: bool) -> Finding {
    if with_parameters {
        return warning(
            format!(
                "statements and their parameters are logged ({names}, log_parameter_max_length): a \
                 token that is handed to jwt_sso.explain() or renew() can reach the log"
            ),
            "As a superuser, before explain(): SET log_parameter_max_length = 0; and hand the token over as a \
             parameter, not in the statement.",
        );
    }
    Finding {
        severity: Severity::Ok,
        text: format!("statements are logged without their parameters ({names})"),
        hint: Some("Hand a token to explain() as a parameter, not in the statement.".to_owned()),
    }
}

/// Durations: -1 is off.
fn is_on(value: &str) -> bool {
    number(value) >= 0.0
}

fn number(value: &str) -> f64 {
    value.parse().unwrap_or(0.0)
}
