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
        let budget = match budget {
            Budget::AtMost(most) if most >= 10.0 => format!("≤ {most}"),
            Budget::AtMost(most) => format!("≤ {most:.2}"),
            Budget::Exactly(count) => count.to_string(),
            Budget::None => "–".to_owned(),
        };
        let row = Row { what: what.to_owned(), measured: words.to_owned(), budget, verdict };
        println!("{}: {} (budget {}) {}", row.what, row.measured, row.budget, row.verdict.word());
        self.rows().push(row);
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
        let count = |verdict| self.all().filter(|row| row.verdict == verdict).count();
        let missed: Vec<String> = self
            .all()
            .filter(|row| row.verdict == Verdict::Missed)
            .map(|row| format!("{}: {} for {}", row.what, row.measured, row.budget))
            .collect();
        if !missed.is_empty() {
            return format!("bench: MISSED: {}", missed.join("; "));
        }
        match count(Verdict::Noise) {
            0 => format!("bench: held: all {} budgets", count(Verdict::Held)),
            noise => format!(
                "bench: held: {} budgets; {noise} more not grossly missed, which a short turn \
                 takes for noise",
                count(Verdict::Held)
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

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Verdict::Held => "held",
            Verdict::Missed => "**MISSED**",
            Verdict::Noise => "above, in a short turn",
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
}
