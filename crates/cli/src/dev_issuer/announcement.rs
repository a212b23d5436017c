//! What a new issuer says: SQL to paste into psql, with comments.

use super::folder::{Folder, State};
use super::signing_key::SigningKey;
use crate::alter_system::statement;
use crate::failure::Failure;
use crate::output;
use anstream::eprintln;
use anstyle::AnsiColor;
use jwt_sso_core::visible::printable;

/// Prints it; the warning goes to standard error as well.
pub fn print(folder: &Folder, state: &State) -> Result<(), Failure> {
    let loud = AnsiColor::Red.on_default().bold();
    eprintln!(
        "{loud}FOR DEVELOPMENT ONLY:{loud:#} whoever can reach this issuer gets a token for any \
         user. Ctrl-C ends it."
    );
    let ca = folder.ca_path().display().to_string();
    let kept = if folder.is_temporary() { " (removed at the end)" } else { "" };
    let keys: Vec<&str> = state.signing().map(SigningKey::alg).collect();
    let comments = [
        "FOR DEVELOPMENT ONLY: whoever can reach this issuer gets a token for any user.".to_owned(),
        format!("issuer  {}", state.issuer),
        format!("keys    {}", keys.join(", ")),
        format!("CA      {ca}{kept}"),
        format!(
            "token   jwt-sso dev-issuer token --dir {} --subject alice",
            shell_word(&folder.path().display().to_string())
        ),
        format!(
            "or      curl --cacert {} -d grant_type=client_credentials -d client_id=alice {}/token",
            shell_word(&ca),
            state.issuer
        ),
    ];
    let statements = [
        statement("issuers", &state.issuer),
        statement("audience", &state.audience),
        statement("issuer_custom_ca", &ca),
        statement("jwks_auto_fetch_enabled", "on"),
        statement("enabled", "on"),
        "SELECT pg_reload_conf();".to_owned(),
    ];
    let comments = comments.iter().map(|line| format!("-- {}\n", printable(line)));
    let statements = statements.iter().map(|line| format!("{line}\n"));
    output::print(&comments.chain(statements).collect::<String>())
}

/// As it is where a shell takes it so, and in quotes otherwise.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
