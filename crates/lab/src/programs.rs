//! The functions' programs: built by cargo, found in its target folder.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde::Deserialize;
use tokio::process::Command;

/// The checkout, and the functions built from it.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The checkout's root.
    pub root: PathBuf,
    by_name: BTreeMap<String, PathBuf>,
}

/// Why there are no programs.
#[derive(Debug, thiserror::Error)]
pub enum ProgramsError {
    /// Not in a checkout.
    #[error("no `{TEMPLATE}` in {} or above: run it in a checkout of Lifeboat", from.display())]
    NoCheckout {
        /// Where it was looked for.
        from: PathBuf,
    },
    /// Cargo could not be run.
    #[error("cannot run cargo: install Rust by rustup")]
    Cargo(#[source] io::Error),
    /// Cargo refused.
    #[error("the functions do not build ({0}): see what cargo says above")]
    Build(std::process::ExitStatus),
}

/// What makes a folder a checkout.
const TEMPLATE: &str = "infra/engine.yaml";

/// One line of cargo's messages, of which only what was built matters.
#[derive(Deserialize)]
struct Built {
    executable: Option<PathBuf>,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

impl Programs {
    /// Finds the checkout that the working directory is in.
    ///
    /// # Errors
    /// [`ProgramsError::NoCheckout`].
    pub fn root() -> Result<PathBuf, ProgramsError> {
        let from = std::env::current_dir().map_err(ProgramsError::Cargo)?;
        let found = from.ancestors().find(|folder| folder.join(TEMPLATE).is_file()).map(Path::to_owned);
        found.ok_or(ProgramsError::NoCheckout { from })
    }

    /// Builds every function in the profile that the lab uses. Cargo's own progress is shown by cargo, which ends with
    /// whoever waits for it.
    ///
    /// # Errors
    /// [`ProgramsError`].
    pub async fn build(root: &Path) -> Result<Self, ProgramsError> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        // The whole workspace: with fewer packages cargo would choose other features, and build every dependency anew.
        let output = Command::new(cargo)
            .args(["build", "--workspace", "--bins", "--message-format=json-render-diagnostics"])
            .current_dir(root)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(ProgramsError::Cargo)?;
        if !output.status.success() {
            return Err(ProgramsError::Build(output.status));
        }
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        let built = lines.lines().filter_map(|line| serde_json::from_str::<Built>(line).ok());
        let by_name = built.filter_map(|built| Some((built.target?.name, built.executable?))).collect();
        Ok(Self { root: root.to_owned(), by_name })
    }

    /// The program of a function; where cargo did not say, a path that does not exist, which the deployment then names.
    #[must_use]
    pub fn bootstrap(&self, function: &str) -> PathBuf {
        self.by_name
            .get(function)
            .cloned()
            .unwrap_or_else(|| self.root.join("functions").join(function).join("not-built"))
    }

    /// The engine's template.
    #[must_use]
    pub fn engine(&self) -> PathBuf {
        self.root.join(TEMPLATE)
    }

    /// The folder of everything that labs leave.
    #[must_use]
    pub fn labs(&self) -> PathBuf {
        self.root.join("target").join("lab")
    }
}
