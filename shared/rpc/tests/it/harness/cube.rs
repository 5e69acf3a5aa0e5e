//! A client of cubes that reads the stream by its grammar, to the letter.

use super::Server;
use super::raster::from_bytes;
use flate2::read::DeflateDecoder;
use rpc::pb::data_format::Dtype;
use rpc::pb::geocube_client::GeocubeClient;
use rpc::pb::get_cube_request::RecordsLister;
use rpc::pb::get_cube_response::Response as Item;
use rpc::pb::{self, Size};
use std::io::Read;
use tonic::Status;
use tonic::transport::Channel;

/// A cube as a client gets it.
#[derive(Clone, Debug)]
pub struct Cube {
    pub header: pb::GetCubeResponseHeader,
    pub images: Vec<Image>,
}

/// One image: its header and the parts after the one within the header.
#[derive(Clone, Debug)]
pub struct Image {
    pub header: pb::ImageHeader,
    pub chunks: Vec<pb::ImageChunk>,
}

impl Image {
    /// The payload, inflated when it is compressed; its length is the announced one.
    #[track_caller]
    pub fn bytes(&self) -> Vec<u8> {
        assert_eq!(self.header.error, "");
        let mut payload = self.header.data.to_vec();
        for chunk in &self.chunks {
            payload.extend_from_slice(&chunk.data);
        }
        if self.header.compression {
            let mut image = Vec::new();
            DeflateDecoder::new(payload.as_slice())
                .read_to_end(&mut image)
                .unwrap();
            payload = image;
        }
        assert_eq!(payload.len() as i64, self.header.size);
        payload
    }

    /// The samples of a raw image: rows, columns, then bands.
    #[track_caller]
    pub fn samples(&self) -> Vec<f64> {
        from_bytes(gdal_name(self.header.dtype()), &self.bytes())
    }

    /// Dimensions: bands, width, height.
    pub fn shape(&self) -> (i32, i32, i32) {
        let shape = self.header.shape.unwrap();
        (shape.dim1, shape.dim2, shape.dim3)
    }

    /// Ids of the records, in order.
    pub fn records(&self) -> Vec<String> {
        let records = &self.header.grouped_records.as_ref().unwrap().records;
        records.iter().map(|record| record.id.clone()).collect()
    }
}

/// The grid of [`super::raster::Raster::utm`].
pub fn utm_request(instance: &str, width: i32, height: i32) -> pb::GetCubeRequest {
    pb::GetCubeRequest {
        instances_id: vec![instance.to_owned()],
        crs: "epsg:32631".to_owned(),
        pix_to_crs: Some(north_up(400_000.0, 5_000_000.0, 10.0)),
        size: Some(Size { width, height }),
        ..Default::default()
    }
}

/// A transform of square pixels.
pub fn north_up(west: f64, north: f64, pixel: f64) -> pb::GeoTransform {
    pb::GeoTransform {
        a: west,
        b: pixel,
        c: 0.0,
        d: north,
        e: 0.0,
        f: -pixel,
    }
}

/// One slice per group.
#[expect(clippy::unnecessary_wraps, reason = "the value of a field")]
pub fn groups(groups: &[&[&String]]) -> Option<RecordsLister> {
    let group = |ids: &&[&String]| pb::GroupedRecordIds {
        ids: ids.iter().map(|id| (*id).clone()).collect(),
    };
    Some(RecordsLister::GroupedRecords(pb::GroupedRecordIdsList {
        records: groups.iter().map(group).collect(),
    }))
}

/// One slice per record.
#[expect(clippy::unnecessary_wraps, reason = "the value of a field")]
pub fn records(ids: &[&String]) -> Option<RecordsLister> {
    Some(RecordsLister::Records(pb::RecordIdList {
        ids: ids.iter().map(|id| (*id).clone()).collect(),
    }))
}

impl Server {
    /// Reads a cube, checking the order and the numbers of all messages.
    pub async fn cube(&self, request: pb::GetCubeRequest) -> Result<Cube, Status> {
        Cube::read(self.client(), request).await
    }
}

impl Cube {
    /// Reads a cube by a client, checking the order and the numbers of all messages.
    pub async fn read(
        mut client: GeocubeClient<Channel>,
        request: pb::GetCubeRequest,
    ) -> Result<Self, Status> {
        let v11x = request.protocol_v11x;
        let mut stream = client.get_cube(request).await?.into_inner();
        let Some(Item::GlobalHeader(header)) =
            stream.message().await?.and_then(|first| first.response)
        else {
            panic!("the first message is not the global header");
        };
        let mut images = Vec::new();
        while let Some(message) = stream.message().await? {
            let Some(Item::Header(header)) = message.response else {
                panic!("expected the header of an image")
            };
            let expected = if header.error.is_empty() {
                header.nb_parts
            } else {
                0
            };
            let mut chunks = Vec::new();
            let mut ended = header.data.is_empty() && v11x;
            for part in 1..expected {
                if ended {
                    break;
                }
                let Some(Item::Chunk(chunk)) =
                    stream.message().await?.and_then(|next| next.response)
                else {
                    panic!("expected part {part} of {expected}");
                };
                assert_eq!(chunk.part, part);
                ended = chunk.data.is_empty() && v11x;
                chunks.push(chunk);
            }
            images.push(Image { header, chunks });
        }
        assert_eq!(images.len() as i64, header.count);
        Ok(Self { header, images })
    }
}

/// GDAL's name of a sample type.
pub fn gdal_name(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::Undefined => panic!("undefined type"),
        Dtype::UInt8 => "Byte",
        Dtype::Complex64 => "CFloat32",
        Dtype::UInt16 => "UInt16",
        Dtype::UInt32 => "UInt32",
        Dtype::Int8 => "Int8",
        Dtype::Int16 => "Int16",
        Dtype::Int32 => "Int32",
        Dtype::Float32 => "Float32",
        Dtype::Float64 => "Float64",
    }
}
