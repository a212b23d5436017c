//! The PAM module in services of other shapes. They are files in /etc/pam.d, so these tests need
//! root, or sudo without a password.
//! 1. the module's file is missing: refused before any prompt
//! 2. the service's file is missing: PAM asks the service "other", which knows no tokens
//! 3. account management accepts nobody whom the module has not let in
//! 4. our refusal is not heard where another module then lets the client in
//! 5. our acceptance does not help where another module then refuses, and core speaks for it
//! 6. our refusal is heard where the others refuse too
//! 7. a client that hangs up at another module's prompt, after our refusal, is told nothing
//! 8. the module twice in one service: after a refusal nothing more is asked or logged
//! 9. without an account line PAM asks "other", which knows no account for the role
//! 10. a program that is no PostgreSQL server: refused, without a question
//! 11. a line of our module for sessions and passwords is no fault
//! 12. a service of ours whose modules let the client in without asking ours: refused, also where
//!     another library took the hook away

use std::process::Command;

use jwt_sso_e2e::cluster::LogMark;
use jwt_sso_e2e::fixture::{Manners, auth_hook, pam_program};
use jwt_sso_e2e::installation::output_of;
use jwt_sso_e2e::pam::{self, Service};
use jwt_sso_e2e::token::tampered;
use jwt_sso_e2e::trace::Trace;
use jwt_sso_e2e::wire::Login;
use jwt_sso_e2e::{Client, Cluster, Issuer, refused};

/// Roles that no operating system has as users.
const ROLES: [&str; 2] = ["jwt_sso_alice", "jwt_sso_bob"];
const ALICE: &str = ROLES[0];

/// A server whose lines lead to this service.
fn start(service: &str) -> Cluster {
    let builder = Cluster::builder().without_token_hba().core_hba(&pam::lines(service));
    let cluster = builder.conf("log_connections = on").start();
    Issuer::example().install(&cluster, &ROLES);
    cluster
}

fn client(cluster: &Cluster) -> Client<'_> {
    Client::new(cluster, ALICE).at("pam")
}

fn token() -> String {
    Issuer::example().token(ALICE).sign()
}

#[track_caller]
fn refused_by_core(login: &Login) {
    let error = login.error();
    assert_eq!(error.message, format!("PAM authentication failed for user \"{ALICE}\""));
    assert_eq!(format!("{}{}", error.detail, error.hint), "");
}

#[test]
fn s1_module_missing() {
    let missing = "/nonexistent/pam_jwt_sso.so";
    let service = Service::new(&format!("auth required {missing}\naccount required {missing}\n"));
    let cluster = start(service.name());
    let login = client(&cluster).login(&token());
    assert!(!login.prompted);
    refused_by_core(&login);
    assert!(!cluster.whole_log().contains("jwt_sso: accepted"), "{}", cluster.log_tail());
}

#[test]
fn s2_service_missing() {
    let cluster = start(&pam::unused_name());
    refused_by_core(&client(&cluster).login(&token()));
    assert!(!cluster.whole_log().contains("door=pam"), "{}", cluster.log_tail());
}

#[test]
fn s3_account() {
    let service = Service::new("auth required pam_permit.so\naccount required pam_jwt_sso.so\n");
    let cluster = start(service.name());
    let mark = cluster.log_mark();
    let login = client(&cluster).login(&token());
    assert!(!login.prompted);
    refused_by_core(&login);
    cluster.wait_log(mark, "pam_acct_mgmt failed");
    // The same, where the module was asked and refused.
    let lines = "auth sufficient pam_jwt_sso.so\nauth required pam_permit.so\n\
                 account required pam_jwt_sso.so\n";
    let service = Service::new(lines);
    let cluster = start(service.name());
    client(&cluster).login(&token()).session();
    let mark = cluster.log_mark();
    let login = client(&cluster).login(&tampered(&token()));
    refused(&cluster, ALICE, &login, "bad_signature");
    cluster.wait_log(mark, "pam_acct_mgmt failed");
}

#[test]
fn s4_let_in_by_another() {
    let lines = "auth sufficient pam_jwt_sso.so\nauth required pam_permit.so\n\
                 account required pam_permit.so\n";
    let service = Service::new(lines);
    let cluster = start(service.name());
    let mark = cluster.log_mark();
    let mut session = client(&cluster).login(&tampered(&token())).session();
    cluster.wait_log(mark, "jwt_sso: refused reason=bad_signature .*door=pam");
    // Nothing of the refusal comes up later.
    assert_eq!(session.query("SELECT current_user").unwrap(), [[ALICE]]);
    let error = session.query("SELECT 1/0").unwrap_err();
    assert_eq!((error.code.as_str(), error.detail.as_str()), ("22012", ""));
}

#[test]
fn s5_refused_by_another() {
    let service = Service::new("auth required pam_jwt_sso.so\nauth required pam_deny.so\n");
    let cluster = start(service.name());
    let mark = cluster.log_mark();
    refused_by_core(&client(&cluster).login(&token()));
    cluster.wait_log(mark, "jwt_sso: accepted door=pam");
}

#[test]
fn s6_refused_by_all() {
    let service = Service::new("auth sufficient pam_jwt_sso.so\nauth required pam_deny.so\n");
    let cluster = start(service.name());
    refused(&cluster, ALICE, &client(&cluster).login(&tampered(&token())), "bad_signature");
}

#[test]
fn s7_hang_up_at_another() {
    let service = Service::new("auth sufficient pam_jwt_sso.so\nauth required pam_unix.so\n");
    let cluster = start(service.name());
    cluster.configure(&[("jwt_sso.enabled", "off")]);
    let mut wire = client(&cluster).open();
    let trace = Trace::of(&wire);
    wire.prompt();
    wire.hang_up();
    let lines = trace.lines(&cluster);
    let ours = lines.iter().filter(|line| line.contains("jwt_sso: refused reason=disabled"));
    assert_eq!(ours.count(), 1, "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("FATAL")), "{lines:#?}");
}

#[test]
fn s8_twice() {
    let twice = "auth required pam_jwt_sso.so\n".repeat(2) + "account required pam_jwt_sso.so\n";
    let service = Service::new(&twice);
    let cluster = start(service.name());
    // The raw client panics at a second prompt.
    refused(&cluster, ALICE, &client(&cluster).login(&tampered(&token())), "bad_signature");
    let log = cluster.whole_log();
    assert_eq!(log.matches("jwt_sso: refused").count(), 1, "{log}");
}

#[test]
fn s9_no_account_line() {
    let service = Service::new("auth required pam_jwt_sso.so\n");
    let cluster = start(service.name());
    let mark = cluster.log_mark();
    refused_by_core(&client(&cluster).login(&token()));
    cluster.wait_log(mark, "jwt_sso: accepted door=pam");
    cluster.wait_log(mark, "pam_acct_mgmt failed");
}

#[test]
fn s10_another_program() {
    let (_directory, program) = built_program();
    let account = Service::new("auth required pam_permit.so\naccount required pam_jwt_sso.so\n");
    let services = [pam::SERVICE, account.name(), pam::SERVICE];
    let output = Command::new(&program).args(services).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    // PAM_AUTHINFO_UNAVAIL and PAM_AUTH_ERR, never a question.
    let expected = format!("jwt_sso 9 7 0\n{} 0 7 0\njwt_sso 9 7 0\n", account.name());
    assert_eq!(told, expected);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("jwt_sso library is not preloaded in this process"), "{stderr}");
    // The same program is asked by a module that does ask.
    let asking = Service::new("auth required pam_unix.so nodelay\n");
    let told = output_of(Command::new(&program).arg(asking.name()));
    assert!(told.ends_with(" 1"), "{told}");
}

fn built_program() -> (tempfile::TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let program = pam_program(directory.path());
    (directory, program)
}

#[test]
fn s11_other_facilities() {
    let kinds = ["auth", "account", "session", "password"];
    let service =
        Service::new(&kinds.map(|kind| format!("{kind} required pam_jwt_sso.so\n")).concat());
    let cluster = start(service.name());
    client(&cluster).login(&token()).session();
    refused(&cluster, ALICE, &client(&cluster).login(&tampered(&token())), "bad_signature");
}

#[test]
fn s12_module_not_asked() {
    let before_ours = "auth sufficient pam_permit.so\nauth required pam_jwt_sso.so\n\
                       account sufficient pam_permit.so\naccount required pam_jwt_sso.so\n";
    // As the service "other" of a machine whose users are the directory's.
    let instead = "auth required pam_permit.so\naccount required pam_permit.so\n";
    for lines in [before_ours, instead] {
        let service = Service::new(lines);
        let cluster = start(service.name());
        refused(&cluster, ALICE, &client(&cluster).login(&token()), "misconfigured");
        let line = cluster.wait_log(LogMark::start(), "refused reason=misconfigured .*door=pam");
        assert!(line.contains("let the client in without asking jwt_sso"), "{line}");

        let displaced =
            Cluster::builder().without_token_hba().core_hba(&pam::lines(service.name()));
        let cluster = displaced.prepare();
        let library = auth_hook(&cluster, Manners::Displaces);
        cluster.append_conf(&format!("shared_preload_libraries = 'jwt_sso,{}'", library.display()));
        cluster.start();
        Issuer::example().install(&cluster, &ROLES);
        refused(&cluster, ALICE, &client(&cluster).login(&token()), "misconfigured");
    }
}
