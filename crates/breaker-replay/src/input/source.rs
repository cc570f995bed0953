//! Where the bytes come from: files or standard input, plain, gzip or zstd, told apart by their first bytes.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    path::Path,
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    thread,
    time::Duration,
};

use flate2::read::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

use super::follow::{self, Follow};
use crate::interrupt::Interrupt;

/// A zstd stream that asks for more memory than this to be unpacked is refused, as zstd itself does unless it is told.
const WIDEST_WINDOW: u64 = 128 << 20;
/// Pieces of a pipe.
const PIECE: usize = 1 << 18;
/// So often a pipe on which nothing comes is looked after, or a file that is followed.
const PATIENCE: Duration = Duration::from_millis(100);

/// Opens a file that is read on as it grows.
///
/// # Errors
///
/// As [`open`]; where it cannot grow.
pub(crate) fn open_to_follow(path: &Path, interrupt: &Interrupt) -> io::Result<Box<dyn Read>> {
    follow::check(path)?;
    let waiting = interrupt.clone();
    let follow = Follow::open(path, move || !waiting.wait(PATIENCE))?;
    unpacked(bar(None).wrap_read(UntilInterrupt(follow, interrupt.clone())))
}

/// Opens a file, or standard input for `-`, with its progress shown where somebody watches.
///
/// # Errors
///
/// Those of opening and of reading the first bytes; what is packed in a way that is not read here is named.
pub(crate) fn open(path: &Path, interrupt: &Interrupt) -> io::Result<Box<dyn Read>> {
    if path.as_os_str() == "-" {
        let pipe = Pipe::new(io::stdin(), interrupt.clone());
        return unpacked(bar(None).wrap_read(pipe));
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() {
        let file = UntilInterrupt(file, interrupt.clone());
        unpacked(bar(Some(metadata.len())).wrap_read(file))
    } else if metadata.is_dir() {
        Err(io::Error::other("it is a directory; name the files in it"))
    } else {
        unpacked(bar(None).wrap_read(Pipe::new(file, interrupt.clone())))
    }
}

/// A file that ends where the user interrupts.
struct UntilInterrupt<R>(R, Interrupt);

impl<R: Read> Read for UntilInterrupt<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.1.is_set() {
            return Ok(0);
        }
        self.0.read(buffer)
    }
}

/// A reader that may have nothing for long, read by a thread of its own, so that an interrupt is heard meanwhile.
struct Pipe {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Cursor<Vec<u8>>,
    interrupt: Interrupt,
}

impl Pipe {
    fn new(mut reader: impl Read + Send + 'static, interrupt: Interrupt) -> Self {
        let (send, pieces) = sync_channel(2);
        thread::spawn(move || {
            loop {
                let mut piece = vec![0; PIECE];
                let read = reader.read(&mut piece);
                let is_over = !matches!(read, Ok(1..));
                let sent = send.send(read.map(|count| {
                    piece.truncate(count);
                    piece
                }));
                if is_over || sent.is_err() {
                    return;
                }
            }
        });
        Self {
            pieces,
            piece: Cursor::default(),
            interrupt,
        }
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            // What has come until an interrupt is still read.
            match self.pieces.recv_timeout(PATIENCE) {
                Ok(piece) => {
                    self.piece = Cursor::new(piece?);
                    if self.piece.get_ref().is_empty() {
                        return Ok(0);
                    }
                }
                Err(RecvTimeoutError::Timeout) if self.interrupt.is_set() => return Ok(0),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
    }
}

fn bar(length: Option<u64>) -> ProgressBar {
    let target = ProgressDrawTarget::stderr_with_hz(5);
    let bar = ProgressBar::with_draw_target(length, target);
    let template = if length.is_some() {
        "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left"
    } else {
        "{spinner} {bytes}, {bytes_per_sec}"
    };
    // Without its style it looks plainer, and no more.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Whether what begins so is packed in a way that is read here.
pub(crate) fn is_packed(head: &[u8]) -> bool {
    head.starts_with(&GZIP) || head.starts_with(&ZSTD)
}

fn unpacked(packed: impl Read + 'static) -> io::Result<Box<dyn Read>> {
    let (head, whole) = peeked(packed)?;
    if head.starts_with(&GZIP) {
        text(MultiGzDecoder::new(BufReader::new(whole)))
    } else if head.starts_with(&ZSTD) {
        text(Frames::new(BufReader::new(whole)))
    } else {
        text(whole)
    }
}

/// What is no text is named.
fn text(reader: impl Read + 'static) -> io::Result<Box<dyn Read>> {
    let (head, whole) = peeked(reader)?;
    let starts = |magic: &[u8]| head.starts_with(magic);
    // Every other byte of what is mostly ASCII.
    let is_wide = |from: usize| {
        let zeros = |from: usize| {
            let bytes = head.iter().skip(from).step_by(2);
            bytes.filter(|byte| **byte == 0).count()
        };
        head.len() >= 16 && zeros(from) * 4 > head.len() && zeros(1 - from) * 16 < zeros(from)
    };
    let what = if starts(b"\xfd7zXZ\0") {
        "it is packed by xz: xz -dc FILE | breaker-replay"
    } else if starts(b"BZh") {
        "it is packed by bzip2: bzip2 -dc FILE | breaker-replay"
    } else if starts(b"PK\x03\x04") {
        "it is a zip archive: unzip -p FILE | breaker-replay"
    } else if starts(b"\x04\x22\x4d\x18") {
        "it is packed by lz4: lz4 -dc FILE | breaker-replay"
    } else if starts(b"7z\xbc\xaf") {
        "it is a 7z archive: 7z x -so FILE | breaker-replay"
    } else if starts(b"PAR1") {
        "it is Parquet, which is no text; export it as CSV or JSON lines"
    } else if head.get(257..262) == Some(b"ustar") {
        "it is a tar archive: tar -xOf FILE | breaker-replay"
    } else if starts(b"\xff\xfe") || starts(b"\xfe\xff") || is_wide(0) || is_wide(1) {
        "it is UTF-16: iconv -f UTF-16 -t UTF-8 FILE | breaker-replay"
    } else {
        return Ok(Box::new(whole));
    };
    Err(io::Error::other(what))
}

/// The first bytes, and the whole.
fn peeked<R: Read>(mut reader: R) -> io::Result<(Vec<u8>, impl Read + use<R>)> {
    let mut head = Vec::with_capacity(HEAD);
    match reader.by_ref().take(HEAD as u64).read_to_end(&mut head) {
        Ok(_) => {}
        // What is cut off so early is told when it is read.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && !head.is_empty() => {}
        Err(error) => return Err(error),
    }
    Ok((head.clone(), Cursor::new(head).chain(reader)))
}

/// So many bytes tell what it is.
const HEAD: usize = 512;

/// All frames of a zstd stream, one after the other.
struct Frames<R> {
    packed: R,
    decoder: FrameDecoder,
}

impl<R: Read> Frames<R> {
    fn new(packed: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WIDEST_WINDOW);
        Self { packed, decoder }
    }
}

impl<R: BufRead> Frames<R> {
    /// Begins the next frame; `false` if there is none.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.packed.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.packed) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let mut skipped = self.packed.by_ref().take(length.into());
                    io::copy(&mut skipped, &mut io::sink())?;
                }
                Err(FrameDecoderError::WindowSizeTooBig { .. }) => {
                    return Err(io::Error::other(
                        "it needs more than 128 MiB to be unpacked: zstd -dc --long=31 FILE | breaker-replay",
                    ));
                }
                Err(error) => return Err(of_zstd(error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.decoder.can_collect() == 0 {
            if self.decoder.is_finished() {
                if !self.begin()? {
                    return Ok(0);
                }
            } else {
                self.decoder
                    .decode_blocks(&mut self.packed, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(of_zstd)?;
            }
        }
        self.decoder.read(buffer)
    }
}

/// Where the stream ends too early, the error says so.
fn of_zstd(error: FrameDecoderError) -> io::Error {
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(one) = cause {
        if let Some(inner) = one.downcast_ref::<io::Error>()
            && inner.kind() == io::ErrorKind::UnexpectedEof
        {
            return io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the zstd stream ends too early",
            );
        }
        cause = one.source();
    }
    io::Error::other(error)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn read(packed: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut all = vec![];
        unpacked(Cursor::new(packed))?.read_to_end(&mut all)?;
        Ok(all)
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        compress_to_vec(text, CompressionLevel::Fastest)
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(vec![], Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn packed_or_not_the_text_is_the_same() {
        let text: Vec<u8> = (0..1 << 20).map(|at: u32| (at ^ at >> 9) as u8).collect();
        assert_eq!(read(text.clone()).unwrap(), text);
        assert_eq!(read(gzip(&text)).unwrap(), text);
        assert_eq!(read(zstd(&text)).unwrap(), text);
    }

    #[test]
    fn several_packed_streams_after_one_another_are_one() {
        assert_eq!(
            read([gzip(b"one "), gzip(b"two")].concat()).unwrap(),
            b"one two"
        );
        let skippable = b"\x50\x2a\x4d\x18\x03\0\0\0...".to_vec();
        let frames = [zstd(b"one "), skippable, zstd(b"two")].concat();
        assert_eq!(read(frames).unwrap(), b"one two");
    }

    #[test]
    fn less_than_a_magic_number_is_plain() {
        for short in [&b""[..], b"x", b"\x28\xb5"] {
            assert_eq!(read(short.to_vec()).unwrap(), short);
        }
    }

    #[test]
    fn a_packed_stream_that_is_cut_off_is_an_error() {
        for whole in [gzip(&[b'x'; 5000]), zstd(&[b'x'; 5000])] {
            let half = whole[..whole.len() - 6].to_vec();
            assert!(read(half).is_err());
        }
    }
}
