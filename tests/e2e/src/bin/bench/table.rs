//! The table: what, measured, budget, held or MISSED.

use crate::turns::Spread;

/// What a row is held to.
#[derive(Clone, Copy, Debug)]
pub enum Budget {
    /// At most this, of a time or of memory: in a short turn only a miss by half as much again
    /// counts, since noise is no finding.
    AtMost(f64),
    /// Exactly this: what is counted has no noise.
    Exactly(usize),
    /// Nothing; the row is for the reader.
    None,
}

#[derive(Debug)]
struct Row {
    what: String,
    measured: String,
    budget: String,
    verdict: Verdict,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verdict {
    Held,
    Missed,
    /// Missed in a short turn, by less than counts there.
    Noise,
    /// There is a budget, and nothing to hold to it.
    Unmeasured,
    /// There is no budget.
    Open,
}

/// All rows, by section.
#[derive(Debug)]
pub struct Table {
    quick: bool,
    sections: Vec<(String, Vec<Row>)>,
}

/// By how much a budget may be missed in a short turn.
const GROSS: f64 = 1.5;

impl Table {
    /// Without rows.
    pub fn new(quick: bool) -> Table {
        Table { quick, sections: Vec::new() }
    }

    /// The rows from here on are of this section.
    pub fn section(&mut self, title: &str) {
        self.sections.push((title.to_owned(), Vec::new()));
    }

    /// A ratio and what it may be.
    pub fn ratio(&mut self, what: &str, measured: Spread, budget: Budget) {
        self.value(what, measured.median, &measured.to_string(), budget);
    }

    /// A number in its own words, and what it may be.
    pub fn value(&mut self, what: &str, value: f64, words: &str, budget: Budget) {
        let verdict = match budget {
            Budget::AtMost(most) if value <= most => Verdict::Held,
            Budget::AtMost(most) if self.quick && value <= most * GROSS => Verdict::Noise,
            Budget::AtMost(_) => Verdict::Missed,
            Budget::Exactly(count) if value == count as f64 => Verdict::Held,
            Budget::Exactly(_) => Verdict::Missed,
            Budget::None => Verdict::Open,
        };
        self.add(what, words, budget, verdict);
    }

    /// A row that cannot be measured here, and why. The last line names it, where it has a budget.
    pub fn unmeasured(&mut self, what: &str, why: &str, budget: Budget) {
        let verdict = match budget {
            Budget::None => Verdict::Open,
            _ => Verdict::Unmeasured,
        };
        self.add(what, why, budget, verdict);
    }

    fn add(&mut self, what: &str, words: &str, budget: Budget, verdict: Verdict) {
        let (what, measured, budget) = (what.to_owned(), words.to_owned(), budget.words());
        println!("{what}: {measured} (budget {budget}) {}", verdict.word());
        self.rows().push(Row { what, measured, budget, verdict });
    }

    /// Something to read, without a budget.
    pub fn note(&mut self, what: &str, words: &str) {
        self.value(what, 0.0, words, Budget::None);
    }

    fn rows(&mut self) -> &mut Vec<Row> {
        if self.sections.is_empty() {
            self.section("");
        }
        let (_, rows) = self.sections.last_mut().expect("there is one now");
        rows
    }

    fn all(&self) -> impl Iterator<Item = &Row> {
        self.sections.iter().flat_map(|(_, rows)| rows)
    }

    /// Whether every budget was held.
    pub fn held(&self) -> bool {
        self.all().all(|row| row.verdict != Verdict::Missed)
    }

    /// The last line.
    pub fn verdict(&self) -> String {
        let unmeasured: Vec<&str> =
            self.of(Verdict::Unmeasured).map(|row| row.what.as_str()).collect();
        let left_out = match unmeasured[..] {
            [] => String::new(),
            _ => format!("; not measured: {}", unmeasured.join("; ")),
        };
        format!("bench: {}{left_out}", self.of_measured())
    }

    fn of(&self, verdict: Verdict) -> impl Iterator<Item = &Row> {
        self.all().filter(move |row| row.verdict == verdict)
    }

    /// What became of the budgets that something was measured for.
    fn of_measured(&self) -> String {
        let missed: Vec<String> = self
            .of(Verdict::Missed)
            .map(|row| format!("{}: {} for {}", row.what, row.measured, row.budget))
            .collect();
        if !missed.is_empty() {
            return format!("MISSED: {}", missed.join("; "));
        }
        let held = self.of(Verdict::Held).count();
        match self.of(Verdict::Noise).count() {
            0 => format!("held: all {held} budgets"),
            noise => format!(
                "held: {held} budgets; {noise} more not grossly missed, which a short turn takes \
                 for noise"
            ),
        }
    }

    /// As it stands in the document.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for (title, rows) in &self.sections {
            text.push_str(&format!(
                "### {title}\n\n| what | measured | budget | |\n|---|---|---|---|\n"
            ));
            for row in rows {
                let Row { what, measured, budget, verdict } = row;
                text.push_str(&format!(
                    "| {what} | {measured} | {budget} | {} |\n",
                    verdict.word()
                ));
            }
            text.push('\n');
        }
        text.trim_end().to_owned()
    }
}

impl Budget {
    fn words(self) -> String {
        match self {
            Budget::AtMost(most) if most >= 10.0 => format!("≤ {most}"),
            Budget::AtMost(most) => format!("≤ {most:.2}"),
            Budget::Exactly(count) => count.to_string(),
            Budget::None => "–".to_owned(),
        }
    }
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Verdict::Held => "held",
            Verdict::Missed => "**MISSED**",
            Verdict::Noise => "above, in a short turn",
            Verdict::Unmeasured => "not measured",
            Verdict::Open => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(quick: bool, value: f64, budget: Budget) -> Table {
        let mut table = Table::new(quick);
        table.section("S");
        table.value("what", value, "words", budget);
        table
    }

    #[test]
    fn a_miss_is_told() {
        let table = one(false, 1.11, Budget::AtMost(1.1));
        assert!(!table.held());
        assert_eq!(table.verdict(), "bench: MISSED: what: words for ≤ 1.10");
        assert!(table.markdown().contains("| what | words | ≤ 1.10 | **MISSED** |"));
        assert!(!one(false, 1.0, Budget::Exactly(0)).held());
        assert!(!one(false, f64::NAN, Budget::AtMost(1.1)).held());
    }

    #[test]
    fn a_short_turn_forgives_noise_only() {
        assert!(one(true, 1.6, Budget::AtMost(1.1)).held());
        assert!(!one(true, 1.7, Budget::AtMost(1.1)).held());
        assert!(!one(true, 1.0, Budget::Exactly(0)).held());
    }

    #[test]
    fn held() {
        let table = one(false, 256.0, Budget::AtMost(256.0));
        assert!(table.held());
        assert_eq!(table.verdict(), "bench: held: all 1 budgets");
        assert!(table.markdown().contains("| what | words | ≤ 256 | held |"));
    }

    #[test]
    fn what_was_not_measured_is_told() {
        let mut table = one(false, 1.0, Budget::AtMost(1.1));
        table.unmeasured("pam door", "no PAM", Budget::AtMost(1.6));
        table.unmeasured("pam door again", "no PAM", Budget::None);
        assert!(table.held());
        assert_eq!(table.verdict(), "bench: held: all 1 budgets; not measured: pam door");
        assert!(table.markdown().contains("| pam door | no PAM | ≤ 1.60 | not measured |"));
        table.value("slow", 2.0, "2", Budget::AtMost(1.1));
        let missed = "bench: MISSED: slow: 2 for ≤ 1.10; not measured: pam door";
        assert_eq!(table.verdict(), missed);
    }
}
