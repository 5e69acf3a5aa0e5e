//! Messages from a client to the server, told apart.

/// Bytes before the body of a message: its type, which the first ones of a connection have not, and its length.
const TYPE: usize = 1;
const LENGTH: usize = 4;
/// What the first message asks for where the connection may be encrypted; another first message follows.
const ENCRYPTION: u32 = 80_877_103;

/// Reads what a client sends, in pieces of any size.
#[derive(Debug, Default)]
pub(super) struct Questions {
    begun: bool,
    pending: Vec<u8>,
}

impl Questions {
    /// How often the client waits for an answer after these bytes: each `Query`, and each `Sync` after others.
    pub(super) fn read(&mut self, bytes: &[u8]) -> usize {
        self.pending.extend_from_slice(bytes);
        let (mut count, mut start) = (0, 0);
        while let Some((kind, end)) = self.message(start) {
            match kind {
                Some(b'Q' | b'S') => count += 1,
                Some(_) => {}
                None => self.begun = !self.asks_for_encryption(start, end),
            }
            start = end;
        }
        self.pending.drain(..start);
        count
    }

    /// Type and end of the message that begins at `start`, if all of it is here.
    fn message(&self, start: usize) -> Option<(Option<u8>, usize)> {
        let head = if self.begun { TYPE } else { 0 };
        let length = self.number(start + head)?;
        let end = start + head + length as usize;
        let kind = self.begun.then(|| self.pending[start]);
        (end <= self.pending.len()).then_some((kind, end))
    }

    fn asks_for_encryption(&self, start: usize, end: usize) -> bool {
        end - start == 2 * LENGTH && self.number(start + LENGTH) == Some(ENCRYPTION)
    }

    fn number(&self, at: usize) -> Option<u32> {
        let bytes = self.pending.get(at..at + LENGTH)?;
        bytes.try_into().ok().map(u32::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::Questions;

    #[test]
    fn questions_are_counted_in_pieces_of_any_size() {
        let message = |kind: &[u8], body: &[u8]| {
            let length = (body.len() as u32 + 4).to_be_bytes();
            [kind, &length[..], body].concat()
        };
        let sent = [
            message(b"", &80_877_103_u32.to_be_bytes()),
            message(b"", b"\0\x03\0\0user\0me\0\0"),
            message(b"Q", b"BEGIN\0"),
            message(b"P", b"\0SELECT 'S'\0\0\0"),
            message(b"B", b"SSQQ"),
            message(b"E", b"\0\0\0\0\0"),
            message(b"S", b""),
            message(b"X", b""),
        ]
        .concat();
        for piece in [1, 2, 3, 7, sent.len()] {
            let mut asked = Questions::default();
            let counts = sent.chunks(piece).map(|bytes| asked.read(bytes));
            assert_eq!(counts.sum::<usize>(), 2, "pieces of {piece}");
        }
    }
}
