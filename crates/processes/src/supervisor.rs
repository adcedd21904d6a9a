//! A process above a command that outlives it by a moment, and leaves nothing running.
//!
//! [`supervise`] runs the same command again as a child. The outer process, the supervisor, is a *child subreaper*:
//! whatever the command leaves behind, at any depth, becomes the supervisor's child and is ended by it. It passes signals
//! on, and ends with the command's exit code.
//!
//! Should the supervisor itself be killed, the kernel kills the command, and the death signals that a
//! [`Spawner`](crate::Spawner) sets end the command's own children.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

mod signals;

use signals::Signals;

use crate::tree;

/// Tells the inner process who its supervisor is. An inherited value of another supervisor does not match.
const SUPERVISOR: &str = "LIFEBOAT_SUPERVISOR";

/// How long what is left behind may take to end by its death signal, before it is killed.
/// PostgreSQL's immediate shutdown takes some hundredths of a second.
const GRACE: Duration = Duration::from_secs(1);

/// How long killed processes may take to disappear.
const LAST: Duration = Duration::from_secs(10);

/// Proof that a supervisor watches over this process.
#[derive(Debug)]
#[non_exhaustive]
pub struct Supervised;

/// Returns in a process that has a supervisor. To be called first in `main`, before any thread.
///
/// In the outer process it does not return: it supervises, and exits with the inner one's code
/// (128 + the signal's number when a signal ended it).
///
/// # Errors
/// When the supervisor could not be set up; nothing runs then.
pub fn supervise() -> io::Result<Supervised> {
    // SAFETY: takes nothing and cannot fail.
    let parent = unsafe { libc::getppid() };
    if std::env::var(SUPERVISOR).is_ok_and(|supervisor| supervisor == parent.to_string()) {
        return Ok(Supervised);
    }
    let status = watch()?;
    std::process::exit(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)))
}

/// Runs this command again as a child, and returns once it and all its descendants are gone.
fn watch() -> io::Result<ExitStatus> {
    become_subreaper()?;
    let signals = Signals::block()?;
    let supervisor = std::process::id();
    let mut command = Command::new(std::env::current_exe()?);
    command.args(std::env::args_os().skip(1)).env(SUPERVISOR, supervisor.to_string());
    // SAFETY: between fork and exec only async-signal-safe calls are made.
    unsafe {
        command.pre_exec(move || {
            signals.unblock()?;
            die_with(supervisor)
        });
    }
    let inner = command.spawn()?;
    let inner = i32::try_from(inner.id()).map_err(io::Error::other)?;
    let status = wait_for(inner, &signals)?;
    end_what_is_left();
    Ok(status)
}

fn become_subreaper() -> io::Result<()> {
    // SAFETY: takes plain numbers.
    match unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn die_with(supervisor: u32) -> io::Result<()> {
    // SAFETY: both take and return plain numbers.
    let (set, parent) = unsafe { (libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL), libc::getppid()) };
    if set != 0 || u32::try_from(parent) != Ok(supervisor) {
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    Ok(())
}

/// Waits for the inner process, passing on what we are told meanwhile.
fn wait_for(inner: libc::pid_t, signals: &Signals) -> io::Result<ExitStatus> {
    let mut told = 0;
    loop {
        // A signal's arrival and a child's end both wake this up.
        let signal = signals.wait()?;
        if let Some(status) = reap(inner)? {
            return Ok(status);
        }
        if signal.number == libc::SIGCHLD {
            continue;
        }
        told += 1;
        // The first is an order to end in order, the second one to end.
        let number = if told == 1 { signal.number } else { libc::SIGKILL };
        // A terminal's Ctrl-C has reached the inner process already: it is in our group.
        if told > 1 || !signal.from_terminal {
            // SAFETY: takes plain numbers; the inner process is not reaped yet, so the id is its.
            unsafe { libc::kill(inner, number) };
        }
    }
}

/// Reaps every child that has ended; answers the inner one's status if it was among them.
fn reap(inner: libc::pid_t) -> io::Result<Option<ExitStatus>> {
    loop {
        let mut status = 0;
        // SAFETY: the pointer is to a local that outlives the call.
        let ended = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
        match ended {
            0 => return Ok(None),
            ended if ended == inner => return Ok(Some(ExitStatus::from_raw(status))),
            ended if ended > 0 => {}
            _ => return Err(io::Error::last_os_error()),
        }
    }
}

/// Ends every descendant: first lets death signals work, then kills.
fn end_what_is_left() {
    let started = Instant::now();
    loop {
        // Orphans count as ours. Where /proc cannot be read, nothing can be ended.
        let left = tree::descendants(own_id()).unwrap_or_default();
        for process in left.iter().filter(|process| process.has_ended) {
            // SAFETY: takes plain numbers; no status is asked for.
            unsafe { libc::waitpid(process.id, std::ptr::null_mut(), libc::WNOHANG) };
        }
        let running: Vec<i32> = left.iter().filter(|process| !process.has_ended).map(|process| process.id).collect();
        if running.is_empty() || started.elapsed() > LAST {
            return;
        }
        if started.elapsed() > GRACE {
            for process in running {
                // One that cannot be killed is tried again, until the time is up.
                drop(tree::signal(process, libc::SIGKILL));
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn own_id() -> i32 {
    i32::try_from(std::process::id()).unwrap_or(0)
}
