//! Everything that is thrown at the server. Each kind asks for a role of its own name, so that
//! the server's log tells which kind a decision was about.

mod forged;
mod malformed;
mod packets;

use jwt_sso_e2e::Issuer;
use jwt_sso_e2e::message::frame;
use jwt_sso_e2e::token::Token;

use crate::scene::lasting;

/// What must become of a packet.
#[derive(Clone, Copy, Debug)]
pub enum Due {
    /// A refusal for one of these reasons, with its line in the log.
    Refused(&'static [&'static str]),
    /// The connection ends and nothing is decided.
    Undecided,
}

/// How a packet is delivered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum How {
    /// As it is.
    Whole,
    /// With one bit of the token changed.
    FlipBit,
    /// A part of it, and then the client hangs up.
    Cut,
}

/// One kind of hostile packet.
#[derive(Debug)]
pub struct Kind {
    /// Its name and its role's.
    pub name: &'static str,
    /// What must become of it.
    pub due: Due,
    /// How it is delivered.
    pub how: How,
    /// Packets to choose from.
    pub packets: Vec<Vec<u8>>,
    /// Values inside the tokens, which the log must not have in clear either.
    pub marks: Vec<String>,
    /// Whether the role is a superuser.
    pub superuser: bool,
    /// PAM ends an empty password by itself.
    pub pam: bool,
}

/// Different packets of one kind.
const POOL: usize = 16;

/// All of them.
pub fn all(issuer: &Issuer, forbidden_url: &str) -> Vec<Kind> {
    let mut kinds = malformed::kinds(issuer);
    kinds.extend(packets::kinds(issuer));
    kinds.extend(forged::kinds(issuer, forbidden_url));
    kinds
}

/// A token in the making that a server would accept, with a secret of its own.
struct Draft {
    token: Token,
    mark: String,
}

fn draft(issuer: &Issuer, role: &str) -> Draft {
    let mark: String = std::iter::repeat_with(fastrand::alphanumeric).take(24).collect();
    Draft { token: lasting(issuer.token(role)).claim("mark", mark.clone()), mark }
}

/// A kind whose packets are what `make` makes of good tokens for its role.
fn kind(
    name: &'static str,
    due: Due,
    issuer: &Issuer,
    make: impl Fn(Token, usize) -> Vec<u8>,
) -> Kind {
    let drafts: Vec<Draft> = (0..POOL).map(|_| draft(issuer, name)).collect();
    let marks = drafts.iter().map(|draft| draft.mark.clone()).collect();
    let packets = drafts.into_iter().enumerate().map(|(n, draft)| make(draft.token, n)).collect();
    Kind { name, due, how: How::Whole, packets, marks, superuser: false, pam: true }
}

/// A password message with this text.
pub fn password(text: impl AsRef<[u8]>) -> Vec<u8> {
    frame(b'p', &[text.as_ref(), b"\0"].concat())
}
