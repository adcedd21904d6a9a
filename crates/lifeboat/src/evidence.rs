//! `lifeboat evidence`: the schema of a run's evidence, and the page of a drill's.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use domain::record::evidence;
use lab::report::{self, DrillResult};

use crate::{output::Output, refusal::Refusal};

/// What to do with evidence.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prints the JSON Schema of the evidence that every run leaves in its Region's bucket.
    #[command(after_help = "\
Example:
  lifeboat evidence schema > evidence.schema.json")]
    Schema,
    /// Writes the page of a drill's evidence.json.
    Page(Page),
}

/// Writes the page of a drill's evidence.json.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lifeboat evidence page evidence.json
  lifeboat evidence page evidence.json --to drill.html

Exit codes: 0 the page is written; 1 the file is no drill's evidence, or the page cannot be written; 2 the file cannot be
read.")]
pub(crate) struct Page {
    /// A drill's evidence.json.
    #[arg(value_name = "EVIDENCE.json")]
    file: PathBuf,
    /// The page; report.html beside the evidence by default.
    #[arg(long, value_name = "PAGE.html")]
    to: Option<PathBuf>,
}

/// A drill's evidence has some hundred kilobytes; a file far beyond that is something else.
const LARGEST_EVIDENCE_BYTES: u64 = 64 * 1024 * 1024;

impl Command {
    pub(crate) fn run(self, output: &mut Output) -> Result<ExitCode, Refusal> {
        match self {
            Self::Schema => output.line(&format!("{:#}", evidence::schema())),
            Self::Page(page) => {
                let written = page.write()?;
                output.line(&written.display().to_string());
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Page {
    fn write(self) -> Result<PathBuf, Refusal> {
        let result = read(&self.file)?;
        let to = self.to.unwrap_or_else(|| self.file.with_file_name("report.html"));
        // Written beside it first, so that a page is always whole.
        let draft = to.with_extension("draft");
        let placed = File::create(&draft)
            .and_then(|mut file| file.write_all(report::page(&result).as_bytes()))
            .and_then(|()| fs::rename(&draft, &to));
        placed.map_err(|error| {
            Refusal::failed(format!("cannot write `{}`: {error}", to.display()), "Name another place with --to.")
        })?;
        Ok(to)
    }
}

fn read(file: &Path) -> Result<DrillResult, Refusal> {
    let name = file.display();
    let unreadable = |error: io::Error| {
        Refusal::usage(format!("cannot read `{name}`: {error}"), "Name the evidence.json that a drill told of.")
    };
    let mut bytes = Vec::new();
    let open = File::open(file).map_err(unreadable)?;
    open.take(LARGEST_EVIDENCE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_EVIDENCE_BYTES {
        return Err(Refusal::failed(
            format!("`{name}` has more than {LARGEST_EVIDENCE_BYTES} bytes"),
            "Name the evidence.json that a drill told of.",
        ));
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        Refusal::failed(
            format!("`{name}` is no drill's evidence: {error}"),
            "Name the evidence.json that a drill told of; a single run's evidence has no page of its own.",
        )
    })
}
