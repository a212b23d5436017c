//! The body of a password message (PasswordMessage of PostgreSQL's protocol).

use std::ffi::CStr;

/// The password in the body of a password message: all before the NUL that ends
/// it, and perhaps nothing. `None` where that NUL is missing or another one
/// stands before it: then client and server do not mean the same password, and
/// the session ends as a protocol violation.
pub fn password(body: &[u8]) -> Option<&CStr> {
    CStr::from_bytes_with_nul(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_without_its_nul() {
        assert_eq!(password(b"e30.e30.\0"), Some(c"e30.e30."));
        assert_eq!(password(b"\0"), Some(c""));
        assert_eq!(password(b"\xff \n\0").map(CStr::to_bytes), Some(&b"\xff \n"[..]));
        let longest = [&[b'A'; 65_530][..], &[0]].concat();
        assert_eq!(password(&longest).map(CStr::count_bytes), Some(65_530));
    }

    #[test]
    fn exactly_one_nul_and_that_at_the_end() {
        for body in [&b""[..], b"a", b"a\0b", b"a\0b\0", b"\0a", b"\0\0", b"a\0\0"] {
            assert_eq!(password(body), None, "{body:?}");
        }
    }
}
