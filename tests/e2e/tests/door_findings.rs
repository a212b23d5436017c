//! What `check()` finds of the HBA lines that ask for a token: the line that causes it, and the
//! row. What needs no server (which lines are reached, how lines are read) is in the unit tests
//! of `crates/core/src/hba`.
//! 1. a sound line of each door that this server has is named with its door, here and at start
//! 2. lines that are reached without TLS, with `require_tls` on and off
//! 3. lines by which no connection has TLS
//! 4. token lines that no connection reaches, also across an include
//! 5. no way in without a token, by the Unix socket
//! 6. no token line at all
//! 7. a trust line of the Unix socket, with `challenge_local`
//! 8. a PAM service without a file, in check() and in the log at start
//! 9. a PAM service that lacks an auth or an account line, also behind includes
//! 10. a PAM module that is no file
//! 11. a PAM service that the server may not read
//! 12. an HBA file that the server may not read any more; includes that never end
//! 13. an oauth line that is reached without TLS (18)
//! 14. an oauth line whose validator is not among `oauth_validator_libraries` (18)
//! 15. no finding repeats a secret of an HBA line

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use jwt_sso_e2e::installation::{Installation, output_of};
use jwt_sso_e2e::oauthbearer::offered;
use jwt_sso_e2e::pam;
use jwt_sso_e2e::{Cluster, Issuer};

const PEER: &str = "local all postgres peer map=harness\n";

/// A server whose settings are sound and whose token file has these lines, after the harness's.
fn start(lines: &str) -> Cluster {
    let cluster = Cluster::builder().token_hba(lines).start();
    Issuer::example().install(&cluster, &["alice"]);
    cluster.sql("CREATE EXTENSION jwt_sso");
    cluster
}

/// Other lines in the token file, the harness's first.
fn rewrite(cluster: &Cluster, lines: &str) {
    rewrite_whole(cluster, &format!("{PEER}{lines}"));
}

fn rewrite_whole(cluster: &Cluster, lines: &str) {
    cluster.write_file("jwt_sso_hba.conf", lines.as_bytes());
    cluster.reload();
}

/// Rows of check() as `severity|finding|hint`, without the policy's fingerprint.
fn check(cluster: &Cluster) -> Vec<String> {
    let rows = cluster.sql("SELECT * FROM jwt_sso.check()");
    let rows = rows.lines().map(str::to_owned);
    rows.filter(|row| !row.contains("policy fingerprint")).collect()
}

/// Holds the findings to be these, whatever their order: each the beginning of a row, and what
/// else is in it.
#[track_caller]
fn finds_only(cluster: &Cluster, expected: &[(&str, &str)]) {
    let rows = check(cluster);
    let is_there = |(beginning, rest): &(&str, &str)| {
        rows.iter().any(|row| row.starts_with(beginning) && row[beginning.len()..].contains(rest))
    };
    let missing: Vec<_> = expected.iter().filter(|row| !is_there(row)).collect();
    assert!(missing.is_empty() && rows.len() == expected.len(), "{missing:?} in {rows:#?}");
}

/// The HBA line that leads to this service.
fn line(service: &pam::Service) -> String {
    format!("hostssl all all all pam pamservice={}", service.name())
}

fn path(service: &pam::Service) -> String {
    format!("/etc/pam.d/{}", service.name())
}

#[test]
fn s01_doors() {
    if !Installation::get().with_pam {
        return;
    }
    let module = Path::new("/etc/hostname");
    let lines = |module: &str| format!("auth required {module}\naccount required {module}\n");
    // Any file will do for a report.
    let own = tempfile::Builder::new().prefix("module").tempdir().unwrap();
    fs::set_permissions(own.path(), Permissions::from_mode(0o755)).unwrap();
    let file = own.path().join("pam_jwt_sso.so");
    fs::copy(module, &file).unwrap();
    let service = pam::Service::new(&lines(&file.display().to_string()));
    let cluster = start(&format!("{}\nhostssl all alice all trust\n", line(&service)));
    let pam = "ok|token connections arrive by line 2 of ";
    finds_only(
        &cluster,
        &[
            (pam, &format!("jwt_sso_hba.conf: {} (pam door)|", line(&service))),
            ("warning|no connection reaches a token line, since line 2", "all alice all trust"),
        ],
    );
    let log = cluster.whole_log();
    assert!(log.contains(&format!("jwt_sso: {}", &pam[3..])), "{log}");

    rewrite(&cluster, "hostssl all alice all trust\nhostssl all all all pam\n");
    finds_only(&cluster, &[("ok|token connections arrive by line 2 of ", "trust (hook door)|")]);
}

#[test]
fn s02_without_tls() {
    let cluster = start("host all all all trust\n");
    let hint = "|Write it as hostssl all all all trust and then SELECT pg_reload_conf().";
    finds_only(&cluster, &[("warning|connections without TLS reach a token line", hint)]);
    cluster.configure(&[("jwt_sso.require_tls", "off")]);
    finds_only(
        &cluster,
        &[
            ("warning|tokens can be asked for without TLS by line 2 of ", hint),
            ("warning|jwt_sso.require_tls is off", ""),
        ],
    );
}

#[test]
fn s03_never_tls() {
    let cluster = start("hostnossl all all all trust\n");
    let hint = "|Write it as hostssl all all all trust and then SELECT pg_reload_conf().";
    finds_only(&cluster, &[("warning|no connection by this token line has TLS", hint)]);
}

#[test]
fn s04_unreachable() {
    let cluster = start("host all all all scram-sha-256\nhostssl all all all trust\n");
    let hint = "|Move it above line 2 of ";
    finds_only(&cluster, &[("warning|no connection reaches a token line, since line 2 of ", hint)]);
    rewrite(&cluster, "host all all all scram-sha-256\nhostssl replication all all trust\n");
    finds_only(&cluster, &[("ok|token connections arrive by line 3 of ", "")]);
    rewrite(&cluster, "host all all 0.0.0.0/0 md5\nhostssl all all all trust\n");
    finds_only(&cluster, &[("ok|token connections arrive by line 3 of ", "")]);
    rewrite(&cluster, "host all all 0.0.0.0/0 md5\nhost all all ::/0 md5\nhostssl a a all trust\n");
    finds_only(&cluster, &[("warning|no connection reaches a token line, since line 3 of ", "")]);
    if Installation::get().major >= 16 {
        cluster.write_file("before.conf", b"\nhost all all all scram-sha-256\n");
        rewrite(&cluster, "include before.conf\nhostssl all all all trust\n");
        let text = "warning|no connection reaches a token line, since line 2 of ";
        finds_only(&cluster, &[(text, "before.conf")]);
    }
}

#[test]
fn s05_break_glass() {
    let cluster = start("hostssl all all all trust\n");
    finds_only(&cluster, &[("ok|token connections", "")]);
    cluster.sql("CREATE ROLE other SUPERUSER LOGIN; CREATE ROLE plain LOGIN");
    let token = ("ok|token connections", "");
    let warning = (
        "warning|no HBA line lets a superuser in by the Unix socket without a token",
        "|Write local all postgres peer above line 2 of ",
    );
    for (line, expected) in [
        ("local all other peer", &[token][..]),
        ("local all all scram-sha-256", &[token]),
        ("local all plain peer", &[token, warning]),
        ("local all nobody peer", &[token, warning]),
        ("local all all reject", &[token, warning]),
        ("host all postgres 127.0.0.1/32 scram-sha-256", &[token, warning]),
    ] {
        // Read by check() alone: the server would let the harness in no more.
        let text = format!("{line}\nhostssl all all all trust\n");
        cluster.write_file("jwt_sso_hba.conf", text.as_bytes());
        eprintln!("{line}");
        finds_only(&cluster, expected);
    }
}

#[test]
fn s06_no_token_line() {
    let cluster = start("hostssl all all all scram-sha-256\n");
    let hint = "|Write hostssl all all all trust into ";
    finds_only(&cluster, &[("warning|no HBA line asks for a token", hint)]);
    let cluster = Cluster::builder().without_token_hba().start();
    Issuer::example().install(&cluster, &["alice"]);
    cluster.sql("CREATE EXTENSION jwt_sso");
    let hint = "|Write hostssl all all all pam pamservice=jwt_sso into ";
    finds_only(&cluster, &[("warning|no HBA line asks for a token", hint)]);
}

#[test]
fn s07_challenged_socket() {
    let lines = "local all alice trust\nhostssl all all all trust\n";
    let builder = Cluster::builder().token_hba(lines).core_hba("local all alice trust\n");
    let cluster = builder.start();
    Issuer::example().install(&cluster, &["alice"]);
    cluster.sql("CREATE EXTENSION jwt_sso");
    finds_only(&cluster, &[("ok|token connections arrive by line 3 of ", "")]);
    cluster.configure(&[("jwt_sso.challenge_local", "on")]);
    finds_only(
        &cluster,
        &[
            ("ok|token connections arrive by line 2 of ", "local all alice trust (hook door)|"),
            ("ok|token connections arrive by line 3 of ", ""),
            (
                "error|a trust line outside jwt_sso.hba_file is open",
                "/pg_hba.conf: local all alice",
            ),
        ],
    );
}

#[test]
fn s08_missing_service() {
    if !Installation::get().with_pam {
        return;
    }
    let name = pam::unused_name();
    let cluster = start(&format!("hostssl all all all pam pamservice={name}\n"));
    let text = format!("the PAM service \"{name}\" has no file");
    let hint = format!("pam_jwt_sso.so\\n' auth account >> /etc/pam.d/{name}");
    finds_only(&cluster, &[(&format!("error|{text}"), &hint)]);
    let log = cluster.whole_log();
    assert!(log.contains(&format!("LOG:  jwt_sso: {text}")), "{log}");
}

#[test]
fn s09_incomplete_service() {
    if !Installation::get().with_pam {
        return;
    }
    let auth = pam::Service::new("auth required pam_jwt_sso.so\naccount required pam_permit.so\n");
    let account = pam::Service::new("account required pam_jwt_sso.so\n");
    let none = pam::Service::new("# auth required pam_jwt_sso.so\n");
    let own = pam::Service::new("auth required /x/pam_jwt_sso.so\n");
    let text = format!("@include {}\naccount include {}\n", own.name(), account.name());
    let included = pam::Service::new(&text);
    let wrong = pam::Service::new(&format!("auth include {}\n", account.name()));
    let lines: Vec<String> = [&auth, &account, &none, &included, &wrong].map(line).to_vec();
    let cluster = start("local all all reject\n");
    for (service, lacks, types) in [
        (&auth, "has no account line with pam_jwt_sso.so", "account"),
        (&account, "has no auth line with pam_jwt_sso.so", "auth"),
        (&none, "has no auth and no account line with", "auth account"),
        (&wrong, "has no auth and no account line with", "auth account"),
    ] {
        rewrite(&cluster, &line(service));
        let path = path(service);
        let finding = format!("error|{path} {lacks}");
        finds_only(&cluster, &[(&finding, &format!("\\n' {types} >> {path}"))]);
    }
    rewrite(&cluster, &lines[3]);
    finds_only(&cluster, &[("error|the PAM module /x/pam_jwt_sso.so is missing", "")]);
}

#[test]
fn s10_missing_module() {
    if !Installation::get().with_pam {
        return;
    }
    let text = "auth required /no/pam_jwt_sso.so\naccount required /no/pam_jwt_sso.so\n";
    let service = pam::Service::new(text);
    let cluster = start(&line(&service));
    let finding = "the PAM module /no/pam_jwt_sso.so is missing, so every login is refused by ";
    finds_only(&cluster, &[(&format!("error|{finding}"), "|make install")]);
    assert!(cluster.whole_log().contains(&format!("LOG:  jwt_sso: {finding}")));
}

#[test]
fn s11_unreadable_service() {
    if !Installation::get().with_pam {
        return;
    }
    let service = pam::Service::new("auth required pam_jwt_sso.so\n");
    // Of root, who wrote it.
    let chmod = ["chmod", "0600", &path(&service)];
    let by_root = fs::set_permissions(path(&service), Permissions::from_mode(0o600));
    by_root.unwrap_or_else(|_| drop(output_of(Command::new("sudo").arg("-n").args(chmod))));
    let cluster = start(&line(&service));
    let hint = format!("|chmod a+r {}", path(&service));
    let finding =
        format!("error|the PAM service \"{}\" has no file that this server", service.name());
    finds_only(&cluster, &[(&finding, &hint)]);
}

#[test]
fn s12_unreadable_hba_files() {
    let cluster = start("hostssl all all all trust\n");
    let file = cluster.data_dir().join("jwt_sso_hba.conf");
    fs::set_permissions(&file, Permissions::from_mode(0o000)).unwrap();
    let unread = "warning|lines of the HBA file may be missing from this report: file ";
    finds_only(&cluster, &[(unread, "jwt_sso_hba.conf"), ("warning|no HBA line asks", "")]);
    // The server refuses such a file, and goes on with what it has read before.
    let endless = format!("{PEER}include jwt_sso_hba.conf\ninclude jwt_sso_hba.conf\n");
    cluster.write_file("jwt_sso_hba.conf", endless.as_bytes());
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    finds_only(
        &cluster,
        &[
            ("warning|lines of the HBA file may be missing from this report: no more than", ""),
            ("warning|no HBA line asks", ""),
        ],
    );
    // Latin-1 in a comment is nothing to stumble over.
    cluster.write_file("jwt_sso_hba.conf", b"# caf\xe9\nlocal all all peer\nhost a a all trust\n");
    finds_only(&cluster, &[("warning|connections without TLS", "line 3 of ")]);
}

#[test]
fn s13_oauth_in_clear() {
    if !offered() {
        return;
    }
    let line =
        "all all all oauth issuer=\"https://issuer.example\" scope=\"openid\" validator=jwt_sso";
    let builder = Cluster::builder().conf("oauth_validator_libraries = 'jwt_sso'");
    let cluster = builder.token_hba(&format!("host {line}\n")).start();
    Issuer::example().install(&cluster, &["alice"]);
    cluster.sql("CREATE EXTENSION jwt_sso");
    let finding = "a client without TLS sends its token in clear before it can be refused, by ";
    let hint = format!("|Write it as hostssl {line} and then");
    finds_only(&cluster, &[(&format!("error|{finding}"), &hint)]);
    assert!(cluster.whole_log().contains(&format!("LOG:  jwt_sso: {finding}")));
    rewrite(&cluster, &format!("hostssl {line}\n"));
    finds_only(&cluster, &[("ok|token connections arrive by line 2 of ", "(oauth door)|")]);
    rewrite(&cluster, &format!("hostssl {}\n", line.replace(" validator=jwt_sso", "")));
    finds_only(&cluster, &[("ok|token connections arrive by line 2 of ", "(oauth door)|")]);
}

#[test]
fn s14_oauth_library() {
    if !offered() {
        return;
    }
    let line = "hostssl all all all oauth issuer=\"https://issuer.example\" scope=\"openid\" \
                validator=jwt_sso";
    let builder = Cluster::builder().conf("oauth_validator_libraries = 'jwt_sso'");
    let cluster = builder.token_hba(&format!("{line}\n")).start();
    Issuer::example().install(&cluster, &["alice"]);
    cluster.sql("CREATE EXTENSION jwt_sso");
    cluster.append_conf("oauth_validator_libraries = ''");
    cluster.reload();
    let finding = "error|the validator jwt_sso is not among oauth_validator_libraries";
    finds_only(&cluster, &[(finding, "|Write oauth_validator_libraries = 'jwt_sso'")]);
}

#[test]
fn s15_secrets() {
    let cluster = start("hostssl all all all trust\n");
    // The server refuses such a file as a whole; check() reads what is there.
    rewrite(
        &cluster,
        "host all all all ldap ldapserver=127.0.0.1 ldapprefix=a ldapsuffix=hunter2\n\
         hostssl all all all trust ldapbindpasswd=hunter2 # hunter2\n",
    );
    let rows = check(&cluster).join("\n");
    assert!(rows.contains("(method ldap)"), "{rows}");
    assert!(rows.contains("hostssl all all all trust ldapbindpasswd=..."), "{rows}");
    assert!(!rows.contains("hunter2"), "{rows}");
    let log = cluster.whole_log();
    let ours = log.lines().filter(|line| line.contains("jwt_sso: "));
    assert!(!ours.collect::<String>().contains("hunter2"), "{log}");
}
