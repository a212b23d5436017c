//! The lines of one issuer in the order in which a login looks them up.

use super::{Line, Lines, role};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Numbers of lines in [`Lines`].
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// With a literal identity; by identity, then role.
    literal: Vec<u32>,
    /// With a regex and a fixed role; by role.
    fixed_role: Vec<u32>,
    /// With a regex and `\1` in the role.
    group_role: Vec<u32>,
}

/// An index for each issuer.
pub(super) fn by_issuer(lines: &Lines) -> HashMap<Arc<str>, Index> {
    let mut indexes: HashMap<Arc<str>, Index> = HashMap::new();
    for (number, line) in (0..).zip(&lines.lines) {
        let index = match indexes.get_mut(&line.issuer) {
            Some(index) => index,
            None => indexes.entry(Arc::clone(&line.issuer)).or_default(),
        };
        index.list_for(line, lines.role(number)).push(number);
    }
    for index in indexes.values_mut() {
        index.literal.sort_unstable_by_key(|&line| (lines.identity(line), lines.role(line)));
        index.fixed_role.sort_unstable_by_key(|&line| lines.role(line));
    }
    indexes
}

impl Index {
    fn list_for(&mut self, line: &Line, role: &str) -> &mut Vec<u32> {
        match line.regex {
            None => &mut self.literal,
            Some(_) if role::has_group(role) => &mut self.group_role,
            Some(_) => &mut self.fixed_role,
        }
    }

    /// Whether any of the lines gives `role` to `identity`.
    pub(super) fn allows(&self, lines: &Lines, identity: &str, role: &str) -> bool {
        if role.is_empty() {
            return false;
        }
        self.literal_allows(lines, identity, role)
            || self.fixed_role_allows(lines, identity, role)
            || self.group_role_allows(lines, identity, role)
    }

    /// Every role that the lines give to `identity`.
    pub(super) fn roles(&self, lines: &Lines, identity: &str) -> BTreeSet<String> {
        let literal = self.literal.iter().filter(|&&line| lines.identity(line) == identity);
        let fixed = self
            .fixed_role
            .iter()
            .filter(|&&line| lines.regex(line).is_some_and(|regex| regex.is_match(identity)));
        let of_group = self.group_role.iter().filter_map(|&line| {
            let group = lines.regex(line)?.first_group(identity)?;
            Some(role::with_group(lines.role(line), group))
        });
        let named = literal.chain(fixed).map(|&line| lines.role(line).to_owned());
        named.chain(of_group).filter(|role| !role.is_empty()).collect()
    }

    fn literal_allows(&self, lines: &Lines, identity: &str, role: &str) -> bool {
        let pair = |&line: &u32| (lines.identity(line), lines.role(line));
        self.literal.binary_search_by(|line| pair(line).cmp(&(identity, role))).is_ok()
    }

    fn fixed_role_allows(&self, lines: &Lines, identity: &str, role: &str) -> bool {
        let from = self.fixed_role.partition_point(|&line| lines.role(line) < role);
        let of_role = self.fixed_role[from..].iter().take_while(|&&line| lines.role(line) == role);
        of_role.filter_map(|&line| lines.regex(line)).any(|regex| regex.is_match(identity))
    }

    fn group_role_allows(&self, lines: &Lines, identity: &str, role: &str) -> bool {
        self.group_role.iter().any(|&line| {
            let template = lines.role(line);
            role::may_give(template, role)
                && lines
                    .regex(line)
                    // A group that took no part gives no role at all.
                    .and_then(|regex| regex.first_group(identity))
                    .is_some_and(|group| role::gives(template, group, role))
        })
    }
}
