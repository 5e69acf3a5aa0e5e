use std::collections::VecDeque;
use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::DeflateEncoder};
use rpc::pb::{GetCubeResponseHeader, GroupedRecords, ImageChunk, Record, Shape};

use super::*;

struct List(VecDeque<Response>);

impl Messages for List {
    async fn next(&mut self) -> Result<Option<GetCubeResponse>, Status> {
        let response = self.0.pop_front();
        Ok(response.map(|response| GetCubeResponse {
            response: Some(response),
        }))
    }
}

const EXPECTED: Expected = Expected {
    bands: 1,
    width: 3,
    height: 2,
    dtype: DType::UInt8,
};

fn global(count: i64) -> Response {
    Response::GlobalHeader(GetCubeResponseHeader {
        count,
        nb_datasets: 5,
        ..GetCubeResponseHeader::default()
    })
}

fn header(data: &[u8], nb_parts: i32, compression: bool) -> ImageHeader {
    ImageHeader {
        shape: Some(Shape {
            dim1: 1,
            dim2: 3,
            dim3: 2,
        }),
        dtype: DType::UInt8.number(),
        nb_parts,
        data: Bytes::copy_from_slice(data),
        size: 6,
        compression,
        grouped_records: Some(GroupedRecords {
            records: vec![Record {
                id: "r".to_owned(),
                ..Record::default()
            }],
        }),
        ..ImageHeader::default()
    }
}

fn chunk(part: i32, data: &[u8]) -> Response {
    Response::Chunk(ImageChunk {
        part,
        data: Bytes::copy_from_slice(data),
    })
}

fn deflated(data: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

async fn decode(messages: Vec<Response>) -> anyhow::Result<Cube> {
    read(&mut List(messages.into()), EXPECTED).await
}

#[tokio::test]
async fn parts_are_joined_and_inflated() {
    let pixels = [1_u8, 2, 3, 4, 5, 6];
    let compressed = deflated(&pixels);
    let (start, end) = compressed.split_at(3);
    let cube = decode(vec![
        global(3),
        Response::Header(header(&pixels[..4], 2, false)),
        chunk(1, &pixels[4..]),
        // the payload ends early: empty parts fill the sequence
        Response::Header(header(start, 4, true)),
        chunk(1, end),
        chunk(2, &[]),
        chunk(3, &[]),
        Response::Header(ImageHeader {
            error: EMPTY.to_owned(),
            ..header(&[], 0, false)
        }),
    ])
    .await
    .unwrap();
    assert_eq!(cube.datasets, 5);
    assert_eq!(cube.bytes_received, 6 + compressed.len() as u64);
    let found: Vec<_> = cube
        .slices
        .iter()
        .map(|slice| slice.pixels.as_deref())
        .collect();
    assert_eq!(found, [Some(&pixels[..]), Some(&pixels[..]), None]);
    assert_eq!(cube.slices[0].records, ["r"]);
}

#[tokio::test]
async fn what_breaks_the_protocol_is_refused() {
    let pixels = [1_u8, 2, 3, 4, 5, 6];
    let whole = || Response::Header(header(&pixels, 1, false));
    let changed = |change: fn(&mut ImageHeader)| {
        let mut changed = header(&pixels, 1, false);
        change(&mut changed);
        Response::Header(changed)
    };
    for (messages, text) in [
        (vec![], "no global header"),
        (vec![whole()], "no global header"),
        (vec![global(2), whole()], "2 images were announced, 1 came"),
        (vec![global(1), chunk(1, &pixels)], "expected the header"),
        (
            vec![
                global(1),
                Response::Header(header(&pixels[..4], 2, false)),
                chunk(2, &pixels[4..]),
            ],
            "part 2 came where 1 was due",
        ),
        (
            vec![global(1), Response::Header(header(&pixels[..4], 2, false))],
            "expected part 1 of 2",
        ),
        (
            vec![global(1), Response::Header(header(&[7, 7], 1, true))],
            "cannot be inflated",
        ),
        (
            vec![
                global(1),
                Response::Header(header(&deflated(&[0; 7]), 1, true)),
            ],
            "7 bytes",
        ),
        (
            vec![global(1), Response::Header(header(&pixels[..4], 1, false))],
            "4 bytes",
        ),
        (
            vec![
                global(1),
                changed(|header| header.error = "broken".to_owned()),
            ],
            "broken",
        ),
        (
            vec![global(1), changed(|header| header.shape = None)],
            "without shape",
        ),
        (
            vec![global(1), changed(|header| header.dtype = 99)],
            "type 99",
        ),
        (
            vec![global(1), changed(|header| header.size = i64::MAX)],
            "expected 6",
        ),
    ] {
        let error = format!("{:#}", decode(messages).await.unwrap_err());
        assert!(error.contains(text), "{error} should say {text}");
    }
}
