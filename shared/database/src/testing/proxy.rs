//! A way to the server that can break.

use super::questions::Questions;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use url::Url;

/// Forwards connections to a server until it is told to break them: what a client sees of a server
/// that restarts, or of a network that fails.
#[derive(Debug)]
pub struct Proxy {
    url: String,
    address: SocketAddr,
    server: (String, u16),
    watch: Arc<Watch>,
    accepting: Option<JoinHandle<()>>,
}

/// What all connections share.
#[derive(Debug, Default)]
struct Watch {
    lose_commit: AtomicBool,
    lose_answer: AtomicBool,
    questions: AtomicUsize,
}

impl Proxy {
    /// Listens on loopback for clients of the database of a URL.
    ///
    /// # Panics
    /// When the URL has no host.
    pub async fn before(url: &str) -> Self {
        let mut url: Url = url.parse().expect("a URL");
        let host = url.host_str().expect("a URL with a host").to_owned();
        let server = (host, url.port().unwrap_or(5432));
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await;
        let address = listener.local_addr().expect("a bound address");
        url.set_host(Some("127.0.0.1")).expect("a URL with a host");
        url.set_port(Some(address.port()))
            .expect("a URL with a host");
        let mut proxy = Self {
            url: url.into(),
            address,
            server,
            watch: Arc::default(),
            accepting: None,
        };
        proxy.accept(listener);
        proxy
    }

    /// URL of the database by this way.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends every connection and refuses new ones, as a server does that has stopped.
    pub async fn cut(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            // its listener is closed once it has ended
            let _ = accepting.await;
        }
    }

    /// Accepts connections again.
    pub async fn mend(&mut self) {
        let listener = listen(self.address).await;
        self.accept(listener);
    }

    /// Lets the next COMMIT pass, but not the answer to it: the connection ends instead.
    pub fn lose_next_commit(&self) {
        self.watch.lose_commit.store(true, Ordering::SeqCst);
    }

    /// Lets the next question pass, whatever it is, but not the answer to it: the connection ends instead.
    pub fn lose_next_answer(&self) {
        self.watch.lose_answer.store(true, Ordering::SeqCst);
    }

    /// How often a client waited for an answer of the server so far, signs of life among them.
    pub fn questions(&self) -> usize {
        self.watch.questions.load(Ordering::SeqCst)
    }

    fn accept(&mut self, listener: TcpListener) {
        let (server, watch) = (self.server.clone(), Arc::clone(&self.watch));
        self.accepting = Some(tokio::spawn(async move {
            // dropped, and its connections with it, when this task is aborted
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (server, watch) = (server.clone(), Arc::clone(&watch));
                connections.spawn(async move {
                    let (host, port) = &server;
                    if let Ok(server) = TcpStream::connect((host.as_str(), *port)).await {
                        forward(client, server, &watch).await;
                    }
                });
            }
        }));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

async fn listen(address: SocketAddr) -> TcpListener {
    TcpListener::bind(address)
        .await
        .expect("the port of the proxy is free")
}

/// Forwards both directions until one of them ends.
async fn forward(client: TcpStream, server: TcpStream, watch: &Watch) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let muted = AtomicBool::new(false);
    let mut asked = Questions::default();
    tokio::select! {
        () = copy(from_client, to_server, |request| {
            watch.questions.fetch_add(asked.read(request), Ordering::SeqCst);
            let lost = watch.lose_answer.swap(false, Ordering::SeqCst)
                || is_commit(request) && watch.lose_commit.swap(false, Ordering::SeqCst);
            muted.fetch_or(lost, Ordering::SeqCst);
            true
        }) => {}
        () = copy(from_server, to_client, |_| !muted.load(Ordering::SeqCst)) => {}
    }
}

/// Copies until the end, or until `passes` says no to a piece.
async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut passes: impl FnMut(&[u8]) -> bool,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if !passes(&buffer[..count]) || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

fn is_commit(request: &[u8]) -> bool {
    request.windows(7).any(|text| text == b"COMMIT\0")
}
