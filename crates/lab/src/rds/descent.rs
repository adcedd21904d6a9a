//! Processes and those that descend from them, as `/proc` shows them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::time::{Duration, Instant};

/// How long a killed process may take to vanish.
const VANISHES_WITHIN: Duration = Duration::from_secs(5);

/// Sends `signal`. A process that is gone already is no error.
pub(super) fn signal(pid: i32, signal: libc::c_int) -> io::Result<()> {
    // SAFETY: takes plain numbers.
    if unsafe { libc::kill(pid, signal) } == 0 {
        return Ok(());
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
        error => Err(error),
    }
}

/// All that descend from `pid`, parents before their children.
pub(crate) fn of(pid: i32) -> io::Result<Vec<i32>> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let Some(process) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process may end while we read; then it has no parent to show.
        if let Some(parent) = parent_of(process) {
            children.entry(parent).or_default().push(process);
        }
    }
    let mut found = Vec::new();
    let mut queue = vec![pid];
    while let Some(parent) = queue.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            found.push(child);
            queue.push(child);
        }
    }
    Ok(found)
}

/// The parent of a process that has not ended; `None` when it has, reaped or not.
fn parent_of(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name stands in parentheses and may itself contain some.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(parent)
}

/// Stops `pid` and all its descendants where they are.
pub(super) fn freeze(pid: i32) -> io::Result<Vec<i32>> {
    // The parent first: once it is stopped it makes no more children.
    signal(pid, libc::SIGSTOP)?;
    let descendants = of(pid)?;
    for child in &descendants {
        signal(*child, libc::SIGSTOP)?;
    }
    Ok(descendants)
}

/// Lets `pid` and all its descendants go on.
pub(super) fn thaw(pid: i32) -> io::Result<()> {
    for process in of(pid)?.into_iter().chain([pid]) {
        signal(process, libc::SIGCONT)?;
    }
    Ok(())
}

/// Kills `pid` and all its descendants with SIGKILL and waits until the descendants are gone;
/// `pid` itself is for its parent to reap. Blocks its thread for as long.
pub(super) fn kill(pid: i32) -> io::Result<()> {
    let descendants = freeze(pid)?;
    signal(pid, libc::SIGKILL)?;
    for child in &descendants {
        signal(*child, libc::SIGKILL)?;
    }
    let deadline = Instant::now() + VANISHES_WITHIN;
    while descendants.iter().any(|child| parent_of(*child).is_some()) {
        if Instant::now() > deadline {
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("a child of process {pid} did not vanish")));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
