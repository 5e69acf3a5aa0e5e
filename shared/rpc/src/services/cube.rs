//! The stream of a cube: a global header, then for each image a header and its parts.

use super::stream::Items;
use crate::convert;
use crate::pb::{self, get_cube_response::Response as Item};
use crate::status::{domain_status, status};
use app::{App, BuiltImage, CubeHeader};
use bytes::Bytes;
use domain::Size;
use futures::stream::{self, StreamExt};
use tonic::{Response, Status};

/// Answers a cube.
pub(super) async fn get_cube(
    app: &App,
    request: pb::GetCubeRequest,
) -> Result<Response<Items<pb::GetCubeResponse>>, Status> {
    let (transform, stop_at_first_empty) = (request.pix_to_crs, request.protocol_v11x);
    let request =
        convert::cube_request(request, app.limits()).map_err(|error| domain_status(&error))?;
    let crs = request.crs.clone();
    let cube = app.cube(request).await.map_err(status)?;
    let header = global_header(&cube.header, transform, crs);
    let size = cube.size;
    let images = cube.images.flat_map(move |image| match image {
        Ok(image) => {
            let messages = image_messages(&image, size, stop_at_first_empty);
            // the image keeps its share of the memory budget until its last part is sent
            let hold = move |message| {
                let _image = &image;
                Ok(message)
            };
            stream::iter(messages).map(hold).boxed()
        }
        Err(error) => stream::iter([Err(status(error))]).boxed(),
    });
    let first = stream::iter([Ok(message(Item::GlobalHeader(header)))]);
    Ok(Response::new(first.chain(images).boxed()))
}

fn message(item: Item) -> pb::GetCubeResponse {
    pb::GetCubeResponse {
        response: Some(item),
    }
}

fn global_header(
    header: &CubeHeader,
    geotransform: Option<pb::GeoTransform>,
    crs: String,
) -> pb::GetCubeResponseHeader {
    pb::GetCubeResponseHeader {
        count: header.slices as i64,
        nb_datasets: header.datasets as i64,
        ref_dformat: Some(convert::data_format_to(&header.format)),
        resampling_alg: header.resampling.number(),
        geotransform,
        crs,
    }
}

/// Messages of one image: its header with part 0, then the parts 1, 2, …, padded with empty ones
/// as the client expects.
fn image_messages(
    image: &BuiltImage,
    size: Size,
    stop_at_first_empty: bool,
) -> Vec<pb::GetCubeResponse> {
    let mut header = convert::image_header_to(&image.slice);
    let payload = match &image.payload {
        Err(error) => {
            header.error.clone_from(error);
            return vec![message(Item::Header(header))];
        }
        Ok(payload) => payload,
    };
    header.shape = Some(convert::shape_to(image.bands, size));
    header.dtype = image.dtype.number();
    let Some(payload) = payload else {
        header.compression = image.compressed;
        return vec![message(Item::Header(header))];
    };
    header.compression = payload.compressed;
    header.nb_parts = payload.announced_parts as i32;
    header.size = payload.size as i64;
    header.data = payload.parts.first().cloned().unwrap_or_default();
    let mut messages = vec![message(Item::Header(header))];
    for part in 1..payload.parts_on_the_wire(stop_at_first_empty) {
        let data = payload.parts.get(part).cloned().unwrap_or_else(Bytes::new);
        messages.push(message(Item::Chunk(pb::ImageChunk {
            part: part as i32,
            data,
        })));
    }
    messages
}
