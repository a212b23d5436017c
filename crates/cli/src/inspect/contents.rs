//! A token taken apart, as far as it goes, by the server's own reading.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_sso_core::claims::Claims;
use jwt_sso_core::json::{self, Node};
use jwt_sso_core::refusal::Malformed;
use jwt_sso_core::token::{CompactJws, Header};

/// What a token holds. Nothing in it is to be believed.
#[derive(Debug)]
pub struct Contents<'t> {
    token: &'t str,
    header: Option<Vec<u8>>,
    payload: Option<Vec<u8>>,
    fault: Option<Fault>,
}

/// Why it is no JWT.
#[derive(Debug)]
enum Fault {
    /// No dots: the issuer alone can read it.
    Opaque,
    /// Five parts (RFC 7516 §7.1).
    Encrypted,
    Malformed(Malformed),
}

/// One of the two parts that can be read.
pub enum Part<'c> {
    /// There is none, or it is not base64url.
    None,
    /// It is no JSON object of the strict kind.
    Text(String),
    Object(Node<'c>),
}

impl<'t> Contents<'t> {
    /// Takes it apart.
    pub fn of(token: &'t str) -> Contents<'t> {
        let mut parts = token.split('.');
        let mut decoded = || parts.next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let (header, payload) = match token.split('.').count() {
            1 => (None, None),
            // The other four of an encrypted token are not to be read.
            5 => (decoded(), None),
            _ => (decoded(), decoded()),
        };
        Contents { token, header, payload, fault: fault(token) }
    }

    /// The token itself.
    pub fn text(&self) -> &'t str {
        self.token
    }

    /// Header and claims with the dot between them.
    pub fn unsigned(&self) -> &'t str {
        let end = self.token.match_indices('.').nth(1).map(|(at, _)| at);
        &self.token[..end.unwrap_or(self.token.len())]
    }

    pub fn is_jwt(&self) -> bool {
        self.fault.is_none()
    }

    /// In words, where it is none.
    pub fn why_none(&self) -> Option<String> {
        Some(match self.fault.as_ref()? {
            Fault::Opaque => "an opaque token, without dots, which only its issuer can read; ask \
                              for an ID token, or name an audience that has JWTs"
                .to_owned(),
            Fault::Encrypted => "an encrypted token (JWE, five parts), which no server of \
                                 PostgreSQL can read; let the issuer send signed ones"
                .to_owned(),
            Fault::Malformed(what) => what.to_string(),
        })
    }

    pub fn header(&self) -> Part<'_> {
        part(self.header.as_deref())
    }

    pub fn payload(&self) -> Part<'_> {
        part(self.payload.as_deref())
    }

    /// The claims, where their types are those of the RFC.
    pub fn claims(&self) -> Option<Claims<'_>> {
        Claims::parse(self.payload.as_deref()?).ok()
    }

    /// The header, where its types are those of the RFC.
    pub fn typed_header(&self) -> Option<Header> {
        Header::parse(self.header.as_deref()?).ok()
    }

    /// The length of the signature, in bytes; `None` where there is no place for one.
    pub fn signature_bytes(&self) -> Option<usize> {
        let mut parts = self.token.split('.').skip(2);
        match (parts.next(), parts.next()) {
            (Some(signature), None) => Some(signature.len() * 3 / 4),
            _ => None,
        }
    }
}

/// The server's own checks of form. A token whose signature was cut off with
/// its dot is one still: that is how it is handed around.
fn fault(token: &str) -> Option<Fault> {
    match token.split('.').count() {
        1 => return Some(Fault::Opaque),
        5 => return Some(Fault::Encrypted),
        _ => {}
    }
    let completed;
    let token = if token.split('.').count() == 2 {
        completed = format!("{token}.");
        &completed
    } else {
        token
    };
    let read = CompactJws::decode(token.as_bytes()).and_then(|jws| {
        Header::parse(jws.header())?;
        Claims::parse(jws.payload()).map(drop)
    });
    read.err().map(Fault::Malformed)
}

fn part(bytes: Option<&[u8]>) -> Part<'_> {
    match bytes.map(|bytes| (bytes, json::parse(bytes))) {
        None => Part::None,
        Some((_, Ok(node @ Node::Object(_)))) => Part::Object(node),
        Some((bytes, _)) => Part::Text(String::from_utf8_lossy(bytes).into_owned()),
    }
}
