//! Which lines of the maps say nothing that another line does not say: for
//! reports. A login tries all lines, so such a line can go.

use super::pattern::Pattern;
use super::{IdentityMap, role};
use std::collections::HashMap;

/// A line of one of several maps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// Which map, as an index.
    pub map: usize,
    /// The line's number in it, from 1.
    pub number: usize,
}

/// What the other lines make of a line.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Overlap {
    /// An earlier line with the same issuer, identity and role.
    pub duplicate_of: Option<Place>,
    /// A line with a regex, anywhere in the maps, that gives the identity of
    /// this literal line the same role.
    pub shadowed_by: Option<Place>,
    /// Whether no regex was asked any more: that would have taken too long.
    pub unasked: bool,
}

/// How much regexes are run, in bytes of identities: some seconds at the worst.
const MOST_WORK: usize = 100_000_000;

/// What a run of a regex costs beside the bytes of its identity.
const COST_OF_RUN: usize = 32;

/// For each map, in the order of its lines, what the other lines make of each.
pub fn overlaps(maps: &[&IdentityMap]) -> Vec<Vec<Overlap>> {
    overlaps_within(maps, MOST_WORK)
}

fn overlaps_within<'m>(maps: &[&'m IdentityMap], mut work: usize) -> Vec<Vec<Overlap>> {
    let regexes = Regexes::of(maps);
    let mut seen = HashMap::new();
    let mut overlaps = Vec::with_capacity(maps.len());
    for (index, &map) in maps.iter().enumerate() {
        let of_line = |line: &'m super::Line| {
            let fields = Fields {
                issuer: &line.issuer,
                identity: map.lines.text(line.identity),
                role: map.lines.text(line.role),
            };
            let place = Place { map: index, number: line.number as usize };
            let first = *seen.entry(fields).or_insert(place);
            let mut overlap =
                Overlap { duplicate_of: (first != place).then_some(first), ..Overlap::default() };
            if line.regex.is_none() {
                match regexes.shadowing(&fields, &mut work) {
                    Ok(shadowed_by) => overlap.shadowed_by = shadowed_by,
                    Err(OutOfWork) => overlap.unasked = true,
                }
            }
            overlap
        };
        overlaps.push(map.lines.lines.iter().map(of_line).collect());
    }
    overlaps
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct Fields<'m> {
    issuer: &'m str,
    /// A regex with its slash, which no literal begins with.
    identity: &'m str,
    role: &'m str,
}

struct OutOfWork;

/// A line with a regex.
struct Regex<'m> {
    place: Place,
    pattern: &'m Pattern,
    template: &'m str,
}

/// The lines with a regex, as a literal line looks them up.
#[derive(Default)]
struct Regexes<'m> {
    /// By issuer and role.
    fixed_role: HashMap<(&'m str, &'m str), Vec<Regex<'m>>>,
    /// With `\1` in the role; by issuer.
    group_role: HashMap<&'m str, Vec<Regex<'m>>>,
}

impl<'m> Regexes<'m> {
    fn of(maps: &[&'m IdentityMap]) -> Regexes<'m> {
        let mut regexes = Regexes::default();
        for (index, &map) in maps.iter().enumerate() {
            for line in &map.lines.lines {
                let Some(regex) = line.regex else { continue };
                let place = Place { map: index, number: line.number as usize };
                let pattern = &map.lines.regexes[regex as usize];
                let template = map.lines.text(line.role);
                let list = match role::has_group(template) {
                    true => regexes.group_role.entry(&line.issuer).or_default(),
                    false => regexes.fixed_role.entry((&line.issuer, template)).or_default(),
                };
                list.push(Regex { place, pattern, template });
            }
        }
        regexes
    }

    fn shadowing(&self, line: &Fields<'_>, work: &mut usize) -> Result<Option<Place>, OutOfWork> {
        let fixed = self.fixed_role.get(&(line.issuer, line.role)).into_iter().flatten();
        let group = self.group_role.get(line.issuer).into_iter().flatten();
        for regex in fixed.chain(group) {
            if regex.gives(line, work)? {
                return Ok(Some(regex.place));
            }
        }
        Ok(None)
    }
}

impl Regex<'_> {
    fn gives(&self, line: &Fields<'_>, work: &mut usize) -> Result<bool, OutOfWork> {
        let mut spend = |cost| {
            *work = work.checked_sub(cost).ok_or(OutOfWork)?;
            Ok(())
        };
        spend(1)?;
        if !role::may_give(self.template, line.role) {
            return Ok(false);
        }
        spend(COST_OF_RUN + line.identity.len())?;
        Ok(match role::has_group(self.template) {
            false => self.pattern.is_match(line.identity),
            true => {
                let group = self.pattern.first_group(line.identity);
                group.is_some_and(|group| role::gives(self.template, group, line.role))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[&str]) -> IdentityMap {
        IdentityMap::parse(&lines.join("\n")).unwrap()
    }

    fn at(map: usize, number: usize) -> Option<Place> {
        Some(Place { map, number })
    }

    #[test]
    fn duplicates_name_the_first() {
        let setting = map(&["i a r", "i \"a\" r", "j a r", "i a s", "i /a r", "i /a r"]);
        let file = map(&["# none", "i a r"]);
        let found = overlaps(&[&setting, &file]);
        let duplicates = |map: usize| -> Vec<_> {
            found[map].iter().map(|overlap: &Overlap| overlap.duplicate_of).collect()
        };
        assert_eq!(duplicates(0), [None, at(0, 1), None, None, None, at(0, 5)]);
        assert_eq!(duplicates(1), [at(0, 1)]);
    }

    #[test]
    fn a_regex_shadows_what_it_gives() {
        let setting = map(&[
            "i a@x.example a",
            "i b@x.example a",
            "i root dba",
            "j a@x.example a",
            r"i /^(.*)@x\.example$ \1",
        ]);
        let file = map(&["i /ro+t dba", "i /ro+t app", "i rooot app"]);
        let found = overlaps(&[&setting, &file]);
        let shadows = |map: usize| -> Vec<_> {
            found[map].iter().map(|overlap: &Overlap| overlap.shadowed_by).collect()
        };
        assert_eq!(shadows(0), [at(0, 5), None, at(1, 1), None, None]);
        assert_eq!(shadows(1), [None, None, at(1, 2)]);
    }

    #[test]
    fn the_work_is_bounded() {
        let map = map(&["i /a r", "i a r", "i a s", "i a r"]);
        let within = |work| overlaps_within(&[&map], work).concat();
        let unasked = |work| within(work).iter().map(|one| one.unasked).collect::<Vec<_>>();
        assert_eq!(unasked(100), [false; 4]);
        assert_eq!(unasked(34), [false, false, false, true]);
        assert_eq!(unasked(33), [false, true, false, true]);
        // Lines that no regex can shadow need none, and duplicates need none.
        assert_eq!(within(0)[3].duplicate_of, at(0, 2));
    }
}
