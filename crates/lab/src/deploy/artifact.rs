//! What is uploaded: a function's zip, a state machine's definition or a template, keyed by its content.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Cursor, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::DeployError;
use super::template::Source;

/// The program's name and mode in the zip, as `provided.al2023` wants them.
const ENTRY: &str = "bootstrap";
const MODE: u32 = 0o755;

/// Bytes to upload, and under which key.
#[derive(Debug)]
pub(super) struct Artifact {
    pub(super) key: String,
    pub(super) content: Bytes,
}

impl Artifact {
    /// A template with everything in its place.
    pub(super) fn template(stack: &str, body: String) -> Self {
        let content = Bytes::from(body);
        Self { key: format!("templates/{stack}-{}", digest(&content)), content }
    }

    /// Reads what `source` names; of a function, keeps its program in `code` and zips what starts it.
    pub(super) fn gather(
        source: &Source,
        folder: &Path,
        code: &Path,
        bootstrap: &(dyn Fn(&str) -> PathBuf + Sync),
    ) -> Result<Self, DeployError> {
        match source {
            Source::Binary(name) => {
                let path = bootstrap(name);
                let packed = pack(&path, code);
                let (version, content) = packed.map_err(|source| DeployError::File {
                    what: "taking the function's program",
                    path,
                    source,
                })?;
                Ok(Self { key: format!("{name}/{version}.zip"), content })
            }
            Source::Definition(path) => {
                let path = folder.join(path);
                let content = Bytes::from(read(&path)?);
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                Ok(Self { key: format!("definitions/{}-{name}", digest(&content)), content })
            }
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, DeployError> {
    fs::read(path).map_err(|source| DeployError::File { what: "reading", path: path.to_owned(), source })
}

/// Keeps the program as it is now in `code`, where a later build leaves it alone, and zips a `bootstrap` that becomes it.
///
/// An unoptimized program is 45 MB: to pack, upload, hash and unpack twenty of them for each Region was most of a lab's start.
fn pack(program: &Path, code: &Path) -> io::Result<(String, Bytes)> {
    let found = fs::metadata(program)?;
    let since = found.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    let version = format!("{}-{}", since.as_nanos(), found.len());
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    let kept = std::path::absolute(code.join(format!("{name}-{version}")))?;
    keep(program, &kept)?;
    let quoted = kept.display().to_string().replace('\'', r"'\''");
    Ok((version, zipped(format!("#!/bin/sh\nexec '{quoted}'\n").as_bytes())?.into()))
}

/// A second name for the program's file, or a copy where there can be none.
fn keep(program: &Path, kept: &Path) -> io::Result<()> {
    if let Some(folder) = kept.parent() {
        fs::create_dir_all(folder)?;
    }
    match fs::hard_link(program, kept) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(_) => fs::copy(program, kept).map(drop),
        Ok(()) => Ok(()),
    }
}

fn zipped(script: &[u8]) -> io::Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(ENTRY, SimpleFileOptions::default().unix_permissions(MODE))?;
    zip.write_all(script)?;
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
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;
    use std::process::{self, Command};

    use zip::ZipArchive;

    use super::*;

    #[test]
    fn a_function_stays_what_was_deployed_when_its_program_is_built_again() {
        let folder = std::env::temp_dir().join(format!("lifeboat-it's-{}", process::id()));
        let code = folder.join("code");
        fs::create_dir_all(&folder).unwrap();
        let program = folder.join("restore");
        let build = |says: &str| {
            // As a linker does it: the file is made anew.
            fs::remove_file(&program).ok();
            fs::write(&program, format!("#!/bin/sh\necho {says}\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        };
        let run = |zip: &Bytes| {
            let mut zip = ZipArchive::new(Cursor::new(zip)).unwrap();
            let mut entry = zip.by_name("bootstrap").unwrap();
            assert_eq!(entry.unix_mode().unwrap() & 0o777, 0o755);
            let mut script = String::new();
            entry.read_to_string(&mut script).unwrap();
            String::from_utf8(Command::new("sh").args(["-c", &script]).output().unwrap().stdout).unwrap()
        };
        build("first");
        let (version, first) = pack(&program, &code).unwrap();
        assert_eq!(pack(&program, &code).unwrap(), (version.clone(), first.clone()), "nothing changed");
        build("another");
        let (later, other) = pack(&program, &code).unwrap();
        assert_ne!(version, later);
        assert_eq!((run(&first).as_str(), run(&other).as_str()), ("first\n", "another\n"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
