//! A pool of sqlx whose next connections get a fresh token.

use super::token;

// clients.md begins
use sqlx::PgPool;

/// Gives a fresh token to the connections that the pool opens from now on. Call it on a timer,
/// well within the life of a token: the pool asks nobody when it opens a connection.
pub fn renew(pool: &PgPool) {
    let options = pool.connect_options().as_ref().clone();
    pool.set_connect_options(options.password(&token()));
}
// clients.md ends
