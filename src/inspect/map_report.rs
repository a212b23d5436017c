//! `map_report()`: each line of the identity maps, and what there is to say of it.

use super::findings::roles;
use super::role_facts::{self, RoleFacts};
use super::{demand_preload, keys};
use crate::pg::process::presentable;
use jwt_sso_core::identity_map::overlaps::{Overlap, Place, overlaps};
use jwt_sso_core::identity_map::{IdentityKind, MapLine};
use jwt_sso_core::policy::Policy;
use jwt_sso_core::settings::Id;
use pgrx::prelude::*;
use std::collections::HashMap;

/// The settings that hold the maps, in the order of their rows.
const SOURCES: [Id; 2] = [Id::IdentityMap, Id::IdentityMapFile];

/// A row for each line of the identity maps that this session's settings and
/// files have.
#[pg_extern(volatile, parallel_restricted)]
#[search_path(pg_catalog, pg_temp)]
#[allow(clippy::type_complexity)]
fn map_report() -> TableIterator<
    'static,
    (
        name!(source, &'static str),
        name!(line, i32),
        name!(issuer, String),
        name!(identity, String),
        name!(role, String),
        name!(kind, &'static str),
        name!(issuer_configured, bool),
        name!(role_exists, Option<bool>),
        name!(can_login, Option<bool>),
        name!(superuser, Option<bool>),
        name!(predefined, Option<Vec<String>>),
        name!(dots, bool),
        name!(duplicate_of, Option<String>),
        name!(shadowed_by, Option<String>),
        name!(hint, Option<String>),
    ),
> {
    demand_preload();
    let policy = keys::policy();
    let maps = [&*policy.identity_map, &*policy.identity_map_file];
    let fixed = |line: MapLine<'_>| has_fixed_role(&line);
    let named = maps.iter().flat_map(|map| map.lines()).filter(|line| fixed(*line));
    let roles = role_facts::of(named.map(|line| line.role))
        .unwrap_or_else(|why| error!("the roles of the identity map could not be read: {why}"));
    let mut rows = Vec::new();
    for ((source, map), overlaps) in SOURCES.iter().zip(maps).zip(overlaps(&maps)) {
        for (line, overlap) in map.lines().zip(overlaps) {
            let audited = Audited { line, overlap, roles: &roles, policy: &policy };
            rows.push((
                source.name(),
                i32::try_from(line.number).unwrap_or(i32::MAX),
                presentable(line.issuer),
                presentable(line.identity),
                presentable(line.role),
                match line.kind {
                    IdentityKind::Literal => "literal",
                    IdentityKind::Regex => "regex",
                },
                audited.is_configured(),
                audited.of_role(|role| role.is_some()),
                audited.of_role(|role| role.is_some_and(|role| role.can_login)),
                audited.of_role(|role| {
                    role.is_some_and(|role| role.is_superuser || role.can_become_superuser)
                }),
                audited.of_role(|role| role.map(|role| role.predefined.clone())).flatten(),
                line.has_dot_between_letters(),
                overlap.duplicate_of.map(written),
                overlap.shadowed_by.map(written),
                audited.hint().as_deref().map(presentable),
            ));
        }
    }
    TableIterator::new(rows)
}

/// A line and what was found out about it.
struct Audited<'a> {
    line: MapLine<'a>,
    overlap: Overlap,
    roles: &'a HashMap<&'a str, RoleFacts>,
    policy: &'a Policy,
}

impl Audited<'_> {
    fn is_configured(&self) -> bool {
        self.policy.issuers.get(self.line.issuer).is_some()
    }

    /// `None` where each identity gives another role.
    fn of_role<T>(&self, ask: impl FnOnce(Option<&RoleFacts>) -> T) -> Option<T> {
        has_fixed_role(&self.line).then(|| ask(self.roles.get(self.line.role)))
    }

    /// The gravest thing to be done about the line.
    fn hint(&self) -> Option<String> {
        let role = self.line.role;
        if let Some(problem) = self.of_role(|facts| roles::problem(role, facts)).flatten() {
            return Some(format!("The role {}. {}", problem.text(), problem.hint(role)));
        }
        let text = if self.line.has_dot_between_letters() {
            r"An unescaped dot matches any character: write \. for a dot."
        } else if !self.is_configured() {
            "The issuer is not in jwt_sso.issuers: the line lets nobody in."
        } else if self.overlap.duplicate_of.is_some() {
            "The line says what an earlier one says: take it out."
        } else if self.overlap.shadowed_by.is_some() {
            "The regex gives this identity the same role: take the line out."
        } else if self.overlap.unasked {
            "Not held against the regexes: there are too many lines for that."
        } else {
            return None;
        };
        Some(text.to_owned())
    }
}

/// Whether the role is the same for every identity; `\1` stands for a part of it.
fn has_fixed_role(line: &MapLine<'_>) -> bool {
    !line.role.contains('\\')
}

fn written(place: Place) -> String {
    let source = SOURCES.get(place.map).map_or("", |id| id.name());
    format!("line {} of {source}", place.number)
}
