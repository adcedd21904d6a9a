//! One link: connections that are passed on, as long as it is not cut.
//!
//! The relay listens only while its host does, so that a host that is down refuses connections. While the link is cut it
//! must neither accept nor refuse: the kernel then drops connection requests, because the listener's queue is full.

use std::{
    io,
    net::{SocketAddr, SocketAddrV4},
    os::fd::AsRawFd,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};
use tracing::warn;

use super::{loss, quality::LinkQuality};

/// Whether the link is cut.
type Cut = watch::Receiver<bool>;

/// How far the host is, and what is lost on the way.
type Quality = watch::Receiver<LinkQuality>;

/// How often a host that refuses is tried again.
const KNOCK_EVERY: Duration = Duration::from_millis(25);
/// Connections of one link at once: ten times what its server takes.
const MOST: usize = 1_000;
/// How many connections may wait to be accepted.
const QUEUE: libc::c_int = 128;
/// How long a connection on this machine takes at most where it is accepted at all.
const LOOPBACK: Duration = Duration::from_millis(20);
/// Connections that fill a listener's queue of no length: one on Linux; a few more are tried.
const FILLING: usize = 4;
/// What is passed on at a time.
const BUFFER: usize = 16 * 1024;
/// How many of those are under way at once on a long link.
const UNDER_WAY: usize = 256;

/// Passes on what comes to `at`, until it is dropped.
pub(super) async fn run(at: SocketAddrV4, host: SocketAddrV4, mut cut: Cut, mut quality: Quality) {
    let mut gate = Gate { at, listener: None, fillers: Vec::new(), loses_one_of: None };
    let mut under_way = JoinSet::new();
    loop {
        if let Err(error) = turn(&mut gate, &mut under_way, host, &mut cut, &mut quality).await {
            warn!(%at, %host, %error, "a link does not work and is tried again");
            tokio::time::sleep(KNOCK_EVERY).await;
        }
        // Whoever made the link has dropped it.
        if cut.has_changed().is_err() {
            return;
        }
    }
}

/// How a connection ended, where that matters to the link.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Passed,
    /// The host listens no more.
    Refused,
}

/// One turn: closed while the link is cut, absent while the host is down, open otherwise.
async fn turn(
    gate: &mut Gate,
    under_way: &mut JoinSet<Ended>,
    host: SocketAddrV4,
    cut: &mut Cut,
    quality: &mut Quality,
) -> io::Result<()> {
    if *cut.borrow_and_update() {
        gate.shut().await?;
        return changed(cut).await;
    }
    if gate.listener.is_none() || !gate.fillers.is_empty() {
        let listens = TcpStream::connect(host).await.is_ok();
        if !listens {
            gate.leave();
            tokio::select! {
                () = tokio::time::sleep(KNOCK_EVERY) => return Ok(()),
                changed = changed(cut) => return changed,
            }
        }
    }
    let fillers = gate.open()?;
    gate.lose(*quality.borrow_and_update())?;
    loop {
        let Some(listener) = &gate.listener else { return Ok(()) };
        tokio::select! {
            changed = changed(cut) => return changed,
            Ok(()) = quality.changed() => gate.lose(*quality.borrow_and_update())?,
            Some(ended) = under_way.join_next() => {
                if let Ok(Ended::Refused) = ended {
                    gate.leave();
                    return Ok(());
                }
            }
            accepted = listener.accept(), if under_way.len() < MOST => {
                let (client, from) = accepted?;
                if !fillers.contains(&from) {
                    under_way.spawn(carry(client, host, cut.clone(), quality.clone()));
                }
            }
        }
    }
}

/// Waits for the link to be cut or healed; for ever once nobody can do either, as the relay then is dropped.
async fn changed(cut: &mut Cut) -> io::Result<()> {
    if cut.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    Ok(())
}

/// What a vantage connects to.
struct Gate {
    at: SocketAddrV4,
    listener: Option<TcpListener>,
    /// Connections of our own that fill the queue.
    fillers: Vec<TcpStream>,
    /// One connection request of this many is lost.
    loses_one_of: Option<u64>,
}

impl Gate {
    /// Neither accepts nor refuses.
    async fn shut(&mut self) -> io::Result<()> {
        match &self.listener {
            Some(listener) => set_queue(listener, 0)?,
            None => self.listener = Some(bind(self.at, 0)?),
        }
        while self.fillers.len() < FILLING {
            match timeout(LOOPBACK, TcpStream::connect(self.at)).await {
                Ok(filler) => self.fillers.push(filler?),
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Accepts connections again; returns those that are our own.
    fn open(&mut self) -> io::Result<Vec<SocketAddr>> {
        match &self.listener {
            Some(listener) => set_queue(listener, QUEUE)?,
            None => self.listener = Some(bind(self.at, QUEUE)?),
        }
        self.fillers.drain(..).map(|filler| filler.local_addr()).collect()
    }

    /// Loses as many connection requests as the way does.
    fn lose(&mut self, quality: LinkQuality) -> io::Result<()> {
        let Some(listener) = &self.listener else { return Ok(()) };
        if quality.loses_one_of != self.loses_one_of {
            loss::set(listener, quality.loses_one_of)?;
            self.loses_one_of = quality.loses_one_of;
        }
        Ok(())
    }

    /// Refuses everybody.
    fn leave(&mut self) {
        (self.listener, self.loses_one_of) = (None, None);
        self.fillers.clear();
    }
}

fn bind(at: SocketAddrV4, queue: libc::c_int) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(at.into())?;
    socket.listen(queue.cast_unsigned())
}

/// Changes how many may wait to be accepted.
fn set_queue(listener: &TcpListener, queue: libc::c_int) -> io::Result<()> {
    // SAFETY: the listener owns the descriptor for as long as it is borrowed.
    if unsafe { libc::listen(listener.as_raw_fd(), queue) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Passes one connection on, to its end.
async fn carry(mut client: TcpStream, host: SocketAddrV4, mut cut: Cut, quality: Quality) -> Ended {
    healed(&mut cut).await;
    // The kernel has let the client in at once: what that takes on a long way comes here.
    let connecting = quality.borrow().round_trip;
    tokio::time::sleep(connecting).await;
    let (ended, mut server) = match TcpStream::connect(host).await {
        Ok(server) => (Ended::Passed, Some(server)),
        Err(_) => (Ended::Refused, None),
    };
    let broken = match &mut server {
        Some(server) => exchange(&mut client, server, &cut, &quality).await.is_err(),
        None => true,
    };
    // A cut link does not tell of a peer's end either.
    healed(&mut cut).await;
    if broken {
        for stream in [Some(client), server].into_iter().flatten() {
            // A reset is passed on as one. Where it cannot be, the connection still ends.
            let _ = stream.set_zero_linger();
        }
    }
    ended
}

async fn exchange(client: &mut TcpStream, server: &mut TcpStream, cut: &Cut, quality: &Quality) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let there = pass(from_client, to_server, cut.clone(), quality.clone());
    let back = pass(from_server, to_client, cut.clone(), quality.clone());
    tokio::try_join!(there, back).map(drop)
}

/// Passes on one direction, at once for as long as the host is near.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut cut: Cut,
    mut quality: Quality,
) -> io::Result<()> {
    match flow(&mut from, &mut to, &mut cut, &mut quality).await? {
        Onward::Ended => Ok(()),
        Onward::Far => travel(from, to, cut, quality).await,
    }
}

/// Why a direction is no longer passed on at once.
enum Onward {
    Ended,
    Far,
}

/// Passes on one direction of a link that is long, or was: what is read comes out as much later as the way takes, in its order.
async fn travel(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut cut: Cut,
    quality: Quality,
) -> io::Result<()> {
    let (sender, mut arriving) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    let leaves = async move {
        for number in 0.. {
            let mut buffer = vec![0; BUFFER];
            let read = from.read(&mut buffer).await?;
            if read == 0 {
                break;
            }
            buffer.truncate(read);
            let takes = quality.borrow().takes(number);
            if sender.send((Instant::now() + takes, buffer)).await.is_err() {
                break;
            }
        }
        Ok(())
    };
    let arrives = async move {
        while let Some((at, bytes)) = arriving.recv().await {
            sleep_until(at).await;
            healed(&mut cut).await;
            to.write_all(&bytes).await?;
        }
        healed(&mut cut).await;
        to.shutdown().await
    };
    tokio::try_join!(leaves, arrives).map(drop)
}

/// Passes on one direction until the host is far. What was read when the link was cut is in flight, and arrives when it is healed.
async fn flow(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    cut: &mut Cut,
    quality: &mut Quality,
) -> io::Result<Onward> {
    let mut buffer = vec![0; BUFFER];
    loop {
        if *quality.borrow_and_update() != LinkQuality::default() {
            return Ok(Onward::Far);
        }
        let read = tokio::select! {
            read = from.read(&mut buffer) => read?,
            Ok(()) = quality.changed() => continue,
        };
        healed(cut).await;
        if read == 0 {
            to.shutdown().await?;
            return Ok(Onward::Ended);
        }
        to.write_all(&buffer[..read]).await?;
    }
}

/// Waits while the link is cut. One whose end is near, as its host is gone, counts as healed.
async fn healed(cut: &mut Cut) {
    drop(cut.wait_for(|cut| !cut).await);
}
