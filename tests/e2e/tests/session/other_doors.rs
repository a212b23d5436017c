//! The PAM and OAuth doors, where the server has them:
//! 1. the session is the token's there too, and can be renewed
//! 2. a PAM module after ours refuses: the token was good, and there is no session

use jwt_sso_e2e::cluster::LogMark;
use jwt_sso_e2e::installation::Installation;
use jwt_sso_e2e::token::{now, tampered};
use jwt_sso_e2e::{Client, Cluster, Issuer, Transport, oauthbearer, pam};
use serde_json::json;

use super::{ISS, not_renewed, only, renew, token};

#[test]
fn s1_other_doors() {
    let whole = "SELECT principal, door, jwt_sso.claim('sub') FROM jwt_sso.session()";
    if Installation::get().with_pam {
        let builder = Cluster::builder().without_token_hba().core_hba(&pam::lines(pam::SERVICE));
        let cluster = builder.start();
        cluster.sql("CREATE EXTENSION jwt_sso");
        Issuer::example().install(&cluster, &["alice"]);
        for transport in [Transport::Tls, Transport::Socket] {
            let client = Client::new(&cluster, "alice").by(transport);
            let mut session = client.login(&token("alice").sign()).session();
            assert_eq!(session.query(whole).unwrap(), [["alice", "pam", "alice"]]);
            let later = token("alice").claim("exp", now() + 5_000).sign();
            renew(&mut session, &later).unwrap();
            not_renewed(&cluster, &mut session, &tampered(&later), "bad_signature");
            assert_eq!(cluster.sql("SELECT door FROM jwt_sso.sessions"), "pam");
            session.close();
            only(&cluster, "");
        }
        assert!(!cluster.log_since(LogMark::start()).contains("internal_error"));
    }
    if oauthbearer::offered() {
        let line = oauthbearer::method(ISS, "");
        let cluster = oauthbearer::builder(&format!("hostssl all all all {line}\n")).start();
        cluster.sql("CREATE EXTENSION jwt_sso");
        Issuer::example().install(&cluster, &["alice"]);
        let client = Client::new(&cluster, "alice");
        let login = oauthbearer::login(&client, &token("alice").sign()).login;
        let mut session = login.session();
        assert_eq!(session.query(whole).unwrap(), [["alice", "oauth", "alice"]]);
        // pg_ident.conf gave it the role; a renewal goes by the identity alone.
        cluster.configure(&[("jwt_sso.identity_map", &json!([format!("{ISS} a b")]).to_string())]);
        renew(&mut session, &token("alice").claim("exp", now() + 5_000).sign()).unwrap();
        not_renewed(&cluster, &mut session, &token("bob").sign(), "role_not_mapped");
    }
}

#[test]
fn s2_refused_later() {
    if !Installation::get().with_pam {
        return;
    }
    let lines = "auth required pam_jwt_sso.so\nauth required pam_deny.so\n\
                 account required pam_permit.so\n";
    let service = pam::Service::new(lines);
    let builder = Cluster::builder().without_token_hba().core_hba(&pam::lines(service.name()));
    let cluster = builder.start();
    cluster.sql("CREATE EXTENSION jwt_sso");
    Issuer::example().install(&cluster, &["alice"]);
    let mark = cluster.log_mark();
    let login = Client::new(&cluster, "alice").login(&token("alice").sign());
    assert_eq!(login.error().message, "PAM authentication failed for user \"alice\"");
    cluster.wait_log(mark, "jwt_sso: accepted door=pam user=\"alice\"");
    only(&cluster, "");
}
