//! Cubes: all the days on one grid.

use std::time::{Duration, Instant};

use rpc::pb::get_cube_request::RecordsLister;
use rpc::pb::{
    FileFormat, GeoTransform, GetCubeRequest, GroupedRecordIds, GroupedRecordIdsList, Size,
};

use super::{Group, Job, count, seconds};
use crate::demo::client::{Cube, Expected, read_cube, refusal};
use crate::demo::sheet::Format;
use crate::screen;

/// Samples of a cube that are held at a time.
const MOST_BYTES: usize = 256 << 20;

/// Which records a cube shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All of them.
    All,
    /// Those whose images lie on the grid, so that no pixel is computed.
    OnGrid,
}

/// A cube and how long it took.
pub struct Timed {
    /// The images.
    pub cube: Cube,
    /// From the request to the last byte.
    pub time: Duration,
}

impl Job<'_> {
    /// Groups of a cube: as many days as fit.
    pub fn days(&self, wanted: Wanted) -> Vec<Group> {
        let mut groups = self.groups(wanted == Wanted::OnGrid);
        let most = (MOST_BYTES / self.expected().bytes().max(1)).max(1);
        groups.truncate(most);
        groups
    }

    /// Asks for a cube and reads all of it.
    ///
    /// # Errors
    /// A refusal of the server, or an answer that breaks the protocol.
    pub async fn cube(&mut self, wanted: Wanted) -> anyhow::Result<Timed> {
        let started = Instant::now();
        let request = self.request(self.days(wanted));
        let answer = self.client.grpc.get_cube(request).await;
        let mut messages = answer.map_err(|status| refusal(&status))?.into_inner();
        let cube = read_cube(&mut messages, self.expected()).await?;
        Ok(Timed {
            cube,
            time: started.elapsed(),
        })
    }

    /// The datasets behind a cube, without pixels.
    ///
    /// # Errors
    /// As [`cube`](Self::cube).
    pub async fn sources(&mut self) -> anyhow::Result<Cube> {
        let request = GetCubeRequest {
            headers_only: true,
            ..self.request(self.groups(false))
        };
        let answer = self.client.grpc.get_cube(request).await;
        let mut messages = answer.map_err(|status| refusal(&status))?.into_inner();
        read_cube(&mut messages, self.expected()).await
    }

    /// Layout of the samples of an image.
    pub fn format(&self) -> Format {
        Format {
            bands: self.kind.bands,
            width: self.grid.size.width as usize,
            height: self.grid.size.height as usize,
            dtype: self.kind.dtype,
            no_data: self.kind.no_data(),
        }
    }

    fn expected(&self) -> Expected {
        Expected {
            bands: self.kind.bands,
            width: self.grid.size.width as usize,
            height: self.grid.size.height as usize,
            dtype: self.kind.dtype,
        }
    }

    fn request(&self, groups: Vec<Group>) -> GetCubeRequest {
        let records = groups
            .into_iter()
            .map(|group| GroupedRecordIds { ids: group.records })
            .collect();
        let [a, b, c, d, e, f] = self.grid.transform.0;
        GetCubeRequest {
            records_lister: Some(RecordsLister::GroupedRecords(GroupedRecordIdsList {
                records,
            })),
            instances_id: vec![self.instance.clone()],
            crs: self.grid.crs_text.clone(),
            pix_to_crs: Some(GeoTransform { a, b, c, d, e, f }),
            size: Some(Size {
                width: self.grid.size.width.cast_signed(),
                height: self.grid.size.height.cast_signed(),
            }),
            compression_level: 1,
            format: FileFormat::Raw.into(),
            ..GetCubeRequest::default()
        }
    }
}

impl Timed {
    /// Says what came.
    pub fn report(&self, what: &str, job: &Job<'_>) {
        let Self { cube, time } = self;
        let filled = cube.slices.iter().filter_map(|slice| slice.pixels.as_ref());
        let bytes: u64 = filled.map(|pixels| pixels.len() as u64).sum();
        let rate = bytes as f64 / time.as_secs_f64().max(1e-6);
        screen::result(&format!(
            "  {what}: {} of {} x {} pixels from {}, {} of samples in {} on the wire ({}, {}/s)",
            count(cube.slices.len(), "image"),
            job.grid.size.width,
            job.grid.size.height,
            count(usize::try_from(cube.datasets).unwrap_or(0), "dataset"),
            screen::bytes(bytes),
            screen::bytes(cube.bytes_received),
            seconds(*time),
            screen::bytes(rate as u64),
        ));
    }
}
