//! Known answers, asked of the cryptographic library before anybody logs in: a
//! library that takes what is wrong, or refuses what is right, guards nothing.
//!
//! A process asks the processor once what it can. Asked in the postmaster, no
//! login pays for that.

use crate::algorithm::Algorithm;
use crate::jwk::PublicKey;
use crate::token::CompactJws;
use crate::{json, signature};

/// A token, and the key whose signature it carries. The private keys are gone.
struct Answer {
    algorithm: Algorithm,
    jwk: &'static str,
    token: &'static str,
}

/// One of each kind of key.
#[rustfmt::skip] // it would not break these texts
const ANSWERS: [Answer; 3] = [
    Answer {
        algorithm: Algorithm::Rs256,
        jwk: "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"rpvlwvYsP5yUGgvfUV5xz8cht5byPi22Ld9oBHnQbljt\
            SzRMsNe_WjM5jUCS30dDWJbbLyfL_Hn1pDkTK61FSn-CupFYa9_CwTTfjuYoy2CW4VVnRyj2WOAnCxLhwEXG\
            PDHTdA__Tw7zRBtbmc5RSSiDEsnDd7KHOLI56KhEQ6KKAN4sy5_SxPCpXp19TisLhkRQ9RbWFsF8C5zAzwOm\
            WHXip5AGUhjS_2M9aW1pxdix0dvx7LdaMDOu25gaEPysiQx4wFaQCHDJ9a2SFptvvS_nBjc3SFAKfmnW5d0Z\
            _KTSJzK_CVoAuJ4KmjYi96HFoFErIisWMC9xUMuth71v_Q\"}",
        token: "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzZWxmLXRlc3QifQ.PFrBgV_tB0sptFM_z2i9UZFDfgbF\
            9r0nQiB-APPlPA41f8CCyU7g0T_OzinwEU8daqTwuS0h7JrMJg0j1-z5VRgNge1fhOOBYN2j6Lt5\
            1053WR01kQ01iWbRGJ8hPY2UGXZ8_Z77_6yyG5YnGRZnt5Y6gvKX7tilTmu7JYdCXK3I_V6yknaw\
            cLfb-0WEdaD4NWHy3ssL--CCDL8mbjEZjDtO8WRLA4hzeiwoIQM2SEBuG_9aAThQeWWzyOZAKS6M\
            k6gNV9eyyH_KyGiPkvh8bJgRkDVTn90dVEqW_j7npBvQspsnPJe-tX8vqepLacp0UXOqDKHq6OxD\
            PeUWfY39Kg",
    },
    Answer {
        algorithm: Algorithm::Es256,
        jwk: "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"ue6-3P_g9lHEJ6qprtCel5miqQ5A_HZ2cciS0T4xXq\
            0\",\"y\":\"Gdn-TgNQWQN6RPjTfmknbcM1zNoq51aSGtcV9W2Um3s\"}",
        token: "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJzZWxmLXRlc3QifQ.6wgFKvCJT53bQjf1-dhTnDltbbMQ\
            nnw5er-mXEJl2O5yBwycQXvAHVS3TC1tQJf4C8G8i-qLsSLPO0I_90eP7Q",
    },
    Answer {
        algorithm: Algorithm::EdDsa,
        jwk: "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"twA14xyvfLbQBN18RP3dYZs0Wv3Q3lEXiNT2rau\
            6MPs\"}",
        token: "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJzZWxmLXRlc3QifQ.gO5YuTBo7OJcZLXoH4NhKdSrx-Nm\
            IxAPDoYnnkag2LZwe9Q_HzsscAFRmmMrjkRDBWSLYwVtLkmdCZT_WGkJCA",
    },
];

/// The first algorithm whose signature is not taken, or is taken for another
/// message; `None` where all is well.
#[must_use]
pub fn failure() -> Option<Algorithm> {
    let fails = |answer: &&Answer| answer.is_right() != Some(true);
    ANSWERS.iter().find(fails).map(|answer| answer.algorithm)
}

impl Answer {
    fn is_right(&self) -> Option<bool> {
        let key = PublicKey::from_jwk(&json::parse(self.jwk.as_bytes()).ok()?).ok()?;
        let jws = CompactJws::decode(self.token.as_bytes()).ok()?;
        let message = jws.signing_input();
        let verify =
            |message: &[u8]| signature::verify(&key, self.algorithm, message, jws.signature());
        Some(verify(message) && !verify(&message[1..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_passes() {
        assert_eq!(failure(), None);
    }

    #[test]
    fn a_wrong_answer_is_noticed() {
        let [rsa, ec, ed25519] = ANSWERS;
        for (answer, other) in [(&rsa, &ec), (&ec, &ed25519), (&ed25519, &rsa)] {
            let wrong = Answer { token: other.token, ..*answer };
            assert_eq!(wrong.is_right(), Some(false));
        }
        assert_eq!(Answer { jwk: "{}", ..rsa }.is_right(), None);
    }
}
