//! Where the bytes come from: files or standard input, plain, gzip or zstd, told apart by their first bytes.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    path::Path,
};

use flate2::read::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

/// A zstd stream that asks for more memory than this to be unpacked is refused.
const WIDEST_WINDOW: u64 = 16 << 20;

/// Opens a file, or standard input for `-`, with its progress shown where somebody watches.
///
/// # Errors
///
/// Those of opening and of reading the first bytes.
pub(crate) fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    if path.as_os_str() == "-" {
        let progress = bar(None);
        return unpacked(progress.wrap_read(io::stdin().lock()));
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let progress = bar(metadata.is_file().then_some(metadata.len()));
    unpacked(progress.wrap_read(file))
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

fn unpacked(mut packed: impl Read + 'static) -> io::Result<Box<dyn Read>> {
    let mut head = Vec::with_capacity(4);
    packed.by_ref().take(4).read_to_end(&mut head)?;
    let is_gzip = head.starts_with(&[0x1f, 0x8b]);
    let is_zstd = head == [0x28, 0xb5, 0x2f, 0xfd];
    let whole = Cursor::new(head).chain(packed);
    Ok(if is_gzip {
        Box::new(MultiGzDecoder::new(BufReader::new(whole)))
    } else if is_zstd {
        Box::new(Frames::new(BufReader::new(whole)))
    } else {
        Box::new(whole)
    })
}

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
                Err(error) => return Err(io::Error::other(error)),
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
                    .map_err(io::Error::other)?;
            }
        }
        self.decoder.read(buffer)
    }
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
