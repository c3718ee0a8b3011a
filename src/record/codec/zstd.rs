//! zstd: one or more frames, with or without content size.

use zstd::zstd_safe::{self, CCtx, CParameter, DCtx, DParameter, InBuffer, OutBuffer, ResetDirective};

use super::{Codec, Pool, RecordError, undecodable};

const FRAME_MAGIC: u32 = 0xFD2F_B528;
/// Skippable frames have any of 16 magics.
const SKIPPABLE_MAGIC: u32 = 0x184D_2A50;
/// The largest window Kafka's reader accepts (128 MiB; levels above 19 use more than 8 MiB).
const WINDOW_LOG_MAX: u32 = 27;
/// A context above this size is not kept for reuse. Level 3 needs some 2.5 MiB.
const KEEP_MOST: usize = 4 << 20;
/// A frame whose window makes the context larger than this...
const WIDE_CONTEXT: usize = 10 << 20;
/// ...may decode to this much at most: window memory is touched only as far as output goes.
const WIDE_OUTPUT: usize = 32 << 20;

static IDLE_DECODERS: Pool<DCtx<'static>> = Pool::new(2);
static IDLE_ENCODERS: Pool<CCtx<'static>> = Pool::new(2);

pub(super) struct Decoder<'a> {
    /// Taken from the pool with the first piece; `None` again while being dropped.
    context: Option<DCtx<'static>>,
    input: InBuffer<'a>,
    in_frame: bool,
}

impl<'a> Decoder<'a> {
    pub fn new(input: &'a [u8]) -> Self {
        Decoder { context: None, input: InBuffer::around(input), in_frame: false }
    }

    pub fn next(&mut self, out: &mut Vec<u8>, piece: usize) -> Result<bool, RecordError> {
        let context = match &mut self.context {
            Some(context) => context,
            none => none.insert(decoder()?),
        };
        let at = out.len();
        loop {
            let rest = &self.input.src[self.input.pos..];
            if !self.in_frame {
                if rest.is_empty() {
                    return Ok(false);
                }
                check_magic(rest)?;
            }
            out.reserve(piece);
            let hint = context.decompress_stream(&mut OutBuffer::around_pos(out, at), &mut self.input).map_err(error)?;
            self.in_frame = hint != 0;
            if out.len() > at {
                return Ok(true);
            }
            if self.in_frame && self.input.pos == self.input.src.len() {
                return Err(undecodable(Codec::Zstd, "stream is cut short"));
            }
        }
    }

    /// The most that this stream may decode to, as far as its windows are known.
    pub fn output_limit(&self) -> usize {
        let wide = self.context.as_ref().is_some_and(|c| c.sizeof() > WIDE_CONTEXT);
        if wide { WIDE_OUTPUT } else { usize::MAX }
    }
}

impl Drop for Decoder<'_> {
    fn drop(&mut self) {
        if let Some(mut context) = self.context.take()
            && context.sizeof() <= KEEP_MOST
            && context.reset(ResetDirective::SessionOnly).is_ok()
        {
            IDLE_DECODERS.give(context);
        }
    }
}

fn decoder() -> Result<DCtx<'static>, RecordError> {
    if let Some(idle) = IDLE_DECODERS.take() {
        return Ok(idle);
    }
    let mut context = DCtx::try_create().ok_or_else(|| undecodable(Codec::Zstd, "out of memory"))?;
    context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX)).map_err(error)?;
    Ok(context)
}

/// Only today's frame format goes to the library, whose decoders for formats before 1.0 are not meant for foreign data.
fn check_magic(rest: &[u8]) -> Result<(), RecordError> {
    let magic = rest.first_chunk::<4>().map(|m| u32::from_le_bytes(*m));
    match magic {
        Some(m) if m == FRAME_MAGIC || m & !0xf == SKIPPABLE_MAGIC => Ok(()),
        _ => Err(undecodable(Codec::Zstd, "not a zstd frame")),
    }
}

pub(super) struct Encoder {
    context: Option<CCtx<'static>>,
    out: Vec<u8>,
}

impl Encoder {
    pub fn new(level: Option<i32>, out: Vec<u8>) -> Result<Self, RecordError> {
        let mut context = match IDLE_ENCODERS.take() {
            Some(idle) => idle,
            None => CCtx::try_create().ok_or_else(|| undecodable(Codec::Zstd, "out of memory"))?,
        };
        let level = level.unwrap_or(zstd_safe::CLEVEL_DEFAULT).clamp(zstd_safe::min_c_level(), zstd_safe::max_c_level());
        context.set_parameter(CParameter::CompressionLevel(level)).map_err(error)?;
        Ok(Encoder { context: Some(context), out })
    }

    /// Says how much will be written in all. For a small payload this saves most of the work of setting up.
    pub fn expect(&mut self, len: usize) -> Result<(), RecordError> {
        let Some(context) = &mut self.context else { return Ok(()) };
        context.set_pledged_src_size(Some(len as u64)).map(|_| ()).map_err(error)
    }

    pub fn write(&mut self, input: &[u8]) -> Result<(), RecordError> {
        let Some(context) = &mut self.context else { return Ok(()) };
        let mut input = InBuffer::around(input);
        while input.pos < input.src.len() {
            self.out.reserve(CCtx::out_size().min(zstd_safe::compress_bound(input.src.len() - input.pos)));
            let at = self.out.len();
            context.compress_stream(&mut OutBuffer::around_pos(&mut self.out, at), &mut input).map_err(error)?;
        }
        Ok(())
    }

    pub fn output_len(&self) -> usize {
        self.out.len()
    }

    pub fn finish(mut self) -> Result<Vec<u8>, RecordError> {
        let mut out = std::mem::take(&mut self.out);
        while let Some(context) = &mut self.context {
            let at = out.len();
            let left = context.end_stream(&mut OutBuffer::around_pos(&mut out, at)).map_err(error)?;
            if left == 0 {
                break;
            }
            out.reserve(left);
        }
        Ok(out)
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        if let Some(mut context) = self.context.take()
            && context.sizeof() <= KEEP_MOST
            && context.reset(ResetDirective::SessionAndParameters).is_ok()
        {
            IDLE_ENCODERS.give(context);
        }
    }
}

fn error(code: zstd_safe::ErrorCode) -> RecordError {
    undecodable(Codec::Zstd, zstd_safe::get_error_name(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_of_default_settings_are_small_enough_to_keep() {
        let data: Vec<u8> = (0..3_000_000u32).flat_map(|n| (n / 7 % 251).to_le_bytes()).collect();
        let mut encoder = Encoder::new(None, Vec::new()).unwrap();
        encoder.write(&data).unwrap();
        let encoder_size = encoder.context.as_ref().map(CCtx::sizeof);
        let packed = encoder.finish().unwrap();
        let mut decoder = Decoder::new(&packed);
        let mut out = Vec::new();
        while decoder.next(&mut out, 4096).unwrap() {}
        assert!(out == data);
        for size in [encoder_size, decoder.context.as_ref().map(DCtx::sizeof)] {
            assert!(size.unwrap() <= KEEP_MOST);
        }
    }
}
