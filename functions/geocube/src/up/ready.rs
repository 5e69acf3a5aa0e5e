//! Whether what was started answers.

use std::time::Duration;

use anyhow::{Context, bail};
use database::{connect_options, reach};
use runtime::{ExposeSecret, SecretString};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// How often one asks.
const PAUSE: Duration = Duration::from_millis(20);
/// How long `PostgreSQL` may take to recover from a crash.
const LONGEST_RECOVERY: Duration = Duration::from_mins(5);
/// How long a server may take to start.
const LONGEST_START: Duration = Duration::from_mins(1);

/// Waits until a database takes connections.
///
/// # Errors
/// When it still refuses after minutes.
pub async fn database(port: u16, url: &SecretString) -> anyhow::Result<()> {
    let deadline = Instant::now() + LONGEST_RECOVERY;
    let options = connect_options(url.expose_secret())?;
    loop {
        // asked for first, as a server that does not listen is waited for more slowly
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            match reach(&options, Duration::from_secs(1)).await {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() > deadline => {
                    return Err(error).context("the private database takes no connection");
                }
                Err(_) => {}
            }
        } else if Instant::now() > deadline {
            bail!("the private database does not listen");
        }
        sleep(PAUSE).await;
    }
}

/// Waits until a server answers `GET /`.
///
/// # Errors
/// When it still does not after a minute.
pub async fn server(name: &str, port: u16) -> anyhow::Result<()> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(2))
        .build()?;
    let asked = async {
        loop {
            let answer = client.get(format!("http://127.0.0.1:{port}/")).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            sleep(PAUSE).await;
        }
    };
    timeout(LONGEST_START, asked)
        .await
        .with_context(|| format!("{name} does not answer on port {port}"))
}
