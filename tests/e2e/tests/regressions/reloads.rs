//! Every process reads the configuration at a reload; only the postmaster and the worker are
//! to make anything of ours of it.

use jwt_sso_e2e::message::{Message, frame};
use jwt_sso_e2e::wire::Wire;
use jwt_sso_e2e::{Client, Cluster, Issuer, Transport};

use super::{memory, wide_regexes};

/// More than any session needs here, and less than 2,000 regexes of [`wide_regexes`] take.
const MOST_GROWTH: u64 = 100 * 1024;

fn server() -> Cluster {
    let lines = "local replication postgres peer map=harness\n";
    let builder = Cluster::builder().token_hba(lines).conf("include_if_exists = 'jwt.conf'");
    let cluster = builder.start();
    edit(&cluster, "");
    cluster
}

/// Settings as an editor writes them: ALTER SYSTEM would refuse or warn right away.
fn edit(cluster: &Cluster, lines: &str) {
    let base = Issuer::example().conf();
    cluster.write_file("jwt.conf", format!("{base}{lines}").as_bytes());
    cluster.reload();
}

/// A value between the quotes of postgresql.conf.
fn quoted(value: &str) -> String {
    value.replace('\\', r"\\").replace('\n', r"\n").replace('\'', "''")
}

/// A line with an issuer over http, and one with a dot between letters.
fn unwise() -> String {
    let map = quoted(r"http://issuer.example /^(.*)@corp.example$ \1");
    format!("jwt_sso.issuers = 'http://issuer.example'\njwt_sso.identity_map = '{map}'\n")
}

fn superuser(cluster: &Cluster) -> Client<'_> {
    Client::new(cluster, "postgres").by(Transport::Socket)
}

/// Reads up to a message that ends the wait; holds none before it to be a notice.
fn read_until(wire: &mut Wire, is_last: impl Fn(&Message) -> bool) -> Vec<Message> {
    let mut messages = Vec::new();
    loop {
        let message = wire.read().expect("the server stays");
        let text = String::from_utf8_lossy(&message.body).into_owned();
        assert!(message.tag != b'N' && message.tag != b'E', "{text}");
        let is_end = is_last(&message);
        messages.push(message);
        if is_end {
            return messages;
        }
    }
}

/// The one value of a query, which is to bring no notice along.
fn value(session: &mut Wire, sql: &str) -> String {
    session.send(&frame(b'Q', format!("{sql}\0").as_bytes())).unwrap();
    let messages = read_until(session, |message| message.tag == b'Z');
    let row = messages.iter().find(|message| message.tag == b'D').expect("a row").row();
    row.into_iter().next().expect("a column")
}

#[test]
fn sessions_do_not_judge_at_a_reload() {
    let cluster = server();
    let mut session = superuser(&cluster).login("").session();
    let pid = value(&mut session, "SELECT pg_backend_pid()").parse().unwrap();
    let before = memory(pid, "VmHWM");

    edit(&cluster, &unwise());
    assert_eq!(value(&mut session, "SHOW jwt_sso.issuers"), "http://issuer.example");

    let map = wide_regexes();
    let mark = cluster.log_mark();
    edit(&cluster, &format!("jwt_sso.identity_map = '{}'\n", quoted(&map)));
    assert_eq!(value(&mut session, "SHOW jwt_sso.identity_map"), map);
    // One more line is one too many: refused, by those who decide.
    let more = map + &wide_regexes();
    edit(&cluster, &format!("jwt_sso.identity_map = '{}'\n", quoted(&more)));
    cluster.wait_log(mark, r"LOG:  jwt_sso: refused in this reload: jwt_sso\.identity_map;");
    assert!(value(&mut session, "SHOW jwt_sso.identity_map").contains("@ex1999"));

    let growth = memory(pid, "VmHWM") - before;
    assert!(growth < MOST_GROWTH, "the session has taken {growth} kB");
}

/// A walsender that streams from the end of the log on.
fn stream(cluster: &Cluster) -> Wire {
    let mut walsender = superuser(cluster).parameter("replication", "true").login("").session();
    let system = walsender.query("IDENTIFY_SYSTEM").unwrap();
    let (timeline, position) = (&system[0][1], &system[0][2]);
    let command = format!("START_REPLICATION PHYSICAL {position} TIMELINE {timeline}\0");
    walsender.send(&frame(b'Q', command.as_bytes())).unwrap();
    let first = walsender.read().expect("an answer");
    assert_eq!(first.tag, b'W', "CopyBothResponse: {first:?}");
    walsender
}

/// Asks for a keepalive and waits for it. A walsender looks for a reload before each message
/// that it reads, so that it has seen one by then.
fn keepalive(walsender: &mut Wire) {
    // Standby status update: 'r', three positions and a time of 8 bytes each, "reply at once".
    let status = [&b"r"[..], &[0; 32], &[1]].concat();
    walsender.send(&frame(b'd', &status)).unwrap();
    read_until(walsender, |message| message.tag == b'd' && message.body[0] == b'k');
}

#[test]
fn walsenders_do_not_judge_at_a_reload() {
    let cluster = server();
    let mut walsender = stream(&cluster);
    keepalive(&mut walsender);
    edit(&cluster, &unwise());
    // Twice: the first request may come between the look for a reload and that for messages.
    keepalive(&mut walsender);
    keepalive(&mut walsender);
    cluster.wait_log(jwt_sso_e2e::cluster::LogMark::start(), "WARNING:  jwt_sso: .*http://issuer");
}
