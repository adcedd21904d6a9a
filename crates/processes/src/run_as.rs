//! The user that a child runs as.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The user a child runs as, when it may not run as ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunAs {
    /// The user's number.
    pub uid: u32,
    /// The number of the user's main group.
    pub gid: u32,
}

impl RunAs {
    /// The user `name` when we are root, for a program that refuses to run as root; `None`, ourselves, otherwise.
    ///
    /// # Errors
    /// When we are root and there is no such user.
    pub fn instead_of_root(name: &CStr) -> io::Result<Option<Self>> {
        // SAFETY: takes nothing and cannot fail.
        if unsafe { libc::geteuid() } != 0 {
            return Ok(None);
        }
        Self::named(name)?.map(Some).ok_or_else(|| {
            let name = name.to_string_lossy();
            io::Error::new(
                io::ErrorKind::NotFound,
                format!(
                    "{name} refuses to run as root and there is no user `{name}`; run `useradd --system {name}`, or run \
                     this as another user than root"
                ),
            )
        })
    }

    fn named(name: &CStr) -> io::Result<Option<Self>> {
        let mut entry = MaybeUninit::<libc::passwd>::uninit();
        let mut text = vec![0; 16 * 1024];
        let mut found = std::ptr::null_mut();
        // SAFETY: every pointer is to memory that lives through the call, with its length.
        let failed = unsafe {
            libc::getpwnam_r(name.as_ptr(), entry.as_mut_ptr(), text.as_mut_ptr(), text.len(), &raw mut found)
        };
        if failed != 0 {
            return Err(io::Error::from_raw_os_error(failed));
        }
        if found.is_null() {
            return Ok(None);
        }
        // SAFETY: the entry was found, so the call has filled it.
        let entry = unsafe { entry.assume_init() };
        Ok(Some(Self { uid: entry.pw_uid, gid: entry.pw_gid }))
    }

    /// Makes `command` run as this user.
    pub fn apply(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }
}
