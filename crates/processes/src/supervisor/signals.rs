//! The signals that a supervisor waits for instead of being interrupted by them.

use std::io;
use std::mem::MaybeUninit;

/// What is passed on, and the end of a child.
const AWAITED: [libc::c_int; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGCHLD];

/// A signal that arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signal {
    pub(super) number: libc::c_int,
    /// The terminal sent it, to the whole foreground group.
    pub(super) from_terminal: bool,
}

/// The awaited signals, blocked: they stay pending until [`Signals::wait`] takes them.
#[derive(Clone, Copy)]
pub(super) struct Signals(libc::sigset_t);

impl Signals {
    /// Blocks them in this thread. A program started from here inherits that, see [`Signals::unblock`].
    pub(super) fn block() -> io::Result<Self> {
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: the set is initialized by sigemptyset before it is read.
        let set = unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            for signal in AWAITED {
                libc::sigaddset(set.as_mut_ptr(), signal);
            }
            set.assume_init()
        };
        // SAFETY: the set lives through the call; no old mask is asked for.
        match unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) } {
            0 => Ok(Self(set)),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }

    /// Lets them through again; may be called between fork and exec.
    pub(super) fn unblock(&self) -> io::Result<()> {
        // SAFETY: the set lives through the call; no old mask is asked for.
        match unsafe { libc::sigprocmask(libc::SIG_UNBLOCK, &raw const self.0, std::ptr::null_mut()) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Waits for the next one.
    pub(super) fn wait(&self) -> io::Result<Signal> {
        loop {
            let mut told = MaybeUninit::<libc::siginfo_t>::zeroed();
            // SAFETY: both pointers are to memory that lives through the call.
            let number = unsafe { libc::sigwaitinfo(&raw const self.0, told.as_mut_ptr()) };
            if number > 0 {
                // SAFETY: zeroed is a valid siginfo_t, and the call has filled it.
                let code = unsafe { told.assume_init() }.si_code;
                return Ok(Signal { number, from_terminal: code == libc::SI_KERNEL });
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }
}
