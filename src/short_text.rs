//! Text of bounded length, for records in shared memory.

use std::fmt;

/// The first bytes of a text, cut between two characters.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct ShortText<const N: usize> {
    length: u16,
    bytes: [u8; N],
}

impl<const N: usize> ShortText<N> {
    /// No text.
    pub const EMPTY: ShortText<N> = ShortText { length: 0, bytes: [0; N] };

    /// As much of `text` as there is room for.
    pub fn of(text: &str) -> ShortText<N> {
        let end = (0..=text.len().min(N)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let mut short = ShortText::EMPTY;
        short.bytes[..end].copy_from_slice(&text.as_bytes()[..end]);
        short.length = end as u16;
        short
    }
}

impl<const N: usize> fmt::Display for ShortText<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.bytes[..usize::from(self.length).min(N)]))
    }
}
