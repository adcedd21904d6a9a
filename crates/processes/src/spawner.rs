//! Children that are ended when whoever started them is gone.
//!
//! The kernel sends a child its death signal when the *thread* that spawned it ends, however that
//! comes about: a normal end, a panic, SIGKILL. So all children are spawned by one thread that
//! lives as long as any [`Spawner`] does. A child that changed its user could not be signalled
//! this way if the request were made before the change: the kernel forgets it then.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::mpsc;
use std::thread;

/// What a child receives when whoever started it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeathSignal {
    /// SIGKILL, for what has nothing to put in order.
    Kill,
    /// SIGQUIT: PostgreSQL's immediate shutdown, which ends its children and frees its shared memory.
    Quit,
}

impl DeathSignal {
    fn number(self) -> libc::c_int {
        match self {
            Self::Kill => libc::SIGKILL,
            Self::Quit => libc::SIGQUIT,
        }
    }
}

struct Order {
    command: Command,
    answer: mpsc::Sender<io::Result<Child>>,
}

/// Spawns children through one long-lived thread. Clones share it; when the last is dropped,
/// the thread ends and every child still running receives its [`DeathSignal`].
#[derive(Clone, Debug)]
pub struct Spawner {
    orders: mpsc::Sender<Order>,
}

impl Spawner {
    /// Starts the spawning thread.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start() -> io::Result<Self> {
        let (orders, received) = mpsc::channel::<Order>();
        thread::Builder::new().name("spawner".to_owned()).spawn(move || {
            for Order { mut command, answer } in received {
                let spawned = command.spawn();
                // Whoever asked may have given up waiting; nobody could end the child then.
                if let Err(mpsc::SendError(Ok(mut orphan))) = answer.send(spawned) {
                    let _ = orphan.kill();
                    let _ = orphan.wait();
                }
            }
        })?;
        Ok(Self { orders })
    }

    /// Spawns `command` so that it receives `signal` when this process is gone.
    ///
    /// # Errors
    /// What spawning says, for instance that the program was not found.
    pub fn spawn(&self, mut command: Command, signal: DeathSignal) -> io::Result<Child> {
        let (signal, own) = (signal.number(), std::process::id());
        // SAFETY: between fork and exec only async-signal-safe calls are made: signal, prctl and getppid.
        unsafe {
            command.pre_exec(move || die_with_parent(signal, own));
        }
        let (answer, answered) = mpsc::channel();
        self.orders.send(Order { command, answer }).map_err(|_| io::Error::other("the spawning thread has ended"))?;
        answered.recv().map_err(|_| io::Error::other("the spawning thread has ended"))?
    }
}

/// Asks the kernel for the death signal. Runs in the child, after its change of user.
fn die_with_parent(signal: libc::c_int, wanted: u32) -> io::Result<()> {
    // A command started in a shell's background ignores these, and its children would inherit that: PostgreSQL could not
    // be told to end.
    for ended_by in [libc::SIGINT, libc::SIGQUIT] {
        // SAFETY: takes plain numbers; the default action is no function of ours.
        unsafe { libc::signal(ended_by, libc::SIG_DFL) };
    }
    // SAFETY: both calls take and return plain numbers.
    let (set, parent) = unsafe { (libc::prctl(libc::PR_SET_PDEATHSIG, signal), libc::getppid()) };
    if set != 0 {
        return Err(io::Error::last_os_error());
    }
    // The parent may have died between the fork and the request: no signal would ever come.
    if u32::try_from(parent) != Ok(wanted) {
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;
    use crate::run_as::RunAs;

    fn sleeper() -> Command {
        let mut command = Command::new("sleep");
        command.arg("30");
        command
    }

    #[test]
    fn a_child_receives_its_signal_when_the_last_spawner_is_gone() {
        let spawner = Spawner::start().unwrap();
        let clone = spawner.clone();
        let mut child = spawner.spawn(sleeper(), DeathSignal::Quit).unwrap();
        drop(spawner);
        clone.spawn(Command::new("true"), DeathSignal::Kill).unwrap().wait().unwrap();
        assert!(child.try_wait().unwrap().is_none(), "a clone still holds it");
        drop(clone);
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGQUIT));
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error_and_the_spawner_goes_on() {
        let spawner = Spawner::start().unwrap();
        let missing = spawner.spawn(Command::new("/no/such/program"), DeathSignal::Kill);
        assert_eq!(missing.unwrap_err().kind(), io::ErrorKind::NotFound);
        let mut child = spawner.spawn(sleeper(), DeathSignal::Kill).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_child_that_changes_its_user_still_receives_its_signal() {
        let Ok(Some(postgres)) = RunAs::instead_of_root(c"postgres") else { return };
        let spawner = Spawner::start().unwrap();
        let mut command = sleeper();
        postgres.apply(&mut command);
        let mut child = spawner.spawn(command, DeathSignal::Kill).unwrap();
        drop(spawner);
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
    }
}
