//! The same policy over the same backups, by Lifeboat's code and by rustic's own: what each keeps, how fast, and with
//! how much memory.
//!
//! Three parts: random small series and policies, of which both must keep the same; the cases in which the two are known
//! to differ, each held to what each keeps; a long series, measured, of which both must keep the same. Ends with an error
//! where anything is otherwise.

mod chance;
mod differences;
mod measure;
mod series;
mod tool;
mod trials;

use std::{error::Error, process::ExitCode};

use tool::Tool;

const USAGE: &str = "\
usage: retention-peer [BACKUPS]

Plans the retention of BACKUPS backups (1 to 4,000,000; 1,000,000 unless told) with Lifeboat's code and with rustic's,
five times each, and prints one table. It is an error where the two do not keep the same.
";

const BACKUPS: usize = 1_000_000;
/// One each five minutes: 38 years. rustic needs some gigabytes for as many.
const MOST_BACKUPS: usize = 4_000_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["-h" | "--help"] => {
            print!("{USAGE}");
            Ok(())
        }
        // This program runs itself for each tool, so that each tool's memory is measured alone.
        [measure::ALONE, tool, backups] => match (Tool::named(tool), parsed(backups)) {
            (Some(tool), Some(backups)) => measure::alone(tool, backups),
            _ => return misused(&arguments),
        },
        [] => compare(BACKUPS),
        [backups] => match parsed(backups) {
            Some(backups) => compare(backups),
            None => return misused(&arguments),
        },
        _ => return misused(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// A number of backups, with or without commas.
fn parsed(text: &str) -> Option<usize> {
    let backups = text.replace(',', "").parse().ok()?;
    (1..=MOST_BACKUPS).contains(&backups).then_some(backups)
}

fn misused(arguments: &[&str]) -> ExitCode {
    eprint!("not understood: {}\n{USAGE}", arguments.join(" "));
    ExitCode::from(2)
}

fn compare(backups: usize) -> Result<(), Box<dyn Error>> {
    println!("{}", trials::run()?);
    println!("{}", differences::run()?);
    println!("{}", measure::run(backups)?);
    Ok(())
}
