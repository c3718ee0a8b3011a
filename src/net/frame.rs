//! Frames: `int32 size | size bytes`, big-endian. The size is checked before anything is reserved for it.
//!
//! Small frames gather in one small buffer per connection, which an idle connection gives up. A large frame gets a buffer of its own from
//! the pool; it starts small and grows as bytes really arrive, unless the connection has delivered a frame of that size before.

use std::sync::Arc;

use bytes::{BufMut, Bytes, buf::Limit};

use super::BufferPool;

/// Bytes of the small buffer; frames that fit in it (with their head) are copied out of it.
const SMALL: usize = 16 * 1024;
/// Room for the first bytes of a large frame whose sender has not yet shown that it means it.
const FIRST: usize = 64 * 1024;
const HEAD: usize = 4;

/// Why a stream of frames cannot be read on: the connection is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("a frame claims the negative size {0}")]
    Negative(i32),
    #[error("a frame of {size} bytes is above the limit of {limit}")]
    TooLarge { size: usize, limit: usize },
    #[error("the client speaks TLS, and this listener is a plain one")]
    Tls,
    #[error("the client speaks HTTP, not Kafka's protocol")]
    Http,
}

impl FrameError {
    /// What a size means that no frame has: it may be the first word of another protocol.
    fn of(head: [u8; HEAD], size: usize, limit: usize) -> FrameError {
        match &head {
            // A handshake record of TLS 1.x.
            [0x16, 3, 0..=4, _] => FrameError::Tls,
            b"GET " | b"POST" | b"PUT " | b"HEAD" => FrameError::Http,
            _ => FrameError::TooLarge { size, limit },
        }
    }
}

/// Cuts the bytes of one connection into frames.
#[derive(Debug)]
pub struct FrameReader {
    limit: usize,
    pool: Arc<BufferPool>,
    small: Vec<u8>,
    /// Where the unread part of `small` begins.
    start: usize,
    large: Option<Large>,
    /// The largest frame this connection really delivered: that much is reserved at once next time.
    trusted: usize,
}

#[derive(Debug)]
struct Large {
    buffer: Vec<u8>,
    size: usize,
}

/// Where the next bytes of the connection belong.
pub enum Target<'a> {
    /// Read here, never more than fits.
    Read(Limit<&'a mut Vec<u8>>),
    /// The pool's budget is used up: wait for it.
    NoRoom,
}

impl FrameReader {
    /// A reader that refuses frames above `limit` bytes and takes large buffers from `pool`.
    pub fn new(limit: usize, pool: Arc<BufferPool>) -> Self {
        FrameReader { limit, pool, small: Vec::new(), start: 0, large: None, trusted: 0 }
    }

    /// Takes the next whole frame, without its head, if all of it is there.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        if let Some(large) = &self.large {
            return Ok(if large.buffer.len() == large.size { self.finish_large() } else { None });
        }
        let held = &self.small[self.start..];
        let Some(size) = held.first_chunk::<HEAD>().map(|head| i32::from_be_bytes(*head)) else {
            self.tidy_small();
            return Ok(None);
        };
        let size = usize::try_from(size).map_err(|_| FrameError::Negative(size))?;
        if size > self.limit {
            let head = held.first_chunk().copied().unwrap_or_default();
            return Err(FrameError::of(head, size, self.limit));
        }
        if let Some(frame) = held[HEAD..].get(..size) {
            let frame = Bytes::copy_from_slice(frame);
            self.start += HEAD + size;
            return Ok(Some(frame));
        }
        if HEAD + size > SMALL && !self.begin_large(size) {
            return Ok(None);
        }
        self.tidy_small();
        Ok(None)
    }

    /// Where to read the next bytes. Call `next_frame` first until it has no more.
    pub fn target(&mut self) -> Target<'_> {
        if self.large.is_some() {
            return self.large_target();
        }
        // A large frame that found no buffer still lies in the full small one.
        if self.pending_large().is_some() {
            return Target::NoRoom;
        }
        if self.small.capacity() < SMALL {
            self.small.reserve_exact(SMALL - self.small.len());
        }
        let room = SMALL - self.small.len();
        Target::Read((&mut self.small).limit(room))
    }

    /// Whether a frame has begun but not ended.
    pub fn in_frame(&self) -> bool {
        self.large.is_some() || self.start < self.small.len()
    }

    /// Bytes of the unfinished frame that have arrived, and how many it needs; to tell progress and to wait for more at once.
    pub fn progress(&self) -> Option<(usize, usize)> {
        self.large.as_ref().map(|l| (l.buffer.len(), l.size))
    }

    /// Gives the small buffer up while nothing is buffered.
    pub fn release(&mut self) {
        if self.start == self.small.len() {
            self.small = Vec::new();
            self.start = 0;
        }
    }

    /// The size of a large frame that lies at the start of the small buffer, having found no room in the pool.
    fn pending_large(&self) -> Option<usize> {
        let size = i32::from_be_bytes(*self.small[self.start..].first_chunk::<HEAD>()?);
        usize::try_from(size).ok().filter(|size| HEAD + size > SMALL)
    }

    /// Moves a large frame's first bytes to a buffer of its own; false when the pool has none.
    fn begin_large(&mut self, size: usize) -> bool {
        let Some(mut buffer) = self.pool.take(size.min(self.trusted.max(FIRST))) else { return false };
        buffer.put_slice(&self.small[self.start + HEAD..]);
        self.small.clear();
        self.start = 0;
        self.large = Some(Large { buffer, size });
        true
    }

    fn finish_large(&mut self) -> Option<Bytes> {
        let large = self.large.take()?;
        self.trusted = self.trusted.max(large.size);
        Some(self.pool.freeze(large.buffer))
    }

    fn large_target(&mut self) -> Target<'_> {
        let Some(large) = self.large.as_mut() else { return Target::NoRoom };
        if large.buffer.len() == large.buffer.capacity() {
            let size = large.size.min(large.buffer.capacity().saturating_mul(4));
            let Some(mut grown) = self.pool.take(size) else { return Target::NoRoom };
            grown.put_slice(&large.buffer);
            self.pool.give(std::mem::replace(&mut large.buffer, grown));
        }
        // Never past the frame's end, nor into a growth that was not asked for.
        let room = (large.size - large.buffer.len()).min(large.buffer.capacity() - large.buffer.len());
        Target::Read((&mut large.buffer).limit(room))
    }

    /// Moves a frame's begin to the front of the small buffer.
    fn tidy_small(&mut self) {
        if self.start == self.small.len() {
            self.small.clear();
        } else if self.start > 0 {
            self.small.drain(..self.start);
        }
        self.start = 0;
    }
}

impl Drop for FrameReader {
    fn drop(&mut self) {
        if let Some(large) = self.large.take() {
            self.pool.give(large.buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(limit: usize) -> FrameReader {
        FrameReader::new(limit, BufferPool::new(8 << 20, 1 << 20))
    }

    fn framed(body: &[u8]) -> Vec<u8> {
        [&(body.len() as i32).to_be_bytes()[..], body].concat()
    }

    /// Feeds `bytes` in pieces of at most `step` and returns every frame that comes out.
    fn feed(r: &mut FrameReader, mut bytes: &[u8], step: usize) -> Result<Vec<Bytes>, FrameError> {
        let mut out = Vec::new();
        while !bytes.is_empty() {
            let Target::Read(mut to) = r.target() else { panic!("no room") };
            let n = bytes.len().min(step).min(to.remaining_mut());
            to.put_slice(&bytes[..n]);
            bytes = &bytes[n..];
            while let Some(frame) = r.next_frame()? {
                out.push(frame);
            }
        }
        Ok(out)
    }

    #[test]
    fn frames_of_all_sizes_come_out_whole_whatever_the_pieces() {
        let bodies: Vec<Vec<u8>> = [0, 1, 100, SMALL - HEAD, SMALL - HEAD + 1, SMALL, FIRST, FIRST + 1, 300_000, 7, 1_000_000, 3]
            .iter()
            .enumerate()
            .map(|(i, n)| (0..*n).map(|k| (i + k) as u8).collect())
            .collect();
        let stream: Vec<u8> = bodies.iter().flat_map(|b| framed(b)).collect();
        for step in [1000, 16 * 1024, 1 << 20] {
            let mut r = reader(2 << 20);
            assert_eq!(feed(&mut r, &stream, step).unwrap(), bodies);
            assert!(!r.in_frame());
            assert_eq!(r.pool.lent(), 0);
        }
        let small: Vec<u8> = bodies[..4].iter().flat_map(|b| framed(b)).collect();
        assert_eq!(feed(&mut reader(1 << 20), &small, 1).unwrap(), bodies[..4]);
    }

    #[test]
    fn n1_a_negative_or_oversized_frame_is_refused_before_memory_is_taken() {
        let mut r = reader(1000);
        assert_eq!(feed(&mut r, &(-1i32).to_be_bytes(), 4), Err(FrameError::Negative(-1)));
        let mut r = reader(100_000_000);
        assert_eq!(feed(&mut r, &i32::MAX.to_be_bytes(), 4), Err(FrameError::TooLarge { size: i32::MAX as usize, limit: 100_000_000 }));
        assert_eq!(r.pool.lent(), 0);
    }

    #[test]
    fn the_first_words_of_tls_and_http_are_known() {
        for (words, wanted) in [(b"\x16\x03\x01\x02".as_slice(), FrameError::Tls), (b"GET / HTTP/1.1\r\n", FrameError::Http)] {
            assert_eq!(feed(&mut reader(100_000_000), words, 4), Err(wanted));
        }
    }

    #[test]
    fn n1_a_claimed_size_takes_no_memory_until_bytes_arrive() {
        let mut r = reader(100 << 20);
        feed(&mut r, &(100i32 << 20).to_be_bytes(), 4).unwrap();
        feed(&mut r, &[0; 1000], 1000).unwrap();
        assert!(r.pool.lent() <= FIRST);
        feed(&mut r, &[0; 100_000], 1 << 20).unwrap();
        assert!(r.pool.lent() <= 4 * FIRST);
    }

    #[test]
    fn a_connection_that_delivered_a_large_frame_gets_its_size_at_once() {
        let mut r = reader(100 << 20);
        let frame = framed(&vec![7; 1 << 20]);
        assert_eq!(feed(&mut r, &frame, 1 << 20).unwrap().len(), 1);
        feed(&mut r, &frame[..SMALL + 1], SMALL).unwrap();
        assert!(r.large.as_ref().unwrap().buffer.capacity() >= 1 << 20);
    }

    #[test]
    fn n8_without_room_in_the_pool_the_reader_waits() {
        let pool = BufferPool::new(FIRST, 0);
        let hog = pool.take(FIRST).unwrap();
        let mut r = FrameReader::new(1 << 20, pool.clone());
        let frame = framed(&vec![1; 50_000]);
        {
            let Target::Read(mut to) = r.target() else { panic!() };
            to.put_slice(&frame[..100]);
        }
        assert_eq!(r.next_frame(), Ok(None));
        assert!(matches!(r.target(), Target::NoRoom));
        pool.give(hog);
        assert_eq!(r.next_frame(), Ok(None));
        assert_eq!(feed(&mut r, &frame[100..], 1 << 20).unwrap(), [vec![1; 50_000]]);
    }

    #[test]
    fn an_idle_reader_holds_no_buffer() {
        let mut r = reader(1000);
        feed(&mut r, &framed(b"hello"), 100).unwrap();
        r.release();
        assert_eq!(r.small.capacity(), 0);
    }
}
