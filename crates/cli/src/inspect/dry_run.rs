//! The server's own word on the token: `jwt_sso.explain()`, asked so that the
//! token comes into no log.

use crate::database::{ServerArguments, chain};
use crate::failure::{Context, Failure};
use crate::terminal::Waiting;
use anstyle::{AnsiColor, Style};
use jwt_sso_core::visible::printable;
use postgres_protocol::escape::escape_identifier;
use serde_json::{Value, json};
use std::io::IsTerminal;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, Transaction};

/// One check.
#[derive(Debug)]
pub struct Row {
    pub step: i32,
    pub check: String,
    /// `None` where it was not made.
    pub ok: Option<bool>,
    pub detail: String,
}

impl Row {
    pub fn json(&self) -> Value {
        json!({"step": self.step, "check": self.check, "ok": self.ok, "detail": self.detail})
    }
}

/// Who asks, whether the logging of parameters is hers to switch off, and
/// whether the function is the extension's: anyone who may make a schema could
/// have made one of that name, and would get the token.
const WHO_AND_WHAT: &str = "
SELECT current_user::text,
    pg_catalog.has_parameter_privilege('log_parameter_max_length', 'SET'),
    EXISTS (SELECT FROM pg_catalog.pg_depend AS d
        JOIN pg_catalog.pg_extension AS e
            ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = e.oid
        WHERE e.extname = 'jwt_sso' AND d.deptype = 'e'
            AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
            AND d.objid = pg_catalog.to_regprocedure('jwt_sso.explain(text, name)'))";

/// Whether this session logs the parameters of a statement that succeeds. The
/// settings are those that `jwt_sso.check()` looks at, and pgaudit's.
const LOGS_PARAMETERS: &str = "
SELECT (pg_catalog.current_setting('log_parameter_max_length') <> '0'
        AND (pg_catalog.current_setting('log_statement') = 'all'
            OR pg_catalog.current_setting('log_min_duration_statement') <> '-1'
            OR pg_catalog.current_setting('log_min_duration_sample') <> '-1'
            OR pg_catalog.current_setting('log_transaction_sample_rate') <> '0'))
    OR coalesce(pg_catalog.current_setting('auto_explain.log_min_duration', true), '-1') <> '-1'
    OR coalesce(pg_catalog.current_setting('pgaudit.log_parameter', true), 'off') = 'on'";

const EXPLAIN: &str =
    "SELECT step, \"check\", ok, detail FROM jwt_sso.explain($1, $2) ORDER BY step";

/// Asks the server about the token, whole or without its signature.
///
/// # Errors
/// Why it was not asked, or did not answer.
pub fn ask(server: &ServerArguments, token: &str, role: &str) -> Result<Vec<Row>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("the runtime")?.block_on(async {
        let _waiting = Waiting::new("Asking the server");
        let mut client = server.connect().await?;
        rows(&mut client, token, role).await
    })
}

async fn rows(client: &mut Client, token: &str, role: &str) -> Result<Vec<Row>, Failure> {
    let transaction = client.transaction().await.map_err(|error| failed(&error, ""))?;
    let user = prepare(&transaction, whole(token)).await?;
    let rows = transaction
        .query(EXPLAIN, &[&token, &role])
        .await
        .map_err(|error| failed(&error, &user))?;
    rows.iter()
        .map(|row| {
            Ok(Row {
                step: row.try_get(0)?,
                check: row.try_get(1)?,
                ok: row.try_get(2)?,
                detail: row.try_get(3)?,
            })
        })
        .collect::<Result<_, Error>>()
        .map_err(|error| failed(&error, &user))
}

fn whole(token: &str) -> bool {
    token.split('.').count() > 2
}

/// Sees that the token gets to the extension and nowhere else; who asks.
async fn prepare(transaction: &Transaction<'_>, whole: bool) -> Result<String, Failure> {
    let failed = |error: Error| failed(&error, "");
    let row = transaction.query_one(WHO_AND_WHAT, &[]).await.map_err(failed)?;
    let (user, may_switch, ours): (String, bool, bool) = (row.get(0), row.get(1), row.get(2));
    if !ours {
        return Err(Failure::new("that database has no jwt_sso.explain()").with_hint(
            "CREATE EXTENSION jwt_sso; or name by --dbname the database that has it (0.4.0 or newer)",
        ));
    }
    transaction
        .batch_execute("SET LOCAL log_parameter_max_length_on_error = 0")
        .await
        .map_err(failed)?;
    if may_switch {
        let quiet = "SET LOCAL log_parameter_max_length = 0";
        transaction.batch_execute(quiet).await.map_err(failed)?;
    }
    let row = transaction.query_one(LOGS_PARAMETERS, &[]).await.map_err(failed)?;
    if whole && row.get(0) {
        return Err(Failure::new(
            "the token was not sent: the server logs statements with their parameters",
        )
        .with_hint(format!(
            "ask --without-signature, or let {0} switch that off: GRANT SET ON PARAMETER \
             log_parameter_max_length TO {0};",
            escape_identifier(&user)
        )));
    }
    Ok(user)
}

/// The server's message alone: its CONTEXT may repeat parameters.
fn failed(error: &Error, user: &str) -> Failure {
    let Some(answer) = error.as_db_error() else {
        return Failure::new(format!("the server did not answer: {}", chain(error)));
    };
    let failure = Failure::new(format!("the server says: {}", printable(answer.message())));
    match answer.code() {
        &SqlState::INSUFFICIENT_PRIVILEGE if !user.is_empty() => failure.with_hint(format!(
            "a superuser grants it: GRANT EXECUTE ON FUNCTION jwt_sso.explain(text, name) TO {};",
            escape_identifier(user)
        )),
        _ => match answer.hint() {
            Some(hint) => failure.with_hint(printable(hint)),
            None => failure,
        },
    }
}

/// One line for each check: a mark on a terminal, a word elsewhere.
pub fn table(rows: &[Row]) -> String {
    const GOOD: Style = AnsiColor::Green.on_default();
    const BAD: Style = AnsiColor::Red.on_default().bold();
    const OPEN: Style = Style::new().dimmed();
    let terminal = std::io::stdout().is_terminal();
    let width = rows.iter().map(|row| row.check.chars().count()).max().unwrap_or_default();
    let mut table = "\nThe server says:\n".to_owned();
    for row in rows {
        let (style, mark, word) = match row.ok {
            Some(true) => (GOOD, "✓", "ok         "),
            Some(false) => (BAD, "✗", "FAILED     "),
            None => (OPEN, "–", "not checked"),
        };
        let sign = if terminal { mark } else { word };
        let (check, detail) = (printable(&row.check), printable(&row.detail));
        table += &format!("  {style}{sign}{style:#} {check:width$}  {detail}\n");
    }
    table
}
