//! Where a lab's databases lie: in memory where there is room for them, else on disk.
//!
//! A lab makes replicas anew all the time, of a thousand files each. ext4 gives no inode away that was deleted within the last
//! minute, and looks at each of those before it takes another: two labs on two cores spent half of their time there.

use std::{
    ffi::CString,
    io,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::{Path, PathBuf},
};

use crate::{leftovers::clear, slot::Slot};

/// Where they may lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Storage {
    /// In memory, where there is room.
    #[default]
    Memory,
    /// On disk: they will be large.
    Disk,
}

/// The file system in memory that each Linux has.
const MEMORY: &str = "/dev/shm";

/// With less room than this, they lie on disk. A lab takes a tenth of it, and more with each snapshot.
const ROOM_BYTES: u64 = 4 << 30;

/// The databases' folder, as long as the lab is up.
#[derive(Debug)]
pub(crate) struct Databases {
    /// Where they lie.
    pub(crate) folder: PathBuf,
    is_in_memory: bool,
}

impl Databases {
    /// The folder for the databases of the lab in this slot, which the lab's own folder has or leads to as `rds`. What an
    /// earlier lab left is gone.
    pub(crate) fn of(lab: &Path, slot: Slot, storage: Storage) -> io::Result<Self> {
        let on_disk = lab.join("rds");
        clear(&on_disk)?;
        // The slot is ours alone on this machine; another user's folder of that name is not.
        let in_memory = Path::new(MEMORY).join(format!("lifeboat-lab-{slot}"));
        let is_free = clear(&in_memory).is_ok();
        if storage == Storage::Disk || !is_free || room(Path::new(MEMORY)).is_none_or(|room| room < ROOM_BYTES) {
            return Ok(Self { folder: on_disk, is_in_memory: false });
        }
        symlink(&in_memory, &on_disk)?;
        Ok(Self { folder: in_memory, is_in_memory: true })
    }
}

impl Drop for Databases {
    /// Memory is given back; what lies on disk is there for whoever looks for a cause.
    fn drop(&mut self) {
        if self.is_in_memory
            && let Err(error) = clear(&self.folder)
        {
            tracing::debug!(%error, "{} stays until the next lab", self.folder.display());
        }
    }
}

/// How many bytes a file system in memory has room for; `None` where it is none.
fn room(path: &Path) -> Option<u64> {
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut found = std::mem::MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the path ends with a nul, and the answer is read only where the call says that it wrote it.
    let found = unsafe {
        if libc::statfs(path.as_ptr(), found.as_mut_ptr()) != 0 {
            return None;
        }
        found.assume_init()
    };
    let is_in_memory = found.f_type == libc::TMPFS_MAGIC;
    is_in_memory.then(|| found.f_bavail.saturating_mul(u64::try_from(found.f_bsize).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_on_disk_is_not_in_memory() {
        assert_eq!(room(Path::new("/proc")), None);
        assert_eq!(room(Path::new("/nowhere")), None);
    }

    #[test]
    fn an_earlier_lab_s_databases_are_gone_and_memory_is_given_back() {
        let lab = std::env::temp_dir().join(format!("lifeboat-databases-{}", std::process::id()));
        fs::create_dir_all(lab.join("rds/regions")).unwrap();
        // No test's lab takes the last slot.
        let slot = Slot::new(99).unwrap();
        let on_disk = Databases::of(&lab, slot, Storage::Disk).unwrap();
        assert_eq!((on_disk.folder.clone(), on_disk.folder.exists()), (lab.join("rds"), false));
        let databases = Databases::of(&lab, slot, Storage::Memory).unwrap();
        fs::create_dir_all(databases.folder.join("regions")).unwrap();
        assert!(lab.join("rds/regions").is_dir(), "the lab's folder leads there");
        let (folder, is_in_memory) = (databases.folder.clone(), databases.is_in_memory);
        drop(databases);
        assert_eq!(folder.exists(), !is_in_memory);
        let again = Databases::of(&lab, slot, Storage::Memory).unwrap();
        assert!(!again.folder.exists());
        fs::remove_dir_all(&lab).unwrap();
    }
}
