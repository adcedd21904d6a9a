//! `lifeboat plan explain`: the page that a plan's owner signs.

use std::process::ExitCode;

use clap::Args;
use domain::{
    plan_file::{Assumed, explain},
    words::time_span::TimeSpan,
};
use pulldown_cmark::{Options, Parser, html};

use super::usable;
use crate::{output::Output, refusal::Refusal};

/// Prints the page that a plan's owner signs.
#[derive(Debug, Args)]
#[command(after_help = "\
What is protected, how often it is backed up and how long that is kept, the worst RTO and RPO by component and tier with the
arithmetic, what happens by itself and what waits for a person, what is lost if a Region goes, what it costs, what the plan's
check objects to, and what only people can answer. From the plan alone: nothing is asked of AWS.

Examples:
  lifeboat plan explain plans/lab.yaml
  lifeboat plan explain plans/lab.yaml --html > plan.html
  lifeboat plan explain plans/lab.yaml --promotion 10m --json

Exit codes: 0 printed; 1 the plan has errors, which are shown; 2 the file cannot be read, or wrong command line.")]
pub(crate) struct Explain {
    /// The plan's file; `-` for standard input.
    #[arg(value_name = "FILE")]
    file: String,
    /// How long RDS is reckoned to take for a promotion; its documents say several minutes or longer.
    #[arg(long, value_name = "SPAN", default_value = "5m", value_parser = span)]
    promotion: TimeSpan,
    /// Prints it as a page for browsers, without anything to be fetched.
    #[arg(long)]
    html: bool,
    /// Prints one JSON object.
    #[arg(long, conflicts_with = "html")]
    json: bool,
}

fn span(text: &str) -> Result<TimeSpan, String> {
    TimeSpan::try_from(text.to_owned()).map_err(|error| error.to_string())
}

impl Explain {
    pub(super) fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        let plan = usable(&self.file)?;
        let explanation = explain(&plan, &Assumed { promotion: self.promotion, today: super::today() });
        if self.json {
            output.json(&explanation)?;
        } else if self.html {
            output.line(&page(explanation.plan.as_str(), &explanation.markdown()));
        } else {
            output.line(explanation.markdown().trim_end());
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A page that is read on a screen and signed on paper.
fn page(name: &str, markdown: &str) -> String {
    let mut body = String::new();
    html::push_html(&mut body, Parser::new_ext(markdown, Options::ENABLE_TABLES));
    let style = include_str!("explain.css");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>Recovery plan {name}</title>\n<style>\n{style}</style>\n{body}</html>"
    )
}

#[cfg(test)]
mod tests {
    use domain::{
        plan::{Disaster, FailureObjective, Tier},
        plan_file,
    };

    use super::*;

    #[test]
    fn nothing_that_a_plan_says_becomes_part_of_the_page() {
        let text = include_str!("../../../../plans/lab.yaml");
        let mut plan = plan_file::read(text, "plans/lab.yaml").unwrap();
        plan.summary = "<script>alert(1)</script> [a](javascript:b) | ![c](d) **e**".to_owned();
        plan.owner = Some("<b>anna</b> | `x`".to_owned());
        let hostile = "<i>x</i> [y](z:)\u{202e} \n\n# Signed".to_owned();
        let texts = || vec![hostile.clone()];
        plan.objectives.tiers = vec![Tier {
            name: "gold".parse().unwrap(),
            rto: TimeSpan::seconds(1),
            rpo: TimeSpan::seconds(1),
            availability_percent: None,
            services: texts(),
            data: texts(),
            keep: None,
        }];
        plan.objectives.failures = vec![FailureObjective {
            class: Disaster::Breach,
            level: Some(hostile.clone()),
            rto: TimeSpan::seconds(1),
            rpo: TimeSpan::seconds(1),
        }];
        let assumed = Assumed { promotion: TimeSpan::seconds(300), today: super::super::today() };
        let page = page("lab", &explain(&plan, &assumed).markdown());
        for made in ["<script", "<a ", "<img", "<b>", "<i>", "<strong>e", "<h1>Signed", "\u{202e}"] {
            assert!(!page.contains(made), "{made}: {page}");
        }
        assert!(page.contains("&lt;b&gt;anna&lt;/b&gt; | 'x'"), "{page}");
    }
}
