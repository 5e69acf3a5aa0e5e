use crate::{GeoTags, ImageTags};

#[test]
fn transforms_come_from_ties_or_from_a_matrix() {
    let tied = GeoTags {
        pixel_scale: vec![10.0, 20.0, 0.0],
        tiepoints: vec![2.0, 3.0, 0.0, 500_000.0, 4_000_000.0, 0.0],
        ..GeoTags::default()
    };
    let expected = [499_980.0, 10.0, 0.0, 4_000_060.0, 0.0, -20.0];
    assert_eq!(tied.transform(), Some(expected));

    let mut matrix = vec![0.0; 16];
    matrix[..8].copy_from_slice(&[10.0, 1.0, 0.0, 500_000.0, 2.0, -20.0, 0.0, 4_000_000.0]);
    let rotated = GeoTags {
        transformation: matrix,
        ..GeoTags::default()
    };
    assert_eq!(
        rotated.transform(),
        Some([500_000.0, 10.0, 1.0, 4_000_000.0, 2.0, -20.0])
    );

    // ties on pixel centres: the corner is half a pixel away
    let points = GeoTags {
        keys: vec![1, 1, 0, 1, 1025, 0, 1, 2],
        ..tied.clone()
    };
    let expected = [499_975.0, 10.0, 0.0, 4_000_070.0, 0.0, -20.0];
    assert_eq!(points.transform(), Some(expected));
    assert_eq!(points.key(1025), Some(2));
    assert_eq!(points.key(3072), None);

    assert_eq!(GeoTags::default().transform(), None);
    let broken = GeoTags {
        pixel_scale: vec![f64::NAN, 1.0, 0.0],
        ..tied
    };
    assert_eq!(broken.transform(), None);
    let short = GeoTags {
        keys: vec![1, 1],
        transformation: vec![1.0; 5],
        ..GeoTags::default()
    };
    assert_eq!((short.transform(), short.key(1025)), (None, None));
}

#[test]
fn planes_come_one_after_the_other() {
    let mut tags = ImageTags::new(33, 17, 16, 16, 8);
    (tags.samples, tags.planar) = (3, 2);
    assert_eq!(
        (tags.blocks_across(), tags.blocks_down(), tags.planes()),
        (3, 2, 3)
    );
    assert_eq!(tags.block_count(), 18);
    assert_eq!(tags.block_index(0, 2, 1), Some(5));
    assert_eq!(tags.block_index(2, 0, 1), Some(15));
    for (plane, x, y) in [(3, 0, 0), (0, 3, 0), (0, 0, 2)] {
        assert_eq!(tags.block_index(plane, x, y), None);
    }
}
