//! What holds for every text that the strict reader of JSON takes.

use jwt_sso_core::json::{JsonError, MAX_DEPTH, Node, parse};
use serde::de::IgnoredAny;

/// Asserts the invariants and gives what was read.
pub fn read(text: &[u8]) -> Option<Node<'_>> {
    let node = match parse(text) {
        Ok(node) => node,
        Err(error) => {
            if let JsonError::NotUtf8(at) = error {
                assert!(std::str::from_utf8(&text[..at]).is_ok(), "the place is where it begins");
            }
            if let JsonError::Syntax(_) = error {
                assert!(
                    serde_json::from_slice::<serde_json::Value>(text).is_err(),
                    "refused as no JSON, and another reader takes it"
                );
            }
            return None;
        }
    };
    assert!(serde_json::from_slice::<IgnoredAny>(text).is_ok(), "taken, and it is no JSON");
    assert!(depth(&node) <= MAX_DEPTH);
    let written = node.to_string();
    assert!(!written.contains('\n'));
    assert_eq!(parse(written.as_bytes()).as_ref(), Ok(&node), "written and read again");
    Some(node)
}

fn depth(node: &Node<'_>) -> usize {
    match node {
        Node::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Node::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
