//! Which policy is in force, when each setting is judged on its own.
//!
//! PostgreSQL reads its configuration setting by setting: a wrong value is
//! refused, the others are taken, and nobody is told when the reading is over.
//! A policy must be taken whole or not at all. So every reading is a *round*:
//! the settings that the files name are expected, each that passes its check
//! is ticked off, and whoever asks for the policy gets this round's only where
//! nothing is missing, and otherwise the last whole one.
//!
//! This sees even what no check ever sees: a number out of range is refused by
//! the server itself before any check, and so stays unticked.

/// A set of settings, by index below 64.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SettingSet(u64);

impl SettingSet {
    /// The set with `index` in it too. Indexes of 64 and more are no settings.
    #[must_use]
    pub fn with(self, index: usize) -> SettingSet {
        SettingSet(self.0 | 1u64.checked_shl(index as u32).unwrap_or(0))
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub fn without(self, other: SettingSet) -> SettingSet {
        SettingSet(self.0 & !other.0)
    }

    /// What is in either set.
    #[must_use]
    pub fn union(self, other: SettingSet) -> SettingSet {
        SettingSet(self.0 | other.0)
    }

    /// What is in both sets.
    #[must_use]
    pub fn intersection(self, other: SettingSet) -> SettingSet {
        SettingSet(self.0 & other.0)
    }

    /// Whether `index` is in the set.
    pub fn contains(self, index: usize) -> bool {
        self != self.without(SettingSet::default().with(index))
    }

    /// Whether nothing is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The indexes in the set.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..64).filter(move |index| self.contains(*index))
    }

    /// The set as bits, the lowest for index 0.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// The set of these bits.
    pub fn from_bits(bits: u64) -> SettingSet {
        SettingSet(bits)
    }
}

impl FromIterator<usize> for SettingSet {
    fn from_iter<I: IntoIterator<Item = usize>>(indexes: I) -> Self {
        indexes.into_iter().fold(SettingSet::default(), SettingSet::with)
    }
}

/// The rounds of reading, and the policies that came of them.
#[derive(Debug)]
pub struct Rounds<P> {
    /// What the settings that passed say now, whole or not.
    candidate: P,
    /// The policy of the last whole round before this one.
    before: Option<P>,
    /// Names the round; `None` while the server starts.
    stamp: Option<i64>,
    expected: SettingSet,
    passed: SettingSet,
    /// Refused at start and not mended since.
    refused_at_start: SettingSet,
    /// Those of them that no file can mend: they came from the command line.
    not_from_file: SettingSet,
}

impl<P: Clone> Rounds<P> {
    /// Before any setting was read: `defaults`, in force by nothing.
    pub fn new(defaults: P) -> Rounds<P> {
        Rounds {
            candidate: defaults,
            before: None,
            stamp: None,
            expected: SettingSet::default(),
            passed: SettingSet::default(),
            refused_at_start: SettingSet::default(),
            not_from_file: SettingSet::default(),
        }
    }

    /// The server has read its settings for the first time, and refused these;
    /// `not_from_file` are those of them that the command line gave.
    pub fn start(&mut self, refused: SettingSet, not_from_file: SettingSet) {
        self.refused_at_start = refused;
        self.not_from_file = not_from_file;
    }

    /// A check runs in the round called `stamp`. Where that is a new round, the
    /// one before is over, and `in_files` says what this one's files name.
    pub fn enter(&mut self, stamp: i64, in_files: impl FnOnce() -> SettingSet) {
        if self.stamp == Some(stamp) {
            return;
        }
        if self.refused().is_empty() {
            self.before = Some(self.candidate.clone());
        }
        self.stamp = Some(stamp);
        self.expected = in_files();
        self.passed = SettingSet::default();
        // What no file names any more is at its default, as the administrator wants.
        self.refused_at_start =
            self.refused_at_start.intersection(self.expected.union(self.not_from_file));
    }

    /// The setting passed its check in this round. What the command line gave
    /// outranks every file, so a good line in one mends nothing there.
    pub fn pass(&mut self, index: usize) {
        self.passed = self.passed.with(index);
        let mended = SettingSet::default().with(index).without(self.not_from_file);
        self.refused_at_start = self.refused_at_start.without(mended);
    }

    /// Changes what the settings say, after a check passed.
    pub fn candidate_mut(&mut self) -> &mut P {
        &mut self.candidate
    }

    /// What the settings that passed say now, whole or not.
    pub fn candidate(&self) -> &P {
        &self.candidate
    }

    /// The settings that were refused in the last round, or at start and since.
    pub fn refused(&self) -> SettingSet {
        self.expected.without(self.passed).union(self.refused_at_start)
    }

    /// The policy in force. Where there is none, the settings to blame.
    pub fn in_force(&self) -> Result<&P, SettingSet> {
        let refused = self.refused();
        if refused.is_empty() {
            return Ok(&self.candidate);
        }
        self.before.as_ref().ok_or(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: usize = 0;
    const B: usize = 1;

    fn set(indexes: &[usize]) -> SettingSet {
        indexes.iter().copied().collect()
    }

    /// One reading: the files name `named`; those with a value here pass.
    fn reload(rounds: &mut Rounds<[u8; 2]>, stamp: i64, named: &[usize], good: &[(usize, u8)]) {
        for (index, value) in good {
            rounds.enter(stamp, || set(named));
            rounds.pass(*index);
            rounds.candidate_mut()[*index] = *value;
        }
    }

    fn started() -> Rounds<[u8; 2]> {
        let mut rounds = Rounds::new([0, 0]);
        *rounds.candidate_mut() = [1, 1];
        rounds.start(set(&[]), set(&[]));
        rounds
    }

    #[test]
    fn good_settings_are_taken_at_once() {
        let mut rounds = started();
        assert_eq!(rounds.in_force(), Ok(&[1, 1]));
        reload(&mut rounds, 7, &[A, B], &[(A, 2), (B, 2)]);
        assert_eq!(rounds.in_force(), Ok(&[2, 2]));
    }

    #[test]
    fn one_bad_setting_keeps_the_whole_old_policy() {
        let mut rounds = started();
        reload(&mut rounds, 7, &[A, B], &[(A, 2)]);
        assert_eq!(rounds.refused(), set(&[B]));
        assert_eq!(rounds.in_force(), Ok(&[1, 1]));
    }

    #[test]
    fn a_second_bad_round_does_not_let_the_first_one_in() {
        let mut rounds = started();
        reload(&mut rounds, 7, &[A, B], &[(A, 2)]);
        reload(&mut rounds, 8, &[A, B], &[(B, 3)]);
        assert_eq!(rounds.in_force(), Ok(&[1, 1]));
        reload(&mut rounds, 9, &[A, B], &[(A, 2), (B, 3)]);
        assert_eq!(rounds.in_force(), Ok(&[2, 3]));
    }

    #[test]
    fn removing_the_bad_line_mends_it() {
        let mut rounds = started();
        reload(&mut rounds, 7, &[A, B], &[(A, 2)]);
        reload(&mut rounds, 8, &[A], &[(A, 2)]);
        assert_eq!(rounds.in_force(), Ok(&[2, 1]));
    }

    #[test]
    fn refused_at_start_is_no_policy_until_it_is_mended() {
        let mut rounds = Rounds::new([0, 0]);
        rounds.start(set(&[B]), set(&[]));
        assert_eq!(rounds.in_force(), Err(set(&[B])));
        reload(&mut rounds, 7, &[A, B], &[(A, 1)]);
        assert_eq!(rounds.in_force(), Err(set(&[B])));
        reload(&mut rounds, 8, &[A, B], &[(A, 1), (B, 1)]);
        assert_eq!(rounds.in_force(), Ok(&[1, 1]));
        reload(&mut rounds, 9, &[A, B], &[(A, 2)]);
        assert_eq!(rounds.in_force(), Ok(&[1, 1]));
    }

    #[test]
    fn a_line_refused_at_start_and_removed_is_mended() {
        let mut rounds = Rounds::new([0, 0]);
        rounds.start(set(&[B]), set(&[]));
        reload(&mut rounds, 7, &[A], &[(A, 1)]);
        assert_eq!(rounds.in_force(), Ok(&[1, 0]));
    }

    #[test]
    fn an_option_refused_at_start_stays_refused() {
        let mut rounds = Rounds::new([0, 0]);
        rounds.start(set(&[B]), set(&[B]));
        reload(&mut rounds, 7, &[A], &[(A, 1)]);
        assert_eq!(rounds.in_force(), Err(set(&[B])));
        reload(&mut rounds, 8, &[A, B], &[(A, 1), (B, 1)]);
        assert_eq!(rounds.in_force(), Err(set(&[B])));
    }

    #[test]
    fn sets() {
        assert_eq!(set(&[1, 5]).iter().collect::<Vec<_>>(), [1, 5]);
        assert_eq!(SettingSet::from_bits(set(&[1, 5]).bits()), set(&[1, 5]));
        assert!(SettingSet::default().with(64).is_empty());
    }
}
