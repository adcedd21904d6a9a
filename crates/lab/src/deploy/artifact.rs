//! What is uploaded: a function's zip, a state machine's definition or a template, keyed by its content.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Cursor, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::DeployError;
use super::template::Source;

/// Deflate's fastest level: the gateway unpacks it again at once.
const LEVEL: i64 = 1;

/// What a kept zip's name ends with. The number changes with how one is made.
const KEPT_AS: &str = "1.zip";

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
                let packed = Packed::of(&path).map_err(|source| DeployError::File { what: "zipping", path, source })?;
                Ok(Self { key: format!("{name}/{}.zip", packed.version), content: packed.zip })
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

/// A program in its zip, which is kept beside it: an unoptimized one is 40 MB, and packing all of them took most of a lab's
/// start.
struct Packed {
    /// Tells it from what the program was before.
    version: String,
    zip: Vec<u8>,
}

impl Packed {
    fn of(program: &Path) -> io::Result<Self> {
        let found = fs::metadata(program)?;
        let built = found.modified()?;
        let since = built.duration_since(UNIX_EPOCH).unwrap_or_default();
        let version = format!("{}-{}", since.as_nanos(), found.len());
        let kept = program.with_extension(KEPT_AS);
        let is_of_it = fs::metadata(&kept).and_then(|zip| zip.modified()).is_ok_and(|of| of == built);
        if is_of_it {
            return Ok(Self { version, zip: fs::read(&kept)? });
        }
        let zip = zipped(&fs::read(program)?)?;
        if let Err(error) = keep(&zip, &kept, built) {
            tracing::debug!(%error, "a zip is not kept as {}", kept.display());
        }
        Ok(Self { version, zip })
    }
}

/// Keeps a zip under the time of what is in it. Of several that do so at once, the last one's stays, whole.
fn keep(zip: &[u8], as_file: &Path, built: SystemTime) -> io::Result<()> {
    static KEPT: AtomicU64 = AtomicU64::new(0);
    let number = KEPT.fetch_add(1, Ordering::Relaxed);
    let on_its_way = as_file.with_extension(format!("zip-{}-{number}", process::id()));
    let mut file = File::create(&on_its_way)?;
    let kept = file.write_all(zip).and_then(|()| file.set_modified(built));
    kept.and_then(|()| fs::rename(&on_its_way, as_file)).inspect_err(|_| drop(fs::remove_file(&on_its_way)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_packed_once_until_it_is_built_again() {
        let folder = std::env::temp_dir().join(format!("lifeboat-packed-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        let program = folder.join("restore");
        let build = |content: &[u8], at: u64| {
            fs::write(&program, content).unwrap();
            let built = UNIX_EPOCH + std::time::Duration::from_secs(at);
            File::options().write(true).open(&program).unwrap().set_modified(built).unwrap();
        };
        build(b"the first", 1_000);
        let first = Packed::of(&program).unwrap();
        let kept = folder.join("restore.1.zip");
        assert_eq!(fs::read(&kept).unwrap(), first.zip);
        // What is kept is what is taken.
        fs::write(&kept, b"kept").unwrap();
        File::options()
            .write(true)
            .open(&kept)
            .unwrap()
            .set_modified(fs::metadata(&program).unwrap().modified().unwrap())
            .unwrap();
        assert_eq!(Packed::of(&program).unwrap().zip, b"kept");
        // As long, and built again.
        build(b"the other", 1_001);
        let other = Packed::of(&program).unwrap();
        assert_ne!(other.version, first.version);
        assert_eq!(fs::read(&kept).unwrap(), other.zip);
        fs::remove_dir_all(&folder).unwrap();
    }
}
