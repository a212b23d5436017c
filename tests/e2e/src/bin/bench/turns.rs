//! Measuring by turns: A B C, B C A, C A B, … in many short rounds, and ratios within a round,
//! so that a machine which drifts or is busy for a while changes both sides of a ratio.

/// What one login of a kind took in one round.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Milliseconds as the client sees them.
    pub wall: f64,
    /// Milliseconds of the server's processor time.
    pub processor: f64,
}

/// The samples of each kind, a round in each row.
#[derive(Debug)]
pub struct Results {
    kinds: Vec<&'static str>,
    rounds: Vec<Vec<Sample>>,
}

/// A median and the quartiles around it.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// Half of the values are not above it.
    pub median: f64,
    /// A quarter of them is not above it.
    pub low: f64,
    /// Three quarters of them are not above it.
    pub high: f64,
}

/// A kind of login: its name, and what measures some of them.
pub type Kind<'a> = (&'static str, Box<dyn Fn() -> Sample + 'a>);

/// Runs so many rounds. Each kind begins as often as any other.
pub fn take(kinds: &[Kind<'_>], rounds: usize) -> Results {
    // The first logins after a start fill caches.
    for (_, measure) in kinds {
        measure();
    }
    let round = |number: usize| {
        let mut samples: Vec<Option<Sample>> = vec![None; kinds.len()];
        for turn in 0..kinds.len() {
            let whose = (number + turn) % kinds.len();
            samples[whose] = Some(kinds[whose].1());
        }
        samples.into_iter().flatten().collect()
    };
    Results {
        kinds: kinds.iter().map(|(name, _)| *name).collect(),
        rounds: (0..rounds).map(round).collect(),
    }
}

impl Results {
    fn of(&self, kind: &str) -> impl Iterator<Item = Sample> {
        let column = self.kinds.iter().position(|name| *name == kind);
        let column = column.unwrap_or_else(|| panic!("no kind {kind}"));
        self.rounds.iter().map(move |round| round[column])
    }

    /// Whether this kind took part.
    pub fn has(&self, kind: &str) -> bool {
        self.kinds.contains(&kind)
    }

    /// Milliseconds for one login as the client sees it.
    pub fn wall(&self, kind: &str) -> Spread {
        Spread::of(self.of(kind).map(|sample| sample.wall))
    }

    /// The time of `kind` over that of `base`, round by round.
    pub fn ratio(&self, kind: &str, base: &str) -> Spread {
        let pairs = self.of(kind).zip(self.of(base));
        Spread::of(pairs.map(|(kind, base)| kind.wall / base.wall))
    }

    /// The same of the server's processor time, of all rounds together: its clock ticks coarsely.
    pub fn processor_ratio(&self, kind: &str, base: &str) -> f64 {
        let sum = |kind| self.of(kind).map(|sample| sample.processor).sum::<f64>();
        sum(kind) / sum(base)
    }
}

impl Spread {
    /// Of at least one value.
    pub fn of(values: impl Iterator<Item = f64>) -> Spread {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let place = part * (values.len() - 1) as f64;
            let (below, above) = (values[place.floor() as usize], values[place.ceil() as usize]);
            below + (above - below) * place.fract()
        };
        Spread { median: at(0.5), low: at(0.25), high: at(0.75) }
    }
}

/// `1.07 (1.05 to 1.09)`
impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ({:.2} to {:.2})", self.median, self.low, self.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles() {
        let spread = Spread::of([4.0, 1.0, 3.0, 2.0, 5.0].into_iter());
        assert_eq!((spread.low, spread.median, spread.high), (2.0, 3.0, 4.0));
        let spread = Spread::of([1.0, 2.0].into_iter());
        assert_eq!((spread.low, spread.median, spread.high), (1.25, 1.5, 1.75));
    }

    #[test]
    fn a_drift_does_not_show_in_a_ratio() {
        let clock = std::cell::Cell::new(1.0);
        let takes = |factor: f64| {
            let clock = &clock;
            move || {
                clock.set(clock.get() * 1.01);
                Sample { wall: factor * clock.get(), processor: factor }
            }
        };
        let kinds: [Kind<'_>; 2] = [("a", Box::new(takes(1.0))), ("b", Box::new(takes(2.0)))];
        let results = take(&kinds, 101);
        assert!((results.ratio("b", "a").median - 2.0).abs() < 0.03);
        assert!((results.processor_ratio("b", "a") - 2.0).abs() < 1e-9);
    }
}
