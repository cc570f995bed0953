//! What may stand between two objects.

const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Recognises white space and byte order marks, of which one may be cut between two chunks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Blanks {
    /// How many bytes of a byte order mark came last.
    of_mark: usize,
}

impl Blanks {
    /// Whether `byte` is blank, or goes on with a mark that has begun.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        if byte == BYTE_ORDER_MARK[self.of_mark] {
            self.of_mark = (self.of_mark + 1) % BYTE_ORDER_MARK.len();
            return true;
        }
        self.is_whole() && matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
    }

    /// Whether no mark is left half-way.
    pub(super) fn is_whole(self) -> bool {
        self.of_mark == 0
    }
}
