//! A process above the lab that outlives it by a moment, and leaves nothing running.
//!
//! [`keep`] runs the same command again as a child. The outer process, the keeper, is a *child
//! subreaper*: whatever the lab leaves behind, at any depth, becomes the keeper's child and is
//! ended by it. It passes signals on, and ends with the lab's exit code.
//!
//! Should the keeper itself be killed, the kernel kills the lab, and the death signals that
//! [`crate::process`] sets end the lab's own children.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

mod descendants;
mod signals;

use descendants::Descendants;
use signals::Signals;

/// Tells the inner process who its keeper is. An inherited value of another keeper does not match.
const KEEPER: &str = "LIFEBOAT_KEEPER";

/// How long what is left behind may take to end by its death signal, before it is killed.
/// PostgreSQL's immediate shutdown takes some hundredths of a second.
const GRACE: Duration = Duration::from_secs(1);

/// How long killed processes may take to disappear.
const LAST: Duration = Duration::from_secs(10);

/// Proof that a keeper watches over this process.
#[derive(Debug)]
#[non_exhaustive]
pub struct Kept;

/// Returns in a process that has a keeper. To be called first in `main`, before any thread.
///
/// In the outer process it does not return: it keeps, and exits with the inner one's code
/// (128 + the signal's number when a signal ended it).
///
/// # Errors
/// When the keeper could not be set up; nothing runs then.
pub fn keep() -> io::Result<Kept> {
    // SAFETY: takes nothing and cannot fail.
    let parent = unsafe { libc::getppid() };
    if std::env::var(KEEPER).is_ok_and(|keeper| keeper == parent.to_string()) {
        return Ok(Kept);
    }
    let status = watch()?;
    std::process::exit(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)))
}

/// Runs this command again as a child, and returns once it and all its descendants are gone.
fn watch() -> io::Result<ExitStatus> {
    become_subreaper()?;
    let signals = Signals::block()?;
    let keeper = std::process::id();
    let mut command = Command::new(std::env::current_exe()?);
    command.args(std::env::args_os().skip(1)).env(KEEPER, keeper.to_string());
    // SAFETY: between fork and exec only async-signal-safe calls are made.
    unsafe {
        command.pre_exec(move || {
            signals.unblock()?;
            die_with(keeper)
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

fn die_with(keeper: u32) -> io::Result<()> {
    // SAFETY: both take and return plain numbers.
    let (set, parent) = unsafe { (libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL), libc::getppid()) };
    if set != 0 || u32::try_from(parent) != Ok(keeper) {
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
        let left = Descendants::of_this_process();
        left.reap_ended();
        if left.is_empty() || started.elapsed() > LAST {
            return;
        }
        if started.elapsed() > GRACE {
            left.kill();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
