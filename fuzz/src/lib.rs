//! What the fuzz targets share: seeds, keys, invariants of more than one target.

/// The throw-away keys of the decision's own tests.
#[path = "../../crates/core/tests/decision/minting.rs"]
pub mod minting;

pub mod json;
pub mod keys;
pub mod seeds;
pub mod world;

/// The parts of an input that NULs separate, `N` at most: the last one has the rest.
pub fn parts<const N: usize>(data: &[u8]) -> [&[u8]; N] {
    let mut pieces = data.splitn(N, |byte| *byte == 0);
    std::array::from_fn(|_| pieces.next().unwrap_or_default())
}

/// The part of an input that should be text, where it is.
pub fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}
