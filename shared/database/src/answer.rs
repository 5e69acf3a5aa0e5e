//! Lists that are answered by one message.

use crate::Result;
use domain::Error;
use futures::{Stream, TryStreamExt};

/// Bytes of texts that one answer may have.
const MAX_BYTES: usize = 64 << 20;

/// All the rows of a statement, which asks for one more than `most`.
///
/// # Errors
/// [`Error::LimitExceeded`] when there are more rows, or more bytes, than fit into one answer.
pub(crate) async fn collect<T>(
    mut rows: impl Stream<Item = sqlx::Result<T>> + Unpin,
    what: &str,
    most: u32,
    bytes_of: impl Fn(&T) -> usize,
) -> Result<Vec<T>> {
    let (mut found, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.try_next().await? {
        bytes += bytes_of(&row);
        let exceeded = if found.len() >= most as usize {
            format!("{most} {what}, at most as many fit into one answer (maxPageSize)")
        } else if bytes > MAX_BYTES {
            format!("{MAX_BYTES} bytes of {what}, at most as many fit into one answer")
        } else {
            found.push(row);
            continue;
        };
        let text = format!("there are more than {exceeded}: narrow the name");
        return Err(Error::LimitExceeded(text).into());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{MAX_BYTES, collect};
    use futures::stream;

    #[tokio::test]
    async fn rows_and_their_bytes_are_bounded() {
        let half = MAX_BYTES / 2;
        for (rows, refused) in [
            (vec![0; 3], None),
            (vec![0; 4], Some("more than 3 things")),
            (vec![half, half], None),
            (
                vec![half, half, 1],
                Some("more than 67108864 bytes of things"),
            ),
        ] {
            let count = rows.len();
            let rows = stream::iter(rows.into_iter().map(Ok));
            let found = collect(rows, "things", 3, |bytes| *bytes).await;
            match refused {
                None => assert_eq!(found.unwrap().len(), count),
                Some(fragment) => {
                    let text = found.unwrap_err().to_string();
                    assert!(text.contains(fragment), "{text}");
                }
            }
        }
    }
}
