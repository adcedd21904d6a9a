//! What is uploaded: a function's zip, a state machine's definition or a template, keyed by its content.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Cursor, Write};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::DeployError;
use super::template::Source;

/// Deflate's fastest level: the gateway unpacks it again at once.
const LEVEL: i64 = 1;

/// The program's name and mode in the zip, as `provided.al2023` wants them.
const ENTRY: &str = "bootstrap";
const MODE: u32 = 0o755;

/// Bytes to upload, and under which key.
#[derive(Debug)]
pub(super) struct Artifact {
    pub(super) key: String,
    pub(super) content: Vec<u8>,
}

impl Artifact {
    /// A template with everything in its place.
    pub(super) fn template(stack: &str, body: String) -> Self {
        let content = body.into_bytes();
        Self { key: format!("templates/{stack}-{}", digest(&content)), content }
    }

    /// Reads, and for a function zips, what `source` names.
    pub(super) fn gather(
        source: &Source,
        folder: &Path,
        bootstrap: &(dyn Fn(&str) -> PathBuf + Sync),
    ) -> Result<Self, DeployError> {
        match source {
            Source::Binary(name) => {
                let path = bootstrap(name);
                let program = read(&path)?;
                let content = zipped(&program).map_err(|source| DeployError::File { what: "zipping", path, source })?;
                Ok(Self { key: format!("{name}/{}.zip", digest(&program)), content })
            }
            Source::Definition(path) => {
                let path = folder.join(path);
                let content = read(&path)?;
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                Ok(Self { key: format!("definitions/{}-{name}", digest(&content)), content })
            }
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, DeployError> {
    fs::read(path).map_err(|source| DeployError::File { what: "reading", path: path.to_owned(), source })
}

fn zipped(program: &[u8]) -> io::Result<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(LEVEL))
        .unix_permissions(MODE);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(ENTRY, options)?;
    zip.write_all(program)?;
    Ok(zip.finish()?.into_inner())
}

/// Tells contents apart within one lab; collisions by intent are no concern here.
fn digest(content: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
