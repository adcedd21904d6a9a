//! What a server says about itself: the file `postmaster.pid` in its data directory.

use std::fs;
use std::path::{Path, PathBuf};

/// What the file says.
pub(crate) struct PidFile {
    /// The server's process.
    pub(crate) pid: i32,
    /// Whether it accepts connections.
    pub(crate) is_ready: bool,
    segment: Option<i32>,
}

/// The file of a data directory.
pub(crate) fn path(data: &Path) -> PathBuf {
    data.join("postmaster.pid")
}

impl PidFile {
    /// Reads the file. There is none unless a server runs, or was killed.
    pub(crate) fn read(data: &Path) -> Option<Self> {
        let text = fs::read_to_string(path(data)).ok()?;
        let line = |number: usize| text.lines().nth(number - 1).map(str::trim);
        Some(Self {
            pid: line(1)?.parse().ok()?,
            segment: line(7).and_then(|line| line.split_whitespace().nth(1)?.parse().ok()),
            is_ready: line(8) == Some("ready"),
        })
    }

    /// Frees the segment of shared memory by which a second server on the same data would have
    /// noticed the first. A server that was killed could not free it.
    pub(crate) fn free_segment(&self) {
        if let Some(segment) = self.segment {
            // SAFETY: removing takes no buffer. It fails when the segment is gone, which is just as good.
            unsafe { libc::shmctl(segment, libc::IPC_RMID, std::ptr::null_mut()) };
        }
    }
}
