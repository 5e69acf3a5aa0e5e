//! Letters of a caption, five pixels wide and seven high.

const WIDTH: usize = 5;
const HEIGHT: usize = 7;

/// Calls `dot` for every pixel of a text, each letter's pixel being `scale` pixels wide and high.
pub fn write(text: &str, scale: usize, mut dot: impl FnMut(usize, usize)) {
    for (position, letter) in text.chars().enumerate() {
        let rows = shape(letter);
        for (y, row) in rows.into_iter().enumerate().take(HEIGHT) {
            for x in 0..WIDTH {
                if row >> (WIDTH - 1 - x) & 1 == 1 {
                    for across in 0..scale {
                        for down in 0..scale {
                            let left = (position * (WIDTH + 1) + x) * scale;
                            dot(left + across, y * scale + down);
                        }
                    }
                }
            }
        }
    }
}

/// One number per row, its bits from left to right.
fn shape(letter: char) -> [u8; HEIGHT] {
    match letter {
        '0' => [
            0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110,
        ],
        '1' => [
            0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110,
        ],
        '2' => [
            0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111,
        ],
        '3' => [
            0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110,
        ],
        '4' => [
            0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010,
        ],
        '5' => [
            0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110,
        ],
        '6' => [
            0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110,
        ],
        '7' => [
            0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000,
        ],
        '8' => [
            0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110,
        ],
        '9' => [
            0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100,
        ],
        '-' => [0, 0, 0, 0b01110, 0, 0, 0],
        ':' => [0, 0b00100, 0, 0, 0, 0b00100, 0],
        _ => [0; HEIGHT],
    }
}
