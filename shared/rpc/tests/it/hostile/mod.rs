//! Malformed and oversized requests, sent to every method: each is answered at once, none as a fault of the
//! service, and the service goes on.

mod generate;
mod known;
mod random;
mod raw;
mod strategies;
mod sweep;

use crate::harness::downloader::downloader;
use crate::harness::{Bounds, Server};
use known::Known;
use std::sync::Arc;
use std::time::Duration;
use storage::Router;
use tonic::transport::Channel;

/// Most memory that the calls of a test may take, in MB. The messages that are made up, and those who call, are counted
/// with the server: with some seeds 1500 were seen, while a server in a process of its own never had more than 370.
const GROWTH: u64 = 2500;

/// The services that get the requests, and what is in their catalogue.
struct Target {
    server: Server,
    downloader: Channel,
    known: Known,
}

impl Target {
    /// Services that consolidate, with one thing of each kind.
    async fn stored() -> Option<Self> {
        let server = start().await?;
        let known = Known::stored(&server).await?;
        Some(Self::over(server, known).await)
    }

    /// Services without anything.
    async fn empty() -> Option<Self> {
        Some(Self::over(start().await?, Known::nothing()).await)
    }

    async fn over(server: Server, known: Known) -> Self {
        let downloader = downloader(server.folder.path(), Arc::new(Router::new())).await;
        Self {
            server,
            downloader,
            known,
        }
    }

    /// The way to a method.
    fn channel(&self, path: &str) -> &Channel {
        if path.starts_with("/geocube.GeocubeDownloader/") {
            &self.downloader
        } else {
            &self.server.channel
        }
    }
}

async fn start() -> Option<Server> {
    let bounds = Bounds {
        consolidates: true,
        // what is stored for a call is not tidied by another one
        tidy_min_age: Duration::from_hours(1),
        ..Bounds::default()
    };
    Server::with_bounds(bounds).await
}
