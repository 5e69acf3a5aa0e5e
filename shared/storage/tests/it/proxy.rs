//! A bad network in front of a server: one request per connection, of which the next ones can be spoiled.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// None: passed on.
    Pass,
    /// Answered with this status, not passed on.
    Status(u16),
    /// Passed on after a while.
    Slow(Duration),
    /// The answer ends a few bytes too early.
    Truncated,
    /// The answer ends after so many bytes of its content.
    CutAfter(usize),
    /// The connection is reset.
    Reset,
    /// Done by the server, but the connection is reset in place of the answer.
    Lost,
    /// Passed on, and never answered.
    Stalled,
}

#[derive(Debug, Default)]
struct State {
    faults: VecDeque<Fault>,
    requests: Vec<String>,
    under_way: usize,
    most: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Proxy {
    /// Listens on a free port until the runtime of the test ends.
    pub(crate) async fn start(upstream: &str) -> Self {
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        let state = Arc::clone(&proxy.state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // an error is a client that went away, as clients do after a fault
                {
                    let mut state = state.lock().unwrap();
                    state.under_way += 1;
                    state.most = state.most.max(state.under_way);
                }
                tokio::spawn(serve(client, upstream.clone(), Arc::clone(&state)));
            }
        });
        proxy
    }

    /// Spoils the next requests, and forgets those of before.
    pub(crate) fn spoil(&self, faults: impl IntoIterator<Item = Fault>) {
        let mut state = self.state.lock().unwrap();
        state.faults = faults.into_iter().collect();
        state.requests.clear();
        state.most = 0;
    }

    /// Most requests at the same time since the last call of `spoil`.
    pub(crate) fn most_at_once(&self) -> usize {
        self.state.lock().unwrap().most
    }

    /// First lines of the requests since the last call of `spoil`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }
}

async fn serve(
    client: TcpStream,
    upstream: String,
    state: Arc<Mutex<State>>,
) -> std::io::Result<()> {
    let served = pass(client, upstream, Arc::clone(&state)).await;
    state.lock().unwrap().under_way -= 1;
    served
}

async fn pass(
    mut client: TcpStream,
    upstream: String,
    state: Arc<Mutex<State>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        if client.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let first = head.iter().position(|byte| *byte == b'\r').unwrap_or(0);
    let fault = {
        let mut state = state.lock().unwrap();
        let line = String::from_utf8_lossy(&head[..first]).into_owned();
        state.requests.push(line);
        state.faults.pop_front()
    };
    match fault {
        Some(Fault::Status(status)) => {
            let answer = format!(
                "HTTP/1.1 {status} Spoiled\r\nContent-Length: 7\r\nConnection: close\r\n\r\nspoiled"
            );
            client.write_all(answer.as_bytes()).await?;
            return client.shutdown().await;
        }
        Some(Fault::Reset) => return client.set_zero_linger(),
        Some(Fault::Slow(time)) => tokio::time::sleep(time).await,
        Some(
            Fault::Truncated | Fault::CutAfter(_) | Fault::Lost | Fault::Stalled | Fault::Pass,
        )
        | None => {}
    }
    let mut server = TcpStream::connect(upstream).await?;
    // a kept connection would carry requests that are not seen here
    head.splice(first..first, *b"\r\nConnection: close");
    server.write_all(&head).await?;
    if matches!(
        fault,
        Some(Fault::Truncated | Fault::CutAfter(_) | Fault::Lost | Fault::Stalled)
    ) {
        // the content of the request on its way, the answer kept here
        let mut answer = Vec::new();
        {
            let (mut from_client, _) = client.split();
            let (mut from_server, mut to_server) = server.split();
            tokio::select! {
                done = tokio::io::copy(&mut from_server, &mut answer) => { done?; }
                sent = tokio::io::copy(&mut from_client, &mut to_server) => { sent?; }
            }
        }
        let kept = match fault {
            Some(Fault::Truncated) => Some(answer.len().saturating_sub(3)),
            Some(Fault::CutAfter(bytes)) => {
                let head = answer.windows(4).position(|window| window == b"\r\n\r\n");
                Some(head.map_or(0, |head| head + 4) + bytes)
            }
            _ => None,
        };
        if let Some(kept) = kept {
            answer.truncate(kept);
            client.write_all(&answer).await?;
            return client.shutdown().await;
        }
        if fault == Some(Fault::Stalled) {
            std::future::pending::<()>().await;
        }
        return client.set_zero_linger();
    }
    tokio::io::copy_bidirectional(&mut client, &mut server)
        .await
        .map(drop)
}
