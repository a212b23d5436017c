//! Through Debian's PgBouncer: what becomes of tokens, and who gets whose connection.

mod pooler;

use jwt_sso_e2e::psql::Output;
use jwt_sso_e2e::token::now;
use pooler::{Pooler, Setup};

use crate::handout::Handout;
use crate::{WORLD, doors};

const WHO: &str = "SELECT concat_ws(' ', current_user, jwt_sso.claim('jti'))";

/// The pooler asks PAM, and PAM says yes to everybody: no service of it knows what a token is.
const PROVES_NOTHING: Setup<'_> = Setup {
    database: "",
    settings: "auth_type = pam\npool_mode = session\n",
    users: "",
    pam_service: "auth required pam_permit.so\naccount required pam_permit.so\n",
};

/// Applications come with a password of the pooler's, and the pooler with a token of its own.
fn own_token(database: &str) -> Setup<'_> {
    Setup {
        database,
        settings: "auth_type = scram-sha-256\npool_mode = transaction\n",
        users: "\"app\" \"of the pooler\"\n",
        pam_service: "",
    }
}

fn with_password(token: &str) -> String {
    format!("user=pool password={token}")
}

#[test]
fn s17_2047_bytes() {
    for (door, role) in doors() {
        let token = WORLD.token(role, "long");
        let mark = WORLD.cluster.log_mark();
        let output = Pooler::start(&PROVES_NOTHING).run(role, &token.padded(2047), WHO);
        is(&output, &format!("{role} long"));
        let accepted = format!("jwt_sso: accepted door={door} user=\"{role}\" ");
        WORLD.cluster.wait_log(mark, &accepted);

        let pooler = Pooler::start(&PROVES_NOTHING);
        let output = pooler.run(role, &token.padded(2048), WHO);
        // Some versions refuse it themselves, others cut it, and the server refuses the rest.
        let theirs = output.stderr.contains("FATAL:  PAM authentication failed")
            || output.stderr.contains("FATAL:  password authentication failed");
        let ours = format!("FATAL:  JWT authentication failed for user \"{role}\"");
        let cut = pooler.log().contains("string truncated") && output.stderr.contains(&ours);
        assert!(!output.success && (theirs || cut), "{output:?}\n{}", pooler.log());
        // It hands on the message alone, so nobody learns the reference.
        assert!(!output.stderr.contains("reference"), "{output:?}");
    }
}

#[test]
fn s18_open_connections() {
    let pooler = Pooler::start(&PROVES_NOTHING);
    // Who is nobody yet gets as far as the server, and no farther.
    let output = pooler.run("alice", "no token at all", WHO);
    let message = "FATAL:  JWT authentication failed for user \"alice\"";
    assert!(!output.success && output.stderr.contains(message), "{output:?}");
    let pooler = Pooler::start(&PROVES_NOTHING);
    is(&pooler.run("alice", &WORLD.token("alice", "first").sign(), WHO), "alice first");
    // Her next token is not looked at, and neither is what an intruder brings.
    is(&pooler.run("alice", &WORLD.token("alice", "second").sign(), WHO), "alice first");
    is(&pooler.run("alice", "no token at all", WHO), "alice first");
}

#[test]
fn s19_no_connection_twice() {
    let settings = "auth_type = pam\npool_mode = session\nserver_lifetime = 0\n";
    let pooler = Pooler::start(&Setup { settings, ..PROVES_NOTHING });
    is(&pooler.run("alice", &WORLD.token("alice", "first").sign(), WHO), "alice first");
    is(&pooler.run("alice", &WORLD.token("alice", "second").sign(), WHO), "alice second");
    // The intruder has come to the pooler and waits until she is there with a token.
    let intruder = pooler.start_psql("alice", "no token at all");
    is(&pooler.run("alice", &WORLD.token("alice", "third").sign(), WHO), "alice third");
    is(&intruder.goes_on(WHO), "alice third");
}

#[test]
fn s20_its_own_token() {
    let first = with_password(&WORLD.token("pool", "first").sign());
    let pooler = Pooler::start(&own_token(&first));
    is(&pooler.run("app", "of the pooler", WHO), "pool first");
    let mark = WORLD.cluster.log_mark();
    let output = pooler.run("app", "of nobody", WHO);
    assert!(!output.success && output.stderr.contains("authentication failed"), "{output:?}");
    assert!(!WORLD.cluster.log_since(mark).contains("user=\"app\""), "it asked the server");

    let second = WORLD.token("pool", "second").padded(2047);
    pooler.renew(&Handout::new(&[second], "none"), "pool");
    is(&pooler.run("app", "of the pooler", WHO), "pool second");
}

#[test]
fn s21_its_own_token_has_expired() {
    let expired = WORLD.token("pool", "expired").claim("iat", now() - 600);
    let expired = with_password(&expired.claim("exp", now() - 300).sign());
    let pooler = Pooler::start(&own_token(&expired));
    let mark = WORLD.cluster.log_mark();
    let output = pooler.run("app", "of the pooler", WHO);
    let message = "FATAL:  JWT authentication failed for user \"pool\"";
    assert!(!output.success && output.stderr.contains(message), "{output:?}");
    assert!(!output.stderr.contains("reference"), "{output:?}");
    WORLD.cluster.wait_log(mark, "jwt_sso: refused reason=expired .*user=\"pool\"");
    let said = "server login failed: FATAL JWT authentication failed for user \"pool\"";
    assert!(pooler.log().contains(said), "{}", pooler.log());
}

#[track_caller]
fn is(output: &Output, who: &str) {
    assert!(output.success && output.stdout == who, "expected {who}: {output:?}");
}
