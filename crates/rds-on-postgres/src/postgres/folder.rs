//! Folders and files that belong to the user PostgreSQL runs as.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown};
use std::path::Path;

use processes::RunAs;

/// How deep a copy follows folders; a data directory has five levels.
const DEPTH_AT_MOST: usize = 32;

/// Makes the folder and those above it; all that are new belong to `owner` and nobody else reads them.
pub(crate) fn make(path: &Path, owner: Option<RunAs>) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make(parent, owner)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.and_then(|()| give(path, owner)),
    }
}

/// Writes the file whole, or leaves the old one whole: a server may be reading it.
pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>, owner: Option<RunAs>) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(content.as_ref())?;
    give(&new, owner)?;
    fs::rename(&new, path)
}

/// Removes what is there, if anything is.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Copies a folder that nobody is writing to. On file systems that can, the blocks are shared.
pub(crate) fn copy(from: &Path, to: &Path, owner: Option<RunAs>) -> io::Result<()> {
    let copy = |source: &Path, target: &Path| fs::copy(source, target).and_then(|_| give(target, owner));
    each_file(from, to, owner, DEPTH_AT_MOST, &copy)
}

/// Makes a second folder with the same files, for files that are never changed again: either
/// folder can be removed without the other. `pass` is told of each file's bytes, and ends it when it fails.
pub(crate) fn link(
    from: &Path,
    to: &Path,
    owner: Option<RunAs>,
    pass: &dyn Fn(u64) -> io::Result<()>,
) -> io::Result<()> {
    let link = |source: &Path, target: &Path| {
        pass(fs::metadata(source)?.len())?;
        fs::hard_link(source, target)
    };
    each_file(from, to, owner, DEPTH_AT_MOST, &link)
}

/// How many bytes the folder's files have.
pub(crate) fn bytes(folder: &Path) -> io::Result<u64> {
    bytes_within(folder, DEPTH_AT_MOST)
}

fn bytes_within(folder: &Path, levels: usize) -> io::Result<u64> {
    let levels = levels.checked_sub(1).ok_or_else(|| io::Error::other("the folder is nested too deep"))?;
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        bytes +=
            if entry.file_type()?.is_dir() { bytes_within(&entry.path(), levels)? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}

fn each_file(
    from: &Path,
    to: &Path,
    owner: Option<RunAs>,
    levels: usize,
    place: &dyn Fn(&Path, &Path) -> io::Result<()>,
) -> io::Result<()> {
    let levels = levels.checked_sub(1).ok_or_else(|| io::Error::other("the folder is nested too deep"))?;
    make(to, owner)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            each_file(&source, &target, owner, levels, place)?;
        } else {
            place(&source, &target)?;
        }
    }
    Ok(())
}

/// Finds a folder on the way to `path` that the user may not pass, if there is one.
pub(crate) fn closed_to(user: RunAs, path: &Path) -> Option<&Path> {
    let passable = |folder: &&Path| match fs::metadata(folder) {
        Ok(found) => {
            let mask = match (found.uid() == user.uid, found.gid() == user.gid) {
                (true, _) => 0o100,
                (false, true) => 0o010,
                (false, false) => 0o001,
            };
            found.mode() & mask != 0
        }
        // What is not there yet will be made so that its owner can pass.
        Err(_) => true,
    };
    path.ancestors().skip(1).find(|folder| !folder.as_os_str().is_empty() && !passable(folder))
}

fn give(path: &Path, owner: Option<RunAs>) -> io::Result<()> {
    match owner {
        Some(RunAs { uid, gid }) => chown(path, Some(uid), Some(gid)),
        None => Ok(()),
    }
}
