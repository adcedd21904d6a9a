//! A process with all that descend from it, as `/proc` shows them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::time::{Duration, Instant};

/// How long a killed process may take to vanish.
const VANISHES_WITHIN: Duration = Duration::from_secs(5);

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub id: i32,
    /// It has ended, and waits to be reaped.
    pub has_ended: bool,
}

/// All that descend from `pid`, parents before their children, ended ones included.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn descendants(pid: i32) -> io::Result<Vec<Process>> {
    let mut children: BTreeMap<i32, Vec<Process>> = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process may vanish while we read; then it has no parent to show.
        if let Some((parent, has_ended)) = stat(id) {
            children.entry(parent).or_default().push(Process { id, has_ended });
        }
    }
    let mut found = Vec::new();
    let mut queue = vec![pid];
    while let Some(parent) = queue.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            found.push(child);
            queue.push(child.id);
        }
    }
    Ok(found)
}

/// Those that still run.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn running(pid: i32) -> io::Result<Vec<i32>> {
    Ok(descendants(pid)?.into_iter().filter(|process| !process.has_ended).map(|process| process.id).collect())
}

/// Sends `signal` to one process. One that is gone already is no error.
///
/// # Errors
/// When the system refuses.
pub fn signal(pid: i32, signal: libc::c_int) -> io::Result<()> {
    // SAFETY: takes plain numbers.
    if unsafe { libc::kill(pid, signal) } == 0 {
        return Ok(());
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
        error => Err(error),
    }
}

/// Stops `pid` and all its descendants where they are, and answers the descendants.
///
/// # Errors
/// When `/proc` cannot be read, or the system refuses a signal.
pub fn freeze(pid: i32) -> io::Result<Vec<i32>> {
    // The parent first: once it is stopped it makes no more children.
    signal(pid, libc::SIGSTOP)?;
    let descendants = running(pid)?;
    for child in &descendants {
        signal(*child, libc::SIGSTOP)?;
    }
    Ok(descendants)
}

/// Lets `pid` and all its descendants go on.
///
/// # Errors
/// When `/proc` cannot be read, or the system refuses a signal.
pub fn thaw(pid: i32) -> io::Result<()> {
    for process in running(pid)?.into_iter().chain([pid]) {
        signal(process, libc::SIGCONT)?;
    }
    Ok(())
}

/// Kills `pid` and all its descendants with SIGKILL and waits until the descendants are gone;
/// `pid` itself is for its parent to reap. Blocks its thread for as long.
///
/// # Errors
/// When `/proc` cannot be read, the system refuses a signal, or one does not vanish within 5 s.
pub fn kill(pid: i32) -> io::Result<()> {
    let descendants = freeze(pid)?;
    signal(pid, libc::SIGKILL)?;
    for child in &descendants {
        signal(*child, libc::SIGKILL)?;
    }
    let deadline = Instant::now() + VANISHES_WITHIN;
    while descendants.iter().any(|child| stat(*child).is_some_and(|(_, has_ended)| !has_ended)) {
        if Instant::now() > deadline {
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("a child of process {pid} did not vanish")));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// The parent of a process, and whether it has ended; nothing once it is reaped.
fn stat(pid: i32) -> Option<(i32, bool)> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Parent and whether it has ended, of a line of `/proc/<pid>/stat`.
fn parse_stat(text: &str) -> Option<(i32, bool)> {
    // The second field is the program's name in parentheses, which may hold anything.
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    Some((fields.next()?.parse().ok()?, matches!(state, "Z" | "X")))
}

#[cfg(test)]
mod tests {
    use super::parse_stat;

    #[test]
    fn a_programs_name_cannot_confuse_the_reader() {
        assert_eq!(parse_stat("42 (a) Z 1 (b) S 7 42 42 0"), Some((7, false)));
        assert_eq!(parse_stat("42 (gone) Z 3 42"), Some((3, true)));
        assert_eq!(parse_stat("42"), None);
    }
}
