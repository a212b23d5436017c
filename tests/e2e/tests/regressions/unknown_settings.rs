//! The server drops a custom setting that nobody defined, so that `identity_map_fiel = 'map'`
//! once meant that there was no map, and everybody was let in by his own name.

use std::fs;

use jwt_sso_e2e::{Client, Cluster, Issuer, refused};

use super::{finds, finds_not};

/// Where a mistake stands, the line, and the name in it.
type Mistake = (&'static str, &'static str, &'static str);

const MISTAKES: [Mistake; 4] = [
    ("postgresql.conf", "jwt_sso.identity_map_fiel = 'map'", "jwt_sso.identity_map_fiel"),
    ("included.conf", "jwt_sso.identity_map_fiel = 'map'", "jwt_sso.identity_map_fiel"),
    // A setting of a later release.
    ("conf.d/more.conf", "jwt_sso.of_tomorrow = '[]'", "jwt_sso.of_tomorrow"),
    ("postgresql.auto.conf", "jwt_sso.isuers = ''", "jwt_sso.isuers"),
];

/// The server reserves our prefix as it is written, and keeps this name until it is stopped.
const MIXED_CASE: Mistake = ("postgresql.conf", "JWT_Sso.Claims = 'sub'", "JWT_Sso.Claims");

/// The file that names the map, and how.
const NAMES_MAP: (&str, &str) = ("included.conf", "jwt_sso.identity_map_file = 'map'\n");

/// A server whose map lets `person` in as alice, and nobody else.
struct Server {
    cluster: Cluster,
}

impl Server {
    fn start() -> Server {
        let builder = Cluster::builder().conf("include 'included.conf'");
        let cluster = builder.conf("include_dir = 'conf.d'").prepare();
        cluster.write_file("map", b"https://issuer.example person alice\n");
        cluster.write_file(NAMES_MAP.0, NAMES_MAP.1.as_bytes());
        fs::create_dir(cluster.data_dir().join("conf.d")).unwrap();
        cluster.write_file("conf.d/more.conf", b"# nothing yet\n");
        cluster.start();
        Issuer::example().install(&cluster, &["alice", "bob"]);
        cluster.sql("CREATE EXTENSION jwt_sso");
        Server { cluster }
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.cluster.data_dir().join(file)).unwrap()
    }

    fn write(&self, file: &str, content: &str) {
        self.cluster.write_file(file, content.as_bytes());
    }

    /// The policy of [`Server::start`] is in force.
    #[track_caller]
    fn keeps_to_the_map(&self) {
        let token = Issuer::example().token("person").sign();
        Client::new(&self.cluster, "alice").login(&token).session();
        for role in ["alice", "bob"] {
            let token = Issuer::example().token(role).sign();
            let login = Client::new(&self.cluster, role).login(&token);
            refused(&self.cluster, role, &login, "role_not_mapped");
        }
    }

    #[track_caller]
    fn lets_nobody_in(&self) {
        for (subject, role) in [("person", "alice"), ("alice", "alice"), ("bob", "bob")] {
            let token = Issuer::example().token(subject).sign();
            let login = Client::new(&self.cluster, role).login(&token);
            assert!(!login.prompted);
            refused(&self.cluster, role, &login, "misconfigured");
        }
    }
}

/// Starts with a mistake, holds it to be reported, takes it out again.
fn at_start(server: &Server, (file, line, name): Mistake) {
    eprintln!("{file}: {line}");
    let sound = server.read(file);
    server.write(file, &format!("{sound}\n{line}\n"));
    let mark = server.cluster.log_mark();
    server.cluster.restart();
    let said = format!(r"LOG:  jwt_sso: refused at start: {name} \(unknown setting\)");
    server.cluster.wait_log(mark, &said);
    server.lets_nobody_in();
    finds(&server.cluster, &["error|", name, "unknown setting"]);
    // A reload that changes nothing leaves it at that.
    server.cluster.reload();
    server.lets_nobody_in();
    finds(&server.cluster, &["error|", name, "unknown setting"]);

    server.write(file, &sound);
    server.cluster.reload();
    server.keeps_to_the_map();
    finds_not(&server.cluster, &["unknown setting"]);
}

/// The mistake takes the place of the line that names the map.
fn in_a_reload(server: &Server, (file, line, name): Mistake) {
    eprintln!("{file}: {line}");
    server.write(NAMES_MAP.0, "");
    let sound = server.read(file);
    server.write(file, &format!("{sound}\n{line}\n"));
    let mark = server.cluster.log_mark();
    server.cluster.reload();
    let said = format!(r"LOG:  jwt_sso: refused in this reload: {name} \(unknown setting\)");
    server.cluster.wait_log(mark, &said);
    server.keeps_to_the_map();
    finds(&server.cluster, &["error|", "the previous policy", name]);
    // It stays so in the next reload.
    server.cluster.reload();
    server.keeps_to_the_map();

    server.write(file, &sound);
    server.write(NAMES_MAP.0, NAMES_MAP.1);
    server.cluster.reload();
    server.keeps_to_the_map();
    finds_not(&server.cluster, &["unknown setting"]);
}

#[test]
fn an_unknown_setting_is_no_missing_one_at_start() {
    let server = Server::start();
    for mistake in MISTAKES {
        at_start(&server, mistake);
    }
}

#[test]
fn an_unknown_setting_is_no_missing_one_in_a_reload() {
    let server = Server::start();
    server.keeps_to_the_map();
    for mistake in MISTAKES {
        in_a_reload(&server, mistake);
    }
}

#[test]
fn an_unknown_setting_in_mixed_case_is_no_missing_one_at_start() {
    at_start(&Server::start(), MIXED_CASE);
}

#[test]
fn an_unknown_setting_in_mixed_case_is_no_missing_one_in_a_reload() {
    in_a_reload(&Server::start(), MIXED_CASE);
}

#[test]
fn an_unknown_setting_is_no_missing_one_on_the_command_line() {
    let server = Server::start();
    server.cluster.stop();
    let mark = server.cluster.log_mark();
    server.cluster.try_start_with(&["-c", "jwt_sso.typo=1"]).unwrap();
    server.cluster.wait_log(mark, r"LOG:  jwt_sso: refused at start: jwt_sso\.typo \(unknown");
    server.lets_nobody_in();
    finds(&server.cluster, &["error|", "jwt_sso.typo (unknown setting)"]);
    // No file can mend it.
    server.cluster.reload();
    server.lets_nobody_in();
    finds(&server.cluster, &["error|", "no policy is in force", "unknown"]);
    server.cluster.restart();
    server.keeps_to_the_map();
}

#[test]
fn a_known_setting_in_mixed_case_is_no_unknown_one() {
    let server = Server::start();
    server.write(NAMES_MAP.0, "JWT_SSO.Identity_Map_FILE = 'map'\n");
    let mark = server.cluster.log_mark();
    server.cluster.reload();
    server.keeps_to_the_map();
    server.cluster.restart();
    server.keeps_to_the_map();
    let log = server.cluster.log_since(mark);
    assert!(!log.contains("jwt_sso: refused at start") && !log.contains("in this reload"), "{log}");
}
