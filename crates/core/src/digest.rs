//! Fingerprints of settings: SHA-256 over length-prefixed parts.

use aws_lc_rs::digest::{Context, SHA256};
use std::fmt;

/// A SHA-256 fingerprint.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The fingerprint of these parts, in this order. Each part is preceded by
    /// its length, so that no two different lists are the same text.
    pub fn of(parts: &[&[u8]]) -> Digest {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.finish().as_ref());
        Digest(bytes)
    }

    /// The fingerprint that these bytes are.
    pub const fn from_bytes(bytes: [u8; 32]) -> Digest {
        Digest(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The first 16 bytes in hexadecimal, enough to compare two servers by eye.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..16].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(Digest::of(&[b"ab", b"c"]), Digest::of(&[b"a", b"bc"]));
        assert_eq!(Digest::of(&[b"ab"]), Digest::of(&[b"ab"]));
        assert_eq!(Digest::of(&[]).to_string().len(), 32);
    }
}
