//! The page as Markdown.

use std::fmt::Write;

use super::{Explanation, Protected, Reckoned, TierKept};
use crate::{
    plan::Tier,
    words::{
        id::{Address, ComponentName},
        time_span::TimeSpan,
    },
};

impl Explanation {
    /// The page, with nothing in it that a plan's text could make of it.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut page = String::new();
        self.head(&mut page);
        self.protected(&mut page);
        self.names(&mut page);
        self.worst(&mut page);
        self.targets(&mut page);
        self.answers(&mut page);
        self.alarms(&mut page);
        self.regions(&mut page);
        self.health(&mut page);
        self.backups(&mut page);
        self.open(&mut page);
        page
    }

    fn head(&self, page: &mut String) {
        title(page, 1, &format!("Recovery plan `{}`", self.plan));
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
                vec!["System".to_owned(), plain(&self.summary)],
                vec!["Promised".to_owned(), promised],
                vec!["Owner".to_owned(), self.owner.as_deref().map_or_else(unknown, plain)],
                vec!["To be reviewed by".to_owned(), self.review_by.map_or_else(unknown, |day| day.to_string())],
                vec![
                    "An idle month costs".to_owned(),
                    self.dollars_a_month.map_or_else(unknown, |dollars| {
                        format!("${dollars:.2} at list prices, without RDS itself and the storage of snapshots (`lifeboat plan cost`)")
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
            // Endpoints are among the names, as what these lead to.
            let or_none = |all: &[String]| {
                let shown = all.iter().filter(|of| !of.starts_with("endpoint ")).cloned().collect::<Vec<_>>();
                if shown.is_empty() { "none".to_owned() } else { plain(&shown.join(", ")) }
            };
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
        let aged = self.protected.iter().filter_map(|component| {
            Some(format!("An object of `{}` is {}.", component.name, component.lifecycle.as_ref()?))
        });
        let aged: Vec<String> = aged.collect();
        if !aged.is_empty() {
            list(page, aged.into_iter());
        }
    }

    fn names(&self, page: &mut String) {
        title(page, 2, "The names that clients use");
        let rows = self.names.iter().map(|name| {
            let of = if name.is_the_database_s { "" } else { ", the application's" };
            let kept = match name.ttl_after.filter(|after| *after != name.ttl) {
                Some(after) => format!("{}, after a failover {after}", name.ttl),
                None => name.ttl.to_string(),
            };
            let ids = [name.name.as_str(), name.zone.as_str(), name.primary.text(), name.recovery.text()];
            let [own, zone, primary, recovery] = ids.map(|id| format!("`{id}`"));
            let with = match name.by_itself_after {
                Some(after) => format!("nothing: by itself, once its health check failed for {after}"),
                None => format!("`{}`{of}", name.with),
            };
            vec![own, zone, with, primary, recovery, kept]
        });
        table(page, &["name", "zone", "moves with", "leads to", "after a failover to", "kept for"], rows);
        if !self.resolvers.is_empty() {
            let all: Vec<&str> = self.resolvers.iter().map(Address::as_str).collect();
            let all = all.join(", ");
            paragraph(
                page,
                &format!(
                    "After a failover these resolvers are asked as well, and when each gave the new answer is on record: {all}."
                ),
            );
        }
    }

    fn worst(&self, page: &mut String) {
        title(page, 2, "At worst, by the plan's own numbers");
        let alike = alike(&self.worst, |worst| (&worst.rto, &worst.rpo));
        let rows = alike.iter().flat_map(|alike| {
            let worst = alike[0];
            let names = alike.iter().map(|worst| format!("`{}`", worst.component)).collect::<Vec<_>>().join(", ");
            [("RTO", &worst.rto), ("RPO", &worst.rpo)].map(|(name, figure)| {
                vec![
                    names.clone(),
                    name.to_owned(),
                    figure.promised.to_string(),
                    figure.at_worst.map_or_else(|| "not known".to_owned(), TimeSpan::roughly),
                    met(figure).to_owned(),
                    plain(&figure.because),
                ]
            })
        });
        table(page, &["component", "", "promised", "at worst", "met", "because"], rows);
        let tiers = self.objectives.tiers.iter().zip(&self.tiers);
        let rows: Vec<Vec<String>> = tiers.map(|(promised, tier)| tier_row(promised, tier)).collect();
        if !rows.is_empty() {
            table(page, &["tier", "RTO", "RPO", "available", "backups reach back", "promised for", "met"], rows);
        }
    }

    fn targets(&self, page: &mut String) {
        let targets = &self.objectives.targets;
        if targets.is_empty() {
            return;
        }
        title(page, 2, "What is to be kept over time");
        let rows = targets.iter().map(|target| {
            let bound = target.bound().map_or_else(|| "—".to_owned(), |bound| bound.to_string());
            vec![target.measure.in_words().to_owned(), bound]
        });
        table(page, &["measure", "target"], rows);
        paragraph(page, "Whether it is kept, runs show: `lifeboat report`.");
    }

    fn alarms(&self, page: &mut String) {
        if self.alarms.is_empty() {
            return;
        }
        title(page, 2, "Whom an alarm of the plan calls");
        let rows = self.alarms.iter().map(|alarm| {
            let or_nothing = |text: Option<&str>| text.map_or_else(|| "—".to_owned(), plain);
            let of = alarm.of.as_ref().map_or_else(String::new, |of| format!(" of `{of}`"));
            let metric = alarm.metric.as_ref().map_or_else(String::new, |metric| {
                format!(" {}", plain(&format!("{} of {}", metric.name, metric.namespace)))
            });
            let than = match (alarm.above, alarm.below) {
                (Some(above), _) => format!(" above {above}"),
                (None, Some(below)) => format!(" below {below}"),
                (None, None) => String::new(),
            };
            vec![
                format!("`{}`", alarm.name),
                format!("{}{of}{metric}{than}", alarm.watch),
                alarm.lasting.to_string(),
                alarm.severity.to_string(),
                or_nothing(alarm.team.as_deref()),
                or_nothing(alarm.runbook.as_deref()),
            ]
        });
        table(page, &["alarm", "watches", "for", "severity", "team", "runbook"], rows);
    }

    fn answers(&self, page: &mut String) {
        title(page, 2, "What happens by itself, and what waits for whom");
        let is_promised = self.answers.iter().any(|answer| answer.rto.is_some());
        let shown = if is_promised { 4 } else { 2 };
        let alike = alike(&self.answers, |answer| (&answer.level, &answer.answer, answer.rto, answer.rpo));
        let rows = alike.iter().map(|alike| {
            let answer = alike[0];
            let span = |span: Option<TimeSpan>| span.map_or_else(|| "—".to_owned(), |span| span.to_string());
            let level = answer.level.as_deref().map_or_else(String::new, |level| format!(" ({})", plain(level)));
            let classes = alike.iter().map(|answer| answer.class.as_str()).collect::<Vec<_>>().join(", ");
            let row = [format!("{classes}{level}"), answer.answer.clone(), span(answer.rto), span(answer.rpo)];
            row.into_iter().take(shown).collect()
        });
        table(page, &["failure", "answer", "promised RTO", "promised RPO"][..shown], rows);
        if let Some(expected) = self.expected {
            let what = format!(
                "A failover is expected to take {expected}, from its start until traffic is switched: the owner says so, and the notice of \
                 its start. What it took, its evidence shows."
            );
            paragraph(page, &what);
        }
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
        let reach = |component: &Protected| {
            let back = component.point_in_time?;
            let name = &component.name;
            Some(format!("A point in time of `{name}` reaches back {back} at least; readiness looks whether it does."))
        };
        let reach: Vec<String> = self.protected.iter().filter_map(reach).collect();
        if !reach.is_empty() {
            list(page, reach.into_iter());
        }
        if self.backups.is_empty() {
            return paragraph(page, "**None.** What a failover cannot bring back, as deleted rows, is gone.");
        }
        let rows = self.backups.iter().map(|backup| {
            let list = |all: Vec<String>| if all.is_empty() { "nowhere else".to_owned() } else { all.join(", ") };
            vec![
                format!("`{}`", backup.name),
                list(backup.components.iter().map(ToString::to_string).collect()),
                plain(&backup.schedule),
                backup.bound.clone(),
                list(backup.copies.iter().map(ToString::to_string).collect()),
                backup.kept.clone(),
                plain(&backup.proved),
            ]
        });
        table(page, &["schedule", "of", "when, in UTC", "takes at most", "copied to", "kept", "proved"], rows);
    }

    fn health(&self, page: &mut String) {
        if !self.health.is_empty() {
            title(page, 2, "Whether a Region is healthy");
            list(page, self.health.iter().cloned());
        }
    }

    fn open(&self, page: &mut String) {
        if !self.objections.is_empty() {
            title(page, 2, "What the check objects to");
            let alike = alike(&self.objections, |finding| (finding.severity, &finding.remedy));
            let told = alike.iter().map(|alike| {
                let what: Vec<_> = alike.iter().map(|finding| format!("{}: {}", finding.path, finding.what)).collect();
                plain(&format!("{}: {}. {}", alike[0].severity, what.join("; "), alike[0].remedy))
            });
            list(page, told);
        }
        title(page, 2, "Open questions");
        list(page, self.questions.iter().map(|asked| plain(asked)));
        title(page, 2, "Signed");
        table(page, &["name", "day"], [vec!["&nbsp;".to_owned(), "&nbsp;".to_owned()]]);
    }
}

fn met(figure: &Reckoned) -> &'static str {
    match figure.met {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "not known",
    }
}

fn tier_row(promised: &Tier, tier: &TierKept) -> Vec<String> {
    let named = |names: &[ComponentName]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let met = match (tier.components, tier.broken_by.as_slice(), tier.unknown_of.as_slice()) {
        (0, ..) => "not known: no component is of it".to_owned(),
        (_, [], []) => "yes".to_owned(),
        (_, [], unknown) => format!("not known of {}", named(unknown)),
        (_, broken, _) => format!("**no**, by {}", named(broken)),
    };
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| "—".to_owned());
    vec![
        format!("`{}`", promised.name),
        promised.rto.to_string(),
        promised.rpo.to_string(),
        or_nothing(promised.availability_percent.map(|percent| format!("{percent} %"))),
        or_nothing(promised.keep.map(|keep| keep.to_string())),
        plain(&[promised.services.as_slice(), promised.data.as_slice()].concat().join(", ")),
        met,
    ]
}

/// Those of which the same is said, together, where the first of them stands.
fn alike<'a, T, K: PartialEq>(all: &'a [T], said: impl Fn(&'a T) -> K) -> Vec<Vec<&'a T>> {
    let mut groups: Vec<Vec<&T>> = Vec::new();
    for one in all {
        match groups.iter_mut().find(|group| said(group[0]) == said(one)) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    groups
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

/// A text of which Markdown and HTML make nothing, and which reads in the order in which it is written.
fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '`' => shown.push('\''),
            '\\' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~' | '&' | '!' => shown.extend(['\\', c]),
            '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            c if c.is_control() => shown.push(' '),
            c => shown.push(c),
        }
    }
    shown
}
