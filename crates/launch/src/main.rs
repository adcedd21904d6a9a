//! `cargo drill` and `cargo lab`: says at once what comes, makes the machine ready while everything is built, and becomes
//! the `lifeboat` command.

#![expect(clippy::print_stderr, reason = "a terminal is what it speaks to")]

use std::{
    env,
    error::Error,
    ffi::OsString,
    io::{self, IsTerminal},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    thread,
};

use launch::{
    programs::{self, ProgramsError},
    setup::{self, Progress, SetupError},
};

/// Options with which no lab is started.
const WITHOUT_A_LAB: [&str; 3] = ["--help", "-h", "--list"];

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let command = match arguments.next().as_deref().and_then(|word| word.to_str()) {
        Some("drill") => "drill",
        Some("lab") => "up",
        _ => {
            eprintln!("`cargo drill` and `cargo lab` run this: give it `drill` or `lab`, and what these take");
            return ExitCode::from(2);
        }
    };
    launch(command, &arguments.collect::<Vec<_>>()).unwrap_or_else(|stop| stop.tell())
}

/// Returns only where there is nothing to become.
fn launch(command: &str, arguments: &[OsString]) -> Result<ExitCode, Stop> {
    let checkout = programs::checkout()?;
    let base = programs::labs(&checkout);
    let starts_a_lab = !arguments.iter().any(|word| WITHOUT_A_LAB.iter().any(|option| word == option));
    let folder = if starts_a_lab {
        setup::look(&base)?;
        announce(&base);
        side_by_side(&checkout, &base)?
    } else {
        programs::build(&checkout)?
    };
    let mut lifeboat = Command::new(folder.join("lifeboat"));
    lifeboat.args(["lab", command]).args(arguments).env(programs::FOLDER, folder);
    programs::forget_the_package(&mut lifeboat);
    Err(Stop::Lifeboat(lifeboat.exec()))
}

/// Says what is to come where that takes minutes.
fn announce(base: &Path) {
    if setup::is_due(base) {
        eprintln!("The first time, everything is built and this machine is made ready: 5 to 10 minutes on two cores.");
        eprintln!("After that a lab is up in 12 s. What is made is under target/ in this checkout.");
    }
}

/// Builds everything, and makes the machine ready meanwhile. Gives the programs' folder.
fn side_by_side(checkout: &Path, base: &Path) -> Result<PathBuf, Stop> {
    let (ready, built) = thread::scope(|scope| {
        let ready = scope.spawn(|| {
            let ready = setup::prepare(base, &OnTerminal);
            if let Err(error) = &ready {
                // At once, too: the build may take minutes yet.
                OnTerminal.step(&chain(error));
            }
            ready
        });
        let built = programs::build(checkout);
        (ready.join(), built)
    });
    let folder = built?;
    match ready {
        Ok(ready) => ready?,
        Err(panic) => std::panic::resume_unwind(panic),
    };
    Ok(folder)
}

/// Writes a step between cargo's lines.
struct OnTerminal;

impl Progress for OnTerminal {
    fn step(&self, what: &str) {
        // On a terminal cargo's bar stands in the line that is written to.
        let clear = if io::stderr().is_terminal() { "\r\x1b[K" } else { "" };
        eprintln!("{clear}{what}");
    }
}

/// Why there is no lab.
enum Stop {
    Setup(SetupError),
    Programs(ProgramsError),
    Lifeboat(io::Error),
}

impl Stop {
    /// Says it; gives the exit code, which is cargo's own where that has failed and said why.
    fn tell(&self) -> ExitCode {
        match self {
            Self::Programs(ProgramsError::Build(status)) => {
                return ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1));
            }
            Self::Programs(error) => eprintln!("error: {}", chain(error)),
            Self::Setup(error) => eprintln!("error: {}", chain(error)),
            Self::Lifeboat(error) => eprintln!("error: the command that was built cannot be run: {error}"),
        }
        ExitCode::FAILURE
    }
}

impl From<SetupError> for Stop {
    fn from(error: SetupError) -> Self {
        Self::Setup(error)
    }
}

impl From<ProgramsError> for Stop {
    fn from(error: ProgramsError) -> Self {
        Self::Programs(error)
    }
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
