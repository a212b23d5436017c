//! Which rules no connection reaches, since rules before them take each one.
//!
//! Only what is certain without the server counts: rules for every user and
//! every database, from every address of a family. Connections are sorted by
//! the way they come, by family and by whether they replicate, and each sort is
//! a bit.

use super::{Address, Kind, Line, Word};

/// A set of sorts of connections.
type Sorts = u16;

const UNIX: Sorts = 0b1;
const TLS: Sorts = 0b0000_0010;
const PLAIN: Sorts = 0b0000_0100;
const GSS: Sorts = 0b0000_1000;
const WAYS: Sorts = UNIX | TLS | PLAIN | GSS;
/// The first four bits are IPv4 (and Unix sockets), the next four IPv6; the
/// upper eight are the same for replication.
const V6_SHIFT: u32 = 4;
const REPLICATION_SHIFT: u32 = 8;

/// For each rule that no connection reaches, the one before it that takes the
/// last of them, by their indexes.
pub fn unreachable<'l>(lines: impl IntoIterator<Item = &'l Line>) -> Vec<(usize, usize)> {
    // Each rule that took something new, with all that is taken after it: at
    // most one for each bit.
    let mut takers: Vec<(usize, Sorts)> = Vec::new();
    let mut unreachable = Vec::new();
    for (index, line) in lines.into_iter().enumerate() {
        let wants = touched(line);
        if let Some((taker, _)) = takers.iter().find(|(_, taken)| wants & !taken == 0) {
            unreachable.push((index, *taker));
        }
        let before = takers.last().map_or(0, |(_, taken)| *taken);
        let after = before | taken(line);
        if after != before {
            takers.push((index, after));
        }
    }
    unreachable
}

/// The sorts of which the rule may take a connection.
fn touched(line: &Line) -> Sorts {
    let families = match line.address {
        Address::Network { is_v6, .. } => (!is_v6, is_v6),
        Address::Every | Address::Other => (true, true),
    };
    let names_a_file = |word: &Word| !word.quoted && word.text.starts_with('@');
    let replication = |word: &Word| word.is("replication");
    let ordinary = line.databases.iter().any(|word| !replication(word));
    let replicates = line.databases.iter().any(|word| replication(word) || names_a_file(word));
    sorts(line.kind, families, ordinary, replicates)
}

/// The sorts of which the rule takes each connection.
fn taken(line: &Line) -> Sorts {
    if !line.users.iter().any(|word| word.is("all")) {
        return 0;
    }
    let families = match line.address {
        Address::Every => (true, true),
        Address::Network { is_v6, is_whole: true } => (!is_v6, is_v6),
        Address::Network { .. } | Address::Other => (false, false),
    };
    // A connection for replication is in no database: `all` is not for it.
    let has = |keyword| line.databases.iter().any(|word| word.is(keyword));
    sorts(line.kind, families, has("all"), has("replication"))
}

fn sorts(kind: Kind, (v4, v6): (bool, bool), ordinary: bool, replication: bool) -> Sorts {
    let ways = match kind {
        Kind::Local => UNIX,
        Kind::Host => TLS | PLAIN | GSS,
        Kind::HostSsl => TLS,
        Kind::HostNoSsl => PLAIN | GSS,
        Kind::HostGssEnc => GSS,
        Kind::HostNoGssEnc => TLS | PLAIN,
    };
    let over_v4 = if v4 { ways & WAYS } else { 0 };
    let over_v6 = if v6 { (ways & !UNIX) << V6_SHIFT } else { 0 };
    let by_address = over_v4 | over_v6;
    let in_databases = if ordinary { by_address } else { 0 };
    let for_replication = if replication { by_address << REPLICATION_SHIFT } else { 0 };
    in_databases | for_replication
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use super::*;

    #[test]
    fn rules_that_nothing_reaches() {
        for (text, expected) in [
            ("host all all all md5\nhostssl all all all trust", &[(1, 0)][..]),
            ("hostssl all all all md5\nhost all all all trust", &[]),
            (
                "hostssl all all all md5\nhostnossl all all all md5\nhost all all all trust",
                &[(2, 1)],
            ),
            (
                "hostnogssenc all all all md5\nhostgssenc all all all md5\nhost a a all pam",
                &[(2, 1)],
            ),
            ("hostnossl all all all md5\nhostgssenc all a samenet pam", &[(1, 0)]),
            ("host all all 0.0.0.0/0 md5\nhostssl all all all trust", &[]),
            ("host all all 0.0.0.0/0 md5\nhost all all ::/0 md5\nhostssl a b all trust", &[(2, 1)]),
            ("host all all 0.0.0.0 0.0.0.0 md5\nhostssl a b 10.0.0.0/8 trust", &[(1, 0)]),
            ("host all all 0.0.0.0/0 md5\nhostssl a b ::1/128 trust", &[]),
            ("host all all 0.0.0.0/0 md5\nhostssl a b example.com trust", &[]),
            ("host all all 10.0.0.0/8 md5\nhostssl all all 10.0.0.0/8 trust", &[]),
            ("host all all samenet md5\nhostssl all all samenet trust", &[]),
            ("host all a all md5\nhostssl all a all trust", &[]),
            ("host a all all md5\nhostssl a all all trust", &[]),
            ("host x,all +a,all all md5\nhostssl a a all trust", &[(1, 0)]),
            ("host \"all\" all all md5\nhostssl all all all trust", &[]),
            ("host all \"all\" all md5\nhostssl all all all trust", &[]),
            ("host all all \"all\" md5\nhostssl all all all trust", &[]),
            ("host all all all md5\nhostssl replication all all trust", &[]),
            ("host replication all all md5\nhostssl replication a all trust", &[(1, 0)]),
            ("host replication all all md5\nhostssl all,replication all all trust", &[]),
            ("host all,replication all all md5\nhostssl a,replication all all pam", &[(1, 0)]),
            ("host all all all md5\nhostssl \"replication\" all all trust", &[(1, 0)]),
            ("host all all all md5\nhostssl @databases all all trust", &[]),
            ("local all all peer\nhost all all all trust", &[]),
            ("host all all all trust\nlocal all all peer", &[]),
            ("local all all pam\nlocal all postgres peer\nlocal replication a peer", &[(1, 0)]),
            ("host all all all md5\nhost a a all pam\nhost b b all pam", &[(1, 0), (2, 0)]),
        ] {
            assert_eq!(unreachable(&lines(text)), expected, "{text}");
        }
    }
}
