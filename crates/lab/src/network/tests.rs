use std::{io::ErrorKind, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

use super::*;

/// Longer than anything takes here that is not cut.
const SOON: Duration = Duration::from_secs(2);
/// How long a cut link is watched for doing nothing.
const A_WHILE: Duration = Duration::from_millis(200);

/// A host of its own for each test, in no lab's slot, and its links.
fn host(last: u8) -> (SocketAddrV4, Network, watch::Sender<BTreeSet<SocketAddrV4>>) {
    let host = SocketAddrV4::new(Ipv4Addr::new(127, 77, 200, last), 5_432);
    let (sender, hosts) = watch::channel(BTreeSet::from([host]));
    (host, Network::start(hosts), sender)
}

async fn connected(host: SocketAddrV4, vantage: Vantage) -> TcpStream {
    let at = SocketAddrV4::new(vantage.sees(*host.ip()), host.port());
    timeout(SOON, async {
        loop {
            match TcpStream::connect(at).await {
                Ok(stream) => return stream,
                Err(_) => sleep(Duration::from_millis(5)).await,
            }
        }
    })
    .await
    .unwrap()
}

async fn pair(host: SocketAddrV4, server: &TcpListener, vantage: Vantage) -> (TcpStream, TcpStream) {
    let mut client = connected(host, vantage).await;
    client.write_all(b"hello").await.unwrap();
    // The relay also connects, to find out whether the host listens.
    loop {
        let (mut accepted, _) = timeout(SOON, server.accept()).await.unwrap().unwrap();
        let mut word = [0; 5];
        if accepted.read_exact(&mut word).await.is_ok() {
            return (client, accepted);
        }
    }
}

async fn said(stream: &mut TcpStream) -> Option<u8> {
    timeout(A_WHILE, stream.read_u8()).await.ok()?.ok()
}

#[tokio::test]
async fn a_cut_link_passes_nothing_on_and_a_healed_one_what_was_under_way() {
    let (host, network, _hosts) = host(1);
    let server = TcpListener::bind(host).await.unwrap();
    let (mut client, mut accepted) = pair(host, &server, Vantage::Recovery).await;
    let (mut other, mut others) = pair(host, &server, Vantage::Witness).await;
    network.cut(Vantage::Recovery, *host.ip()).unwrap();
    client.write_u8(1).await.unwrap();
    accepted.write_u8(2).await.unwrap();
    assert_eq!((said(&mut accepted).await, said(&mut client).await), (None, None));
    other.write_u8(3).await.unwrap();
    assert_eq!(said(&mut others).await, Some(3), "another vantage's link is not cut");
    network.heal(Vantage::Recovery, *host.ip()).unwrap();
    assert_eq!((said(&mut accepted).await, said(&mut client).await), (Some(1), Some(2)));
}

#[tokio::test]
async fn a_new_connection_over_a_cut_link_is_neither_accepted_nor_refused() {
    let (host, network, _hosts) = host(2);
    let server = TcpListener::bind(host).await.unwrap();
    drop(pair(host, &server, Vantage::Recovery).await);
    network.cut(Vantage::Recovery, *host.ip()).unwrap();
    // The link hears of it in its own time.
    sleep(A_WHILE).await;
    let at = SocketAddrV4::new(Vantage::Recovery.sees(*host.ip()), host.port());
    assert!(timeout(A_WHILE, TcpStream::connect(at)).await.is_err(), "there was an answer");
    let late = tokio::spawn(TcpStream::connect(at));
    sleep(A_WHILE).await;
    network.heal(Vantage::Recovery, *host.ip()).unwrap();
    assert!(timeout(SOON, late).await.unwrap().unwrap().is_ok(), "its next try arrives");
    drop(server);
}

#[tokio::test]
async fn a_peer_s_death_is_not_told_over_a_cut_link() {
    let (host, network, _hosts) = host(3);
    let server = TcpListener::bind(host).await.unwrap();
    let (mut client, accepted) = pair(host, &server, Vantage::Recovery).await;
    network.cut(Vantage::Recovery, *host.ip()).unwrap();
    accepted.set_zero_linger().unwrap();
    drop(accepted);
    assert!(timeout(A_WHILE, client.read_u8()).await.is_err(), "the client was told");
    network.heal(Vantage::Recovery, *host.ip()).unwrap();
    let told = timeout(SOON, client.read_u8()).await.unwrap().unwrap_err();
    assert_eq!(told.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_host_that_is_down_refuses_and_one_that_is_back_answers() {
    let (host, _network, _hosts) = host(4);
    let server = TcpListener::bind(host).await.unwrap();
    let (mut client, accepted) = pair(host, &server, Vantage::Recovery).await;
    drop((server, accepted));
    assert_eq!(timeout(SOON, client.read_u8()).await.unwrap().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    let at = SocketAddrV4::new(Vantage::Recovery.sees(*host.ip()), host.port());
    // The first one finds out for the link; no later one is accepted.
    drop(TcpStream::connect(at).await);
    sleep(A_WHILE).await;
    let refused = timeout(A_WHILE, TcpStream::connect(at)).await.unwrap().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    let server = TcpListener::bind(host).await.unwrap();
    drop(pair(host, &server, Vantage::Recovery).await);
}

#[tokio::test]
async fn a_host_that_is_gone_has_no_links() {
    let (host, network, hosts) = host(5);
    let server = TcpListener::bind(host).await.unwrap();
    drop(pair(host, &server, Vantage::Recovery).await);
    hosts.send_replace(BTreeSet::new());
    let gone = timeout(SOON, async {
        while network.cut(Vantage::Recovery, *host.ip()).is_ok() {
            sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(gone.await.is_ok());
}

#[tokio::test]
async fn a_link_that_is_slowed_down_delays_its_open_connections_and_ends_none() {
    let (host, network, _hosts) = host(6);
    let server = TcpListener::bind(host).await.unwrap();
    let (mut client, mut accepted) = pair(host, &server, Vantage::Recovery).await;
    let slow = LinkQuality { round_trip: A_WHILE * 4, loses_one_of: None };
    network.slow(Vantage::Recovery, *host.ip(), slow).unwrap();
    let began = tokio::time::Instant::now();
    client.write_u8(1).await.unwrap();
    assert_eq!(timeout(SOON, accepted.read_u8()).await.unwrap().unwrap(), 1);
    assert!(began.elapsed() >= A_WHILE * 2, "{:?} for one way", began.elapsed());
    network.heal_all();
    client.write_u8(2).await.unwrap();
    assert_eq!(said(&mut accepted).await, Some(2));
}

#[tokio::test]
async fn a_link_that_loses_connection_requests_has_them_sent_again_after_a_second() {
    let (host, network, _hosts) = host(7);
    let server = TcpListener::bind(host).await.unwrap();
    drop(pair(host, &server, Vantage::Recovery).await);
    network
        .slow(Vantage::Recovery, *host.ip(), LinkQuality { loses_one_of: Some(1), ..LinkQuality::default() })
        .unwrap();
    // The link hears of it in its own time.
    sleep(A_WHILE).await;
    let at = SocketAddrV4::new(Vantage::Recovery.sees(*host.ip()), host.port());
    assert!(timeout(A_WHILE, TcpStream::connect(at)).await.is_err(), "there was an answer");
    let late = tokio::spawn(TcpStream::connect(at));
    sleep(A_WHILE).await;
    network.heal_all();
    let began = tokio::time::Instant::now();
    assert!(timeout(SOON, late).await.unwrap().unwrap().is_ok(), "its next try arrives");
    assert!(began.elapsed() > A_WHILE, "it is sent again after a second");
}
