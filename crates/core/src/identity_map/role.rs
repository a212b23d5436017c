//! The role of a line: a name, with `\1` for the first group of the regex.

use crate::setting_error::SettingError;

const GROUP: &str = r"\1";

/// What the identity of the line offers to the role.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Groups {
    /// A literal identity has no groups.
    Literal,
    /// A regex with that many groups.
    Regex(usize),
}

/// Refuses a `\1` that nothing can stand for, and every other backslash.
pub(super) fn check(role: &str, groups: Groups) -> Result<(), SettingError> {
    let mut rest = role;
    while let Some((_, from_backslash)) = rest.split_once('\\') {
        let Some(after) = from_backslash.strip_prefix('1') else {
            let written: String = from_backslash.chars().take(1).collect();
            return Err(SettingError::new(format!("\"\\{written}\" in the role"))
                .with_hint("Only \\1, the first group of the regex, has a meaning in a role."));
        };
        rest = after;
    }
    match groups {
        Groups::Literal if has_group(role) => {
            Err(SettingError::new("\"\\1\" in the role, and the identity is no regex")
                .with_hint("A regex begins with a slash: issuer /^(.*)@example\\.com$ \\1"))
        }
        Groups::Regex(0) if has_group(role) => {
            Err(SettingError::new("\"\\1\" in the role, and the regex has no group")
                .with_hint("Put parentheses around the part that \\1 stands for."))
        }
        _ => Ok(()),
    }
}

/// Whether the role depends on what the regex matched.
pub(super) fn has_group(role: &str) -> bool {
    role.contains(GROUP)
}

/// Whether some group could turn the template into `role`: the fixed text at
/// its beginning and its end is there. Cheap, so that the regex of a line that
/// cannot give the role is never run.
pub(super) fn may_give(template: &str, role: &str) -> bool {
    match (template.split_once(GROUP), template.rsplit_once(GROUP)) {
        (Some((prefix, _)), Some((_, suffix))) => {
            role.len() >= prefix.len() + suffix.len()
                && role.starts_with(prefix)
                && role.ends_with(suffix)
        }
        _ => template == role,
    }
}

/// Whether the template with `group` in the place of each `\1` is `role`.
pub(super) fn gives(template: &str, group: &str, role: &str) -> bool {
    let mut pieces = template.split(GROUP);
    let first = pieces.next().unwrap_or_default();
    let after_first = role.strip_prefix(first);
    let after_all =
        pieces.fold(after_first, |rest, piece| rest?.strip_prefix(group)?.strip_prefix(piece));
    after_all == Some("")
}

/// The template with `group` in the place of each `\1`.
pub(super) fn with_group(template: &str, group: &str) -> String {
    template.replace(GROUP, group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_group_has_a_meaning() {
        for role in ["app", r"\1", r"gcp_\1_\1", r"\10", "ä"] {
            assert_eq!(check(role, Groups::Regex(1)), Ok(()), "{role}");
        }
        for role in [r"\2", r"\0", r"\n", r"\\1", r"a\", r"\1\", r"\ä"] {
            assert!(check(role, Groups::Regex(9)).is_err(), "{role}");
        }
        assert_eq!(check("app", Groups::Literal), Ok(()));
        assert_eq!(check("app", Groups::Regex(0)), Ok(()));
        assert!(check(r"a\1", Groups::Literal).is_err());
        assert!(check(r"a\1", Groups::Regex(0)).is_err());
    }

    #[test]
    fn the_group_stands_everywhere() {
        assert!(gives(r"\1", "alice", "alice"));
        assert!(gives(r"gcp_\1", "42", "gcp_42"));
        assert!(gives(r"\1-\1.", "a", "a-a."));
        assert!(gives(r"\10", "a", "a0"));
        assert!(gives(r"x\1", "", "x"));
        assert!(gives("fixed", "a", "fixed"));
        assert!(!gives(r"\1", "alice", "alicex"));
        assert!(!gives(r"\1-\1", "a", "a-b"));
        assert!(!gives(r"gcp_\1", "42", "42"));
    }

    #[test]
    fn the_cheap_test_never_refuses_what_fits() {
        for (template, group) in [(r"\1", "a"), (r"x\1y", "b"), (r"x\1x\1x", ""), ("r", "")] {
            let role = template.replace(GROUP, group);
            assert!(may_give(template, &role), "{template}");
        }
        assert!(!may_give(r"gcp_\1", "aws_1"));
        assert!(!may_give(r"aa\1aa", "aaa"));
    }
}
