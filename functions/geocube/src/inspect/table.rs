//! Columns that people can read.

/// Rows of aligned columns, the first one to the left, the others to the right unless they are texts.
pub fn lines(head: &[(&str, Side)], rows: &[Vec<String>]) -> Vec<String> {
    let titles: Vec<String> = head.iter().map(|(title, _)| (*title).to_owned()).collect();
    let all = || std::iter::once(&titles).chain(rows);
    let width = |column: usize| {
        let cells = all().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(head).zip(&widths);
        let padded = cells.map(|((cell, (_, side)), width)| match side {
            Side::Left => format!("{cell:<width$}"),
            Side::Right => format!("{cell:>width$}"),
        });
        let joined = padded.collect::<Vec<_>>().join("  ");
        format!("  {}", joined.trim_end())
    };
    all().map(line).collect()
}

/// Where the cells of a column are aligned.
#[derive(Clone, Copy, Debug)]
pub enum Side {
    /// Texts.
    Left,
    /// Numbers.
    Right,
}
