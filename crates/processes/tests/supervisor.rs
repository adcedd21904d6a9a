//! The supervisor tried for real: whatever is killed, nothing is left running.
//!
//! Without the usual test harness, because this program must be able to run itself as the lab.

#![expect(clippy::print_stdout, reason = "a test without a harness reports by itself")]

use std::error::Error;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use processes::supervisor;
use processes::{DeathSignal, Spawner};

/// Told to the program when it is to be the lab; its value marks all of the lab's processes.
const MARK: &str = "SUPERVISOR_TEST_MARK";

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::var_os(MARK).is_some() {
        return be_the_lab();
    }
    nothing_is_left_after("exit", |_| {})?;
    nothing_is_left_after("panic", |_| {})?;
    nothing_is_left_after("linger", |lab| lab.signal_supervisor(libc::SIGINT))?;
    nothing_is_left_after("linger", |lab| lab.signal_supervisor(libc::SIGTERM))?;
    nothing_is_left_after("deaf", |lab| {
        lab.signal_supervisor(libc::SIGINT);
        std::thread::sleep(Duration::from_millis(300));
        lab.signal_supervisor(libc::SIGINT);
    })?;
    nothing_is_left_after("linger", |lab| lab.signal_inner(libc::SIGKILL))?;
    nothing_is_left_after("linger", |lab| lab.signal_supervisor(libc::SIGKILL))?;
    the_labs_exit_code_is_the_supervisors()
}

/// The lab: a child with a death signal, and an orphan that left its group and its session.
fn be_the_lab() -> Result<(), Box<dyn Error>> {
    let _supervised = supervisor::supervise()?;
    let how = std::env::args().nth(1).unwrap_or_default();
    if how == "deaf" {
        // SAFETY: ignoring a signal has no requirements.
        unsafe { libc::signal(libc::SIGINT, libc::SIG_IGN) };
    }
    let spawner = Spawner::start()?;
    let mut sleeper = Command::new("sleep");
    sleeper.arg("300");
    spawner.spawn(sleeper, DeathSignal::Kill)?;
    Command::new("sh").args(["-c", "setsid sleep 300 >/dev/null 2>&1 &"]).status()?;
    println!("ready");
    match how.as_str() {
        "exit" => std::process::exit(7),
        "panic" => panic!("as asked"),
        _ => std::thread::sleep(Duration::from_secs(300)),
    }
    Ok(())
}

struct Running {
    mark: String,
    supervisor: std::process::Child,
}

impl Running {
    fn start(how: &str, number: u128) -> Result<Self, Box<dyn Error>> {
        let mark = format!("{}-{number}", std::process::id());
        let mut supervisor = Command::new(std::env::current_exe()?);
        supervisor.arg(how).env(MARK, &mark).stdout(Stdio::piped()).stderr(Stdio::null());
        // A shell's background jobs ignore Ctrl-C, and so would the lab that such a job's tests start.
        // SAFETY: resetting a signal is async-signal-safe.
        unsafe {
            supervisor.pre_exec(|| {
                libc::signal(libc::SIGINT, libc::SIG_DFL);
                Ok(())
            });
        }
        let mut supervisor = supervisor.spawn()?;
        let mut said = [0; 6];
        std::io::Read::read_exact(supervisor.stdout.as_mut().ok_or("no output")?, &mut said)?;
        Ok(Self { mark, supervisor })
    }

    fn signal_supervisor(&self, signal: libc::c_int) {
        // SAFETY: takes plain numbers.
        unsafe { libc::kill(self.supervisor.id() as libc::pid_t, signal) };
    }

    /// The one of our program that is not the supervisor.
    fn signal_inner(&self, signal: libc::c_int) {
        let ours = std::env::current_exe().ok();
        for id in marked(&self.mark) {
            let program = fs::read_link(format!("/proc/{id}/exe")).ok();
            if program == ours && id != self.supervisor.id() as libc::pid_t {
                // SAFETY: takes plain numbers.
                unsafe { libc::kill(id, signal) };
            }
        }
    }
}

/// Living processes whose environment holds the mark.
fn marked(mark: &str) -> Vec<libc::pid_t> {
    let wanted = format!("{MARK}={mark}");
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id: &libc::pid_t| {
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes())
    })
    .collect()
}

fn nothing_is_left_after(how: &str, act: impl FnOnce(&Running)) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let mut running = Running::start(how, started.elapsed().as_nanos())?;
    act(&running);
    let killed_supervisor = wait(&mut running.supervisor)?;
    // A killed supervisor cannot end what left the lab's session; all that has a death signal ends.
    let orphans = if killed_supervisor.code().is_none() { 1 } else { 0 };
    let deadline = Instant::now() + Duration::from_secs(5);
    while marked(&running.mark).len() > orphans && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    let left = marked(&running.mark);
    for id in &left {
        // SAFETY: takes plain numbers.
        unsafe { libc::kill(*id, libc::SIGKILL) };
    }
    println!("{how}: ended as {killed_supervisor} after {:?}, left {}", started.elapsed(), left.len());
    if left.len() > orphans {
        return Err(format!("{how}: {} processes are left", left.len()).into());
    }
    Ok(())
}

fn wait(supervisor: &mut std::process::Child) -> Result<ExitStatus, Box<dyn Error>> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(status) = supervisor.try_wait()? {
            return Ok(status);
        }
        if Instant::now() > deadline {
            supervisor.kill()?;
            return Err("the supervisor does not end".into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn the_labs_exit_code_is_the_supervisors() -> Result<(), Box<dyn Error>> {
    let mut running = Running::start("exit", 0)?;
    let status = wait(&mut running.supervisor)?;
    if status.code() != Some(7) {
        return Err(format!("the lab ended with 7, its supervisor as {status}").into());
    }
    Ok(())
}
