//! Connection requests that are lost: the kernel drops some of a listener's by a filter, and whoever sent them sends them again
//! after a second, as over any network that loses packets.
//!
//! Packets of open connections are the relay's to delay.

use std::{io, os::fd::AsRawFd};

use tokio::net::TcpListener;

/// Where the flags are in a TCP header, and the one of a connection request.
const FLAGS_AT: u32 = 13;
const SYN: u32 = 0x02;

/// Where a filter finds a random number of 32 bits.
/// <https://www.kernel.org/doc/Documentation/networking/filter.txt>
const RANDOM: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_RANDOM).cast_unsigned();

/// Whether a packet is taken whole, or not at all.
const TAKEN: u32 = u32::MAX;
const DROPPED: u32 = 0;

/// Lets a listener lose one connection request of so many, at random; none where it is absent.
pub(super) fn set(listener: &TcpListener, one_of: Option<u64>) -> io::Result<()> {
    let below = one_of.map_or(0, |one_of| u32::try_from(u64::from(u32::MAX) / one_of.max(1)).unwrap_or(u32::MAX));
    let load = |from: u32, size: u32| of(libc::BPF_LD | size | libc::BPF_ABS, 0, 0, from);
    let answer = |answer: u32| of(libc::BPF_RET | libc::BPF_K, 0, 0, answer);
    let mut filter = [
        load(FLAGS_AT, libc::BPF_B),
        of(libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K, 0, 2, SYN),
        load(RANDOM, libc::BPF_W),
        of(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 1, below),
        answer(TAKEN),
        answer(DROPPED),
    ];
    let len = u16::try_from(filter.len()).unwrap_or(u16::MAX);
    let program = libc::sock_fprog { len, filter: filter.as_mut_ptr() };
    let size = libc::socklen_t::try_from(size_of_val(&program)).unwrap_or_default();
    // SAFETY: the listener owns the descriptor, and the kernel copies the program before it returns.
    let set = unsafe {
        libc::setsockopt(
            listener.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            std::ptr::from_ref(&program).cast(),
            size,
        )
    };
    if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn of(code: u32, if_so: u8, if_not: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: u16::try_from(code).unwrap_or_default(), jt: if_so, jf: if_not, k }
}
