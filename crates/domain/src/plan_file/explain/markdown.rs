//! The page as Markdown.

use std::fmt::Write;

use super::{Explanation, Reckoned, TierKept};
use crate::words::time_span::TimeSpan;

impl Explanation {
    /// The page, with nothing in it that a plan's text could make of it.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut page = String::new();
        self.head(&mut page);
        self.protected(&mut page);
        self.worst(&mut page);
        self.answers(&mut page);
        self.regions(&mut page);
        self.backups(&mut page);
        self.open(&mut page);
        page
    }

    fn head(&self, page: &mut String) {
        title(page, 1, &format!("Recovery plan `{}`", self.plan));
        paragraph(page, &plain(&self.summary));
        let objectives = &self.objectives;
        let availability = objectives
            .availability_percent
            .map_or_else(String::new, |percent| format!(", available {percent} % of the time"));
        let promised = format!(
            "an outage of at most {} (RTO), at most {} of work lost (RPO){availability}",
            objectives.rto, objectives.rpo
        );
        let unknown = || "not named".to_owned();
        table(
            page,
            &["", ""],
            [
                vec!["Promised".to_owned(), promised],
                vec!["Owner".to_owned(), self.owner.as_deref().map_or_else(unknown, plain)],
                vec!["To be reviewed by".to_owned(), self.review_by.map_or_else(unknown, |day| day.to_string())],
                vec![
                    "An idle month costs".to_owned(),
                    self.dollars_a_month.map_or_else(unknown, |dollars| {
                        format!("${dollars:.2} at list prices, snapshots' storage left out (`lifeboat plan cost`)")
                    }),
                ],
                vec!["This page was made".to_owned(), format!("{}, from the plan alone", self.made)],
            ],
        );
    }

    fn protected(&self, page: &mut String) {
        title(page, 2, "What is protected");
        let rows = self.protected.iter().map(|component| {
            let what = component.engine.map_or_else(String::new, |engine| format!(" of {engine}"));
            let or_none = |all: &[String]| if all.is_empty() { "none".to_owned() } else { plain(&all.join(", ")) };
            vec![
                format!("`{}`", component.name),
                format!("{}{what}", component.noun),
                component.tier.as_ref().map_or_else(|| "—".to_owned(), |tier| format!("`{tier}`")),
                or_none(&component.primary),
                or_none(&component.recovery),
                component.in_a_failover.to_owned(),
            ]
        });
        table(page, &["component", "kind", "tier", "runs as", "recovers as", "in a failover"], rows);
    }

    fn worst(&self, page: &mut String) {
        title(page, 2, "At worst, by the plan's own numbers");
        let rows = self.worst.iter().flat_map(|worst| {
            [("RTO", &worst.rto), ("RPO", &worst.rpo)].map(|(name, figure)| {
                vec![
                    format!("`{}`", worst.component),
                    name.to_owned(),
                    figure.promised.to_string(),
                    figure.at_worst.map_or_else(|| "not known".to_owned(), TimeSpan::roughly),
                    kept(figure).to_owned(),
                    figure.because.clone(),
                ]
            })
        });
        table(page, &["component", "", "promised", "at worst", "kept", "because"], rows);
        if self.tiers.is_empty() {
            return;
        }
        let rows = self
            .tiers
            .iter()
            .map(|tier| vec![format!("`{}`", tier.tier), tier.rto.to_string(), tier.rpo.to_string(), tier_kept(tier)]);
        table(page, &["tier", "RTO", "RPO", "kept"], rows);
    }

    fn answers(&self, page: &mut String) {
        title(page, 2, "What happens by itself, and what waits for whom");
        let rows = self.answers.iter().map(|answer| {
            let span = |span: Option<TimeSpan>| span.map_or_else(|| "—".to_owned(), |span| span.to_string());
            let level = answer.level.as_deref().map_or_else(String::new, |level| format!(" ({})", plain(level)));
            vec![format!("{}{level}", answer.class), answer.answer.clone(), span(answer.rto), span(answer.rpo)]
        });
        table(page, &["failure", "answer", "promised RTO", "promised RPO"], rows);
    }

    fn regions(&self, page: &mut String) {
        title(page, 2, "If a Region goes");
        let rows = self.regions.iter().map(|gone| {
            let then =
                if gone.then.is_empty() { "nothing is lost but its copies".to_owned() } else { gone.then.join("; ") };
            vec![gone.region.to_string(), gone.is.to_owned(), then]
        });
        table(page, &["Region", "what it is", "without it"], rows);
    }

    fn backups(&self, page: &mut String) {
        title(page, 2, "Backups");
        if self.backups.is_empty() {
            return paragraph(page, "**None.** What a failover cannot bring back, as deleted rows, is gone.");
        }
        let rows = self.backups.iter().map(|backup| {
            let list = |all: Vec<String>| if all.is_empty() { "nowhere else".to_owned() } else { all.join(", ") };
            vec![
                format!("`{}`", backup.name),
                list(backup.components.iter().map(ToString::to_string).collect()),
                plain(&backup.schedule),
                list(backup.copies.iter().map(ToString::to_string).collect()),
                backup.kept.clone(),
                plain(&backup.proved),
            ]
        });
        table(page, &["schedule", "of", "when, in UTC", "copied to", "kept", "proved"], rows);
    }

    fn open(&self, page: &mut String) {
        if !self.objections.is_empty() {
            title(page, 2, "What the check objects to");
            list(page, self.objections.iter().map(|finding| plain(&finding.to_string())));
        }
        title(page, 2, "Open questions");
        list(page, self.questions.iter().cloned());
        title(page, 2, "Signed");
        table(page, &["name", "day"], [vec!["&nbsp;".to_owned(), "&nbsp;".to_owned()]]);
    }
}

fn kept(figure: &Reckoned) -> &'static str {
    match figure.is_kept() {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "not known",
    }
}

fn tier_kept(tier: &TierKept) -> String {
    let named = |names: &[crate::words::id::ComponentName]| {
        names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    if tier.components == 0 {
        return "not known: no component is of it".to_owned();
    }
    match (tier.broken_by.as_slice(), tier.unknown_of.as_slice()) {
        ([], []) => "yes".to_owned(),
        ([], unknown) => format!("not known of {}", named(unknown)),
        (broken, _) => format!("**no**, by {}", named(broken)),
    }
}

fn title(page: &mut String, level: usize, text: &str) {
    let _ = writeln!(page, "{} {text}\n", "#".repeat(level));
}

fn paragraph(page: &mut String, text: &str) {
    let _ = writeln!(page, "{text}\n");
}

fn list(page: &mut String, items: impl Iterator<Item = String>) {
    for item in items {
        let _ = writeln!(page, "- {item}");
    }
    page.push('\n');
}

fn table(page: &mut String, head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let _ = writeln!(page, "| {} |\n|{}", head.join(" | "), "---|".repeat(head.len()));
    for row in rows {
        let _ = writeln!(page, "| {} |", row.join(" | "));
    }
    page.push('\n');
}

/// A text from the plan, of which Markdown and HTML make nothing.
fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~' | '&' | '!' => shown.extend(['\\', c]),
            c if c.is_control() => shown.push(' '),
            c => shown.push(c),
        }
    }
    shown
}
