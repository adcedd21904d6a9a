//! Every program of the workspace, built by cargo in the profile that the lab uses.

use std::{
    env,
    error::Error,
    fmt, io,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

/// Names the folder of the programs for a lab that need not build them: whoever started it has just done so.
pub const FOLDER: &str = "LIFEBOAT_FUNCTIONS";

/// What makes a folder a checkout.
const TEMPLATE: &str = "infra/engine.yaml";

/// What cargo tells a program that it runs, which a build under that program must not hear: ring's is made anew whenever
/// it finds another package's name there, and all that uses ring with it.
const OF_ANOTHER_PACKAGE: [&str; 4] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];

/// A program that is always built: the folder it is in has the others.
const KNOWN: &str = "/lifeboat\"";

/// Why there are no programs.
#[derive(Debug)]
pub enum ProgramsError {
    /// Not in a checkout.
    NoCheckout {
        /// Where it was looked for.
        from: PathBuf,
    },
    /// Cargo could not be run.
    Cargo(io::Error),
    /// Cargo refused.
    Build(ExitStatus),
    /// Cargo did not say where the programs are.
    Unsaid,
}

impl fmt::Display for ProgramsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCheckout { from } => {
                write!(f, "no `{TEMPLATE}` in {} or above: run it in a checkout of Lifeboat", from.display())
            }
            Self::Cargo(_) => f.write_str("cannot run cargo: install Rust by rustup"),
            Self::Build(status) => write!(f, "the functions do not build ({status}): see what cargo says above"),
            Self::Unsaid => f.write_str("cargo did not say where it put the programs: is it cargo 1.95 or newer?"),
        }
    }
}

impl Error for ProgramsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Cargo(source) => Some(source),
            Self::NoCheckout { .. } | Self::Build(_) | Self::Unsaid => None,
        }
    }
}

/// The checkout that the working directory is in.
///
/// # Errors
/// [`ProgramsError::NoCheckout`].
pub fn checkout() -> Result<PathBuf, ProgramsError> {
    let from = env::current_dir().map_err(ProgramsError::Cargo)?;
    let found = from.ancestors().find(|folder| folder.join(TEMPLATE).is_file()).map(Path::to_owned);
    found.ok_or(ProgramsError::NoCheckout { from })
}

/// The folder of everything that labs leave.
#[must_use]
pub fn labs(checkout: &Path) -> PathBuf {
    checkout.join("target").join("lab")
}

/// Builds every program and gives their folder. Cargo's own progress is shown by cargo.
///
/// # Errors
/// [`ProgramsError`].
pub fn build(checkout: &Path) -> Result<PathBuf, ProgramsError> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // The whole workspace: with fewer packages cargo would choose other features, and build every dependency anew.
    command.args(["build", "--workspace", "--bins", "--message-format=json-render-diagnostics"]);
    command.current_dir(checkout).stdin(Stdio::null()).stderr(Stdio::inherit());
    forget_the_package(&mut command);
    let output = command.output().map_err(ProgramsError::Cargo)?;
    if !output.status.success() {
        return Err(ProgramsError::Build(output.status));
    }
    folder(&String::from_utf8_lossy(&output.stdout)).ok_or(ProgramsError::Unsaid)
}

/// Takes out of a command's environment what cargo told this process about its package.
pub fn forget_the_package(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| OF_ANOTHER_PACKAGE.iter().any(|prefix| name.starts_with(prefix))) {
            command.env_remove(name);
        }
    }
}

/// Where cargo's messages, a JSON object a line, say that the known program is.
fn folder(messages: &str) -> Option<PathBuf> {
    let path = messages.lines().find_map(|line| {
        let (_, executable) = line.split_once("\"executable\":\"")?;
        let end = executable.find(KNOWN)?;
        // A longer string is another program's path, or another key's.
        let path = &executable[..end];
        (!path.replace("\\\"", "").contains('"')).then(|| path.replace("\\\"", "\"").replace("\\\\", "\\"))
    });
    path.map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_are_where_cargo_says() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"edge"},"filenames":["/t/libedge.rlib"],"executable":null}"#,
            "\n",
            r#"{"target":{"name":"notify"},"executable":"/t/debug/notify","fresh":true}"#,
            "\n",
            r#"{"target":{"name":"lifeboat"},"executable":"/a \"b\"/t/debug/lifeboat","fresh":true}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        assert_eq!(folder(messages), Some(PathBuf::from("/a \"b\"/t/debug")));
        assert_eq!(folder(r#"{"executable":"/t/notify","filenames":["/t/lifeboat"]}"#), None);
        assert_eq!(folder(""), None);
    }
}
