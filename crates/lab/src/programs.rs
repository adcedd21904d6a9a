//! The functions' programs: in the folder that cargo built them into.

use std::{
    env, io,
    path::{Path, PathBuf},
};

pub use launch::programs::ProgramsError;
use launch::programs::{self, FOLDER};

use crate::setup::Progress;

/// The checkout, and the functions built from it.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The checkout's root.
    pub root: PathBuf,
    folder: PathBuf,
}

impl Programs {
    /// Finds the checkout that the working directory is in.
    ///
    /// # Errors
    /// [`ProgramsError::NoCheckout`].
    pub fn root() -> Result<PathBuf, ProgramsError> {
        programs::checkout()
    }

    /// Those that whoever started this process has just built; where nobody did, builds every function.
    ///
    /// # Errors
    /// [`ProgramsError`].
    pub async fn build(root: &Path, progress: &dyn Progress) -> Result<Self, ProgramsError> {
        let folder = match env::var_os(FOLDER) {
            Some(folder) => folder.into(),
            None => {
                progress.step("building the functions");
                // The gateways and every other lab go on while cargo works.
                let of = root.to_owned();
                let built = tokio::task::spawn_blocking(move || programs::build(&of)).await;
                built.map_err(|error| ProgramsError::Cargo(io::Error::other(error)))??
            }
        };
        Ok(Self { root: root.to_owned(), folder })
    }

    /// The program of a function; where it is not built, a path that does not exist, which the deployment then names.
    #[must_use]
    pub fn bootstrap(&self, function: &str) -> PathBuf {
        self.folder.join(function)
    }

    /// The engine's template.
    #[must_use]
    pub fn engine(&self) -> PathBuf {
        self.root.join("infra/engine.yaml")
    }

    /// The folder of everything that labs leave.
    #[must_use]
    pub fn labs(&self) -> PathBuf {
        programs::labs(&self.root)
    }
}
