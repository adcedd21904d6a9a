//! What a lab uses of this computer, to see whether it uses more with every drill.

use std::{fmt, fs, io};

use processes::tree;

use crate::local_aws::LocalAws;

/// Processes and memory of a lab at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Footprint {
    /// Processes below this one: servers, the gateway, functions.
    pub processes: usize,
    /// Resident memory of the gateway, in KiB.
    pub gateway_kib: u64,
}

impl Footprint {
    /// Looks at the machine. Functions that wait for their next call come and go by themselves.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub fn of(aws: &LocalAws) -> io::Result<Self> {
        let own = i32::try_from(std::process::id()).map_err(io::Error::other)?;
        let gateway = aws.gateway.process_id();
        let status = fs::read_to_string(format!("/proc/{gateway}/status"))?;
        let missing = || io::Error::other(format!("/proc/{gateway}/status names no VmRSS"));
        Ok(Self { processes: tree::running(own)?.len(), gateway_kib: resident_kib(&status).ok_or_else(missing)? })
    }
}

impl fmt::Display for Footprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} processes, gateway {:.1} MiB", self.processes, self.gateway_kib as f64 / 1_024.0)
    }
}

/// `VmRSS` of a `/proc/<pid>/status`, which the kernel gives in kB of 1024 bytes.
fn resident_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_what_the_kernel_says_is_resident() {
        assert_eq!(resident_kib("Name:\tpython\nVmPeak:\t  9 kB\nVmRSS:\t  151044 kB\n"), Some(151_044));
        assert_eq!(resident_kib("Name:\tpython\n"), None);
    }
}
