//! `pam_jwt_sso.so`: lets a client of PostgreSQL in by a JSON Web Token.
//!
//! It decides nothing. PostgreSQL runs PAM inside of the process that serves
//! the client, where the jwt_sso library, if it was preloaded, has two
//! functions to ask. In any other process, and in a server without the
//! library, they are missing, and that is a refusal.

mod libpam;

use libpam::{Conversation, Decider, complain};

/// Why a client is not let in.
enum Refusal {
    /// There is nobody here to decide.
    NoDecider,
    /// The library said no.
    Refused,
    /// The client gave no answer.
    NoAnswer,
}

const NO_DECIDER: &str = "pam_jwt_sso: the jwt_sso library is not preloaded in this process: \
                          refused. Add jwt_sso to shared_preload_libraries in postgresql.conf and \
                          restart the server.";

/// Nothing is asked of the client before the library has been found, and has
/// found the connection fit for a token.
fn authenticate(conversation: &Conversation) -> Result<(), Refusal> {
    let Some(decider) = Decider::find() else {
        complain(NO_DECIDER);
        return Err(Refusal::NoDecider);
    };
    if !decider.admits() {
        return Err(Refusal::Refused);
    }
    let token = conversation.ask(c"JSON Web Token: ").ok_or(Refusal::NoAnswer)?;
    if decider.accepts(&token) { Ok(()) } else { Err(Refusal::Refused) }
}
