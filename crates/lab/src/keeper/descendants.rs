//! Every process below this one, as the kernel's process table shows them.

use std::collections::HashMap;
use std::fs;

/// The descendants at one moment. Only to be used by a subreaper: orphans count as ours.
pub(super) struct Descendants(Vec<Process>);

struct Process {
    id: libc::pid_t,
    /// Ended already, and waiting to be reaped.
    ended: bool,
}

impl Descendants {
    /// Looks at /proc.
    pub(super) fn of_this_process() -> Self {
        let mut children: HashMap<libc::pid_t, Vec<Process>> = HashMap::new();
        let entries = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
        for entry in entries {
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let Ok(text) = fs::read_to_string(entry.path().join("stat")) else { continue };
            let Some((parent, ended)) = parse_stat(&text) else { continue };
            children.entry(parent).or_default().push(Process { id, ended });
        }
        let mut below = Vec::new();
        let mut parents = vec![i32::try_from(std::process::id()).unwrap_or(0)];
        while let Some(parent) = parents.pop() {
            let found = children.remove(&parent).unwrap_or_default();
            parents.extend(found.iter().map(|process| process.id));
            below.extend(found);
        }
        Self(below)
    }

    /// Reaps those of our own children that have ended.
    pub(super) fn reap_ended(&self) {
        for process in self.0.iter().filter(|process| process.ended) {
            // SAFETY: takes plain numbers; no status is asked for.
            unsafe { libc::waitpid(process.id, std::ptr::null_mut(), libc::WNOHANG) };
        }
    }

    /// None is left that still runs.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|process| process.ended)
    }

    /// Kills all that still run.
    pub(super) fn kill(&self) {
        for process in self.0.iter().filter(|process| !process.ended) {
            // SAFETY: takes plain numbers.
            unsafe { libc::kill(process.id, libc::SIGKILL) };
        }
    }
}

/// Parent and whether it has ended, of a line of /proc/<pid>/stat.
fn parse_stat(text: &str) -> Option<(libc::pid_t, bool)> {
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
