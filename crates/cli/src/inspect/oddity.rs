//! What a server, a pooler or a careful reader would stumble over.

use super::contents::{Contents, Part};
use super::intake::Given;
use super::moment;
use jwt_sso_core::algorithm::Algorithm;
use jwt_sso_core::claims::Claims;
use jwt_sso_core::json::Node;
use jwt_sso_core::refusal::{Malformed, Refusal};
use jwt_sso_core::time::UnixTime;
use jwt_sso_core::token::MAX_BYTES;
use jwt_sso_core::visible::quote;

/// Something that is odd.
#[derive(Debug)]
pub struct Oddity {
    /// For programs; never changes.
    pub code: &'static str,
    /// For people.
    pub text: String,
}

/// What others than PostgreSQL take of a password, in bytes.
const PGPOOL: usize = 1023;
const PGBOUNCER: usize = 2047;

/// The default of `jwt_sso.clock_skew`, in seconds.
const SKEW: u64 = 30;

/// Longer is rare, and a stolen token serves as long.
const LONG_LIFETIME: u64 = 24 * 60 * 60;

/// Members of a header by which a token offers a key of its own.
const OWN_KEYS: [&str; 4] = ["jku", "jwk", "x5u", "x5c"];

/// Everything, in the order in which a server would find it.
pub fn all(given: &Given, contents: &Contents<'_>) -> Vec<Oddity> {
    let mut found = Found(Vec::new());
    if let Some(why) = contents.why_none() {
        found.add("no_jwt", why);
    }
    handed_over(given, contents, &mut found);
    size(contents.text().len(), &mut found);
    if contents.is_jwt() {
        header(contents, &mut found);
        if let Some(claims) = contents.claims() {
            members(&claims, &mut found);
            times(&claims, moment::now(), &mut found);
        }
    }
    found.0
}

struct Found(Vec<Oddity>);

impl Found {
    fn add(&mut self, code: &'static str, text: impl Into<String>) {
        self.0.push(Oddity { code, text: text.into() });
    }
}

fn handed_over(given: &Given, contents: &Contents<'_>, found: &mut Found) {
    if given.cut {
        found.add(
            "cut_by_terminal",
            "it has exactly 4095 bytes: the terminal has cut it; use a pipe or --file",
        );
    }
    if given.bearer {
        found.add("bearer", "\"Bearer\" stood before it, which is no part of a password");
    }
    if contents.text().contains(char::is_whitespace) {
        found.add(
            "white_space",
            "there is white space inside of it: it was copied with line breaks",
        );
    }
    match contents.signature_bytes() {
        None if contents.is_jwt() => {
            found.add("no_signature", "the signature was cut off; no server lets it in");
        }
        Some(0) => found.add("no_signature", "the signature is empty; no server lets it in"),
        _ => {}
    }
}

fn size(bytes: usize, found: &mut Found) {
    if bytes > MAX_BYTES {
        found.add("size_postgresql", format!("{bytes} bytes: PostgreSQL takes {MAX_BYTES}"));
    }
    if bytes > PGBOUNCER {
        let text = format!("{bytes} bytes: PgBouncer takes {PGBOUNCER} before its version 1.26");
        found.add("size_pgbouncer", text);
    }
    if bytes > PGPOOL {
        found.add("size_pgpool", format!("{bytes} bytes: pgpool-II takes {PGPOOL}"));
    }
}

fn header(contents: &Contents<'_>, found: &mut Found) {
    let (Part::Object(node), Some(header)) = (contents.header(), contents.typed_header()) else {
        return;
    };
    algorithm(node.get("alg"), found);
    for fault in header.faults() {
        let code = if matches!(fault, Malformed::Critical) { "crit" } else { "typ" };
        found.add(code, fault.to_string());
    }
    if header.kid().is_none() {
        let text = "the header has no kid: it is taken only where exactly one key fits";
        found.add("no_kid", text);
    }
    for member in OWN_KEYS.iter().filter(|member| node.get(member).is_some()) {
        let text = format!("the header has {member}, which is ignored: keys come from settings");
        found.add("own_key", text);
    }
    if node.get("nonce").is_some() {
        let text = "the header has a nonce, as Microsoft Graph's tokens have: nobody else can \
                    verify them; ask for the audience of your own application";
        found.add("nonce", text);
    }
}

fn algorithm(alg: Option<&Node<'_>>, found: &mut Found) {
    let Some(name) = alg.and_then(Node::as_str) else {
        return found.add("alg", "the header has no alg");
    };
    if Algorithm::from_name(name).is_some() {
        return;
    }
    let why = if name.eq_ignore_ascii_case("none") {
        "it is not signed at all".to_owned()
    } else if name.starts_with("HS") {
        "HMAC: whoever can verify it can forge it, so it is not accepted".to_owned()
    } else {
        let known: Vec<&str> = Algorithm::ALL.iter().map(|known| known.name()).collect();
        format!("accepted are {}", known.join(", "))
    };
    found.add("alg", format!("the algorithm is {}: {why}", quote(name)));
}

fn members(claims: &Claims<'_>, found: &mut Found) {
    if claims.issuer().is_none_or(str::is_empty) {
        found.add("no_iss", "there is no iss: nobody knows whose keys to take");
    }
    let audience = claims.audience();
    if audience.is_empty() || audience.iter().all(|name| name.is_empty()) {
        found.add("no_aud", "there is no aud: it says not for whom it is, and no server takes it");
    }
    if audience.contains(&"account") {
        let text = "aud is \"account\", which Keycloak gives every client of a realm: add an \
                    audience mapper";
        found.add("aud_account", text);
    }
}

fn times(claims: &Claims<'_>, now: UnixTime, found: &mut Found) {
    let mut time = |claim: &str| match claims.numeric_date(claim) {
        Ok(time) => time,
        Err(Refusal::InvalidClaim { found: what, .. }) => {
            found.add("time_type", format!("{claim} is {what}, and should be a time"));
            None
        }
        Err(_) => None,
    };
    let (exp, nbf, iat) = (time("exp"), time("nbf"), time("iat"));
    match exp {
        Some(exp) if exp <= now => {
            found.add("expired", format!("it expired {} ago", moment::distance(exp, now)));
        }
        Some(exp) if exp.seconds().saturating_sub(iat.unwrap_or(now).seconds()) > LONG_LIFETIME => {
            let lifetime = moment::distance(iat.unwrap_or(now), exp);
            found.add("long_lifetime", format!("it is valid for {lifetime}, more than a day"));
        }
        Some(_) => {}
        None if claims.numeric_date("exp").is_ok() => {
            found.add("no_exp", "there is no exp: it would never expire, and no server takes it");
        }
        None => {}
    }
    let latest = now.plus(SKEW);
    for (claim, code, time) in [("nbf", "nbf_in_future", nbf), ("iat", "iat_in_future", iat)] {
        if let Some(time) = time.filter(|time| *time > latest) {
            let distance = moment::distance(now, time);
            let text = format!("{claim} is {distance} in the future: are the clocks right?");
            found.add(code, text);
        }
    }
}
