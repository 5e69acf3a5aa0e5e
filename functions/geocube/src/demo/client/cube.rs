//! The stream of a cube: one global header, then slice after slice a header and its chunks.

#[cfg(test)]
mod tests;

use std::io::Read;

use anyhow::{Context, bail, ensure};
use domain::DType;
use flate2::read::DeflateDecoder;
use rpc::pb::get_cube_response::Response;
use rpc::pb::{GetCubeResponse, ImageHeader, InternalMeta};
use tonic::Status;

use super::refusal;

/// What the server says of a slice without any valid pixel.
const EMPTY: &str = "rpc error: code = NotFound desc = Not enough valid pixels (skipped)";

/// A stack of images on one grid.
#[derive(Debug, Default, PartialEq)]
pub struct Cube {
    /// Datasets behind the cube.
    pub datasets: i64,
    /// One image each, in the order of the request.
    pub slices: Vec<Slice>,
    /// Payload as it came over the wire.
    pub bytes_received: u64,
}

/// One image of a cube.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// Ids of its records.
    pub records: Vec<String>,
    /// The datasets it is made of.
    pub sources: Vec<InternalMeta>,
    /// Samples, row after row, bands of a pixel together; nothing when no pixel is valid.
    pub pixels: Option<Vec<u8>>,
}

/// Source of messages: a gRPC stream, or a list in tests.
pub trait Messages {
    /// The next message, nothing at the end.
    async fn next(&mut self) -> Result<Option<GetCubeResponse>, Status>;
}

impl Messages for tonic::Streaming<GetCubeResponse> {
    async fn next(&mut self) -> Result<Option<GetCubeResponse>, Status> {
        self.message().await
    }
}

/// What the images have to be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Number of bands.
    pub bands: usize,
    /// Pixels of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Type of the samples.
    pub dtype: DType,
}

impl Expected {
    /// Length of the samples of an image.
    pub fn bytes(&self) -> usize {
        self.bands * self.width * self.height * self.dtype.size()
    }
}

/// Reads a whole cube and checks that the server keeps to the protocol.
///
/// # Errors
/// A refusal of the server, an image that failed, or a message that is out of place.
pub async fn read(messages: &mut impl Messages, expected: Expected) -> anyhow::Result<Cube> {
    let first = messages.next().await.map_err(|status| refusal(&status))?;
    let Some(Response::GlobalHeader(global)) = first.and_then(|message| message.response) else {
        bail!("the first message of the cube is no global header");
    };
    let mut cube = Cube {
        datasets: global.nb_datasets,
        ..Cube::default()
    };
    while let Some(message) = messages.next().await.map_err(|status| refusal(&status))? {
        let Some(Response::Header(header)) = message.response else {
            bail!("expected the header of an image");
        };
        let slice = read_slice(messages, header, expected, &mut cube.bytes_received).await?;
        cube.slices.push(slice);
    }
    let (announced, found) = (global.count, cube.slices.len());
    ensure!(
        usize::try_from(announced) == Ok(found),
        "{announced} images were announced, {found} came"
    );
    Ok(cube)
}

async fn read_slice(
    messages: &mut impl Messages,
    header: ImageHeader,
    expected: Expected,
    bytes_received: &mut u64,
) -> anyhow::Result<Slice> {
    let records = header.grouped_records.unwrap_or_default().records;
    let mut slice = Slice {
        records: records.into_iter().map(|record| record.id).collect(),
        sources: header.dataset_meta.unwrap_or_default().internals_meta,
        pixels: None,
    };
    if header.error == EMPTY {
        return Ok(slice);
    }
    ensure!(header.error.is_empty(), "an image failed: {}", header.error);
    // headers alone were asked for
    if header.nb_parts == 0 {
        return Ok(slice);
    }
    let shape = header.shape.context("an image without shape")?;
    let dimensions = [shape.dim1, shape.dim2, shape.dim3].map(|side| usize::try_from(side).ok());
    let wanted = [expected.bands, expected.width, expected.height].map(Some);
    ensure!(
        dimensions == wanted,
        "an image of {dimensions:?}, expected {wanted:?}"
    );
    ensure!(
        header.dtype == expected.dtype.number(),
        "samples of type {}, expected {}",
        header.dtype,
        expected.dtype
    );
    ensure!(
        usize::try_from(header.size) == Ok(expected.bytes()),
        "an image of {} bytes, expected {}",
        header.size,
        expected.bytes()
    );
    let mut payload = header.data.to_vec();
    for part in 1..header.nb_parts {
        let message = messages.next().await.map_err(|status| refusal(&status))?;
        let Some(Response::Chunk(chunk)) = message.and_then(|message| message.response) else {
            bail!("expected part {part} of {} of an image", header.nb_parts);
        };
        ensure!(
            chunk.part == part,
            "part {} came where {part} was due",
            chunk.part
        );
        payload.extend_from_slice(&chunk.data);
        ensure!(
            payload.len() <= expected.bytes() + (1 << 20),
            "an image came with more bytes than it may have"
        );
    }
    *bytes_received += payload.len() as u64;
    let pixels = if header.compression {
        inflate(&payload, expected.bytes())?
    } else {
        payload
    };
    ensure!(
        pixels.len() == expected.bytes(),
        "an image of {} bytes, expected {}",
        pixels.len(),
        expected.bytes()
    );
    slice.pixels = Some(pixels);
    Ok(slice)
}

/// Reads one deflate stream, and no more than one byte too many.
fn inflate(payload: &[u8], size: usize) -> anyhow::Result<Vec<u8>> {
    let mut pixels = Vec::with_capacity(size);
    DeflateDecoder::new(payload)
        .take(size as u64 + 1)
        .read_to_end(&mut pixels)
        .context("an image cannot be inflated")?;
    Ok(pixels)
}
