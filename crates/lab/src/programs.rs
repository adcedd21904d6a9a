//! The functions' programs: in the folder that cargo built them into.

use std::{
    env, io,
    path::{Path, PathBuf},
};

pub use launch::programs::ProgramsError;
use launch::programs::{self, FOLDER};
use tokio::sync::OnceCell;

use crate::setup::Progress;

/// The checkout, and the functions built from it.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The checkout's root.
    pub root: PathBuf,
    folder: PathBuf,
}

/// Where this process has built them: its labs all play what was built for the first.
static BUILT: OnceCell<PathBuf> = OnceCell::const_new();

/// Builds while the gateways and every other lab go on.
async fn build(root: PathBuf) -> Result<PathBuf, ProgramsError> {
    let built = tokio::task::spawn_blocking(move || programs::build(&root)).await;
    built.map_err(|error| ProgramsError::Cargo(io::Error::other(error)))?
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
                BUILT.get_or_try_init(|| build(root.to_owned())).await?.clone()
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
