//! Variable-length integers: seven bits a byte, least significant first, the high bit set on all but the last byte.
//!
//! Lengths and tags use the unsigned form; records use zigzag (0, -1, 1, -2, ... become 0, 1, 2, 3, ...), in 32 or 64 bits.
//! Reading works on a slice and says how many bytes it took.

/// The longest 32-bit and 64-bit forms, in bytes.
pub const MAX_LEN_32: usize = 5;
pub const MAX_LEN_64: usize = 10;

/// Why a varint could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VarintError {
    #[error("the bytes end inside a varint")]
    Truncated,
    #[error("a varint goes on beyond its longest form")]
    TooLong,
}

/// An unsigned 32-bit varint and its length in bytes. Bits beyond the 32nd are dropped, as Kafka does.
#[inline]
pub fn read_u32(bytes: &[u8]) -> Result<(u32, usize), VarintError> {
    let mut value = 0u32;
    for (i, byte) in bytes.iter().take(MAX_LEN_32).enumerate() {
        value |= u32::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Ok((value, i + 1));
        }
    }
    Err(if bytes.len() < MAX_LEN_32 { VarintError::Truncated } else { VarintError::TooLong })
}

/// An unsigned 64-bit varint and its length in bytes.
#[inline]
pub fn read_u64(bytes: &[u8]) -> Result<(u64, usize), VarintError> {
    let mut value = 0u64;
    for (i, byte) in bytes.iter().take(MAX_LEN_64).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Ok((value, i + 1));
        }
    }
    Err(if bytes.len() < MAX_LEN_64 { VarintError::Truncated } else { VarintError::TooLong })
}

/// A zigzag 32-bit varint and its length in bytes.
#[inline]
pub fn read_i32(bytes: &[u8]) -> Result<(i32, usize), VarintError> {
    read_u32(bytes).map(|(n, len)| (unzigzag_32(n), len))
}

/// A zigzag 64-bit varint ("varlong") and its length in bytes.
#[inline]
pub fn read_i64(bytes: &[u8]) -> Result<(i64, usize), VarintError> {
    read_u64(bytes).map(|(n, len)| (unzigzag_64(n), len))
}

#[inline]
pub fn write_u32(out: &mut Vec<u8>, value: u32) {
    write_u64(out, u64::from(value));
}

#[inline]
pub fn write_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[inline]
pub fn write_i32(out: &mut Vec<u8>, value: i32) {
    write_u32(out, zigzag_32(value));
}

#[inline]
pub fn write_i64(out: &mut Vec<u8>, value: i64) {
    write_u64(out, zigzag_64(value));
}

/// How many bytes [`write_u32`] takes.
#[inline]
pub fn len_u32(value: u32) -> usize {
    len_u64(u64::from(value))
}

/// How many bytes [`write_u64`] takes.
#[inline]
pub fn len_u64(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// How many bytes [`write_i32`] takes.
#[inline]
pub fn len_i32(value: i32) -> usize {
    len_u32(zigzag_32(value))
}

/// How many bytes [`write_i64`] takes.
#[inline]
pub fn len_i64(value: i64) -> usize {
    len_u64(zigzag_64(value))
}

#[inline]
fn zigzag_32(n: i32) -> u32 {
    ((n << 1) ^ (n >> 31)) as u32
}

#[inline]
fn unzigzag_32(n: u32) -> i32 {
    (n >> 1) as i32 ^ -((n & 1) as i32)
}

#[inline]
fn zigzag_64(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)) as u64
}

#[inline]
fn unzigzag_64(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsigned_round_trips_at_every_length() {
        for shift in 0..64 {
            for value in [1u64 << shift, (1u64 << shift) - 1, (1u64 << shift) | 5] {
                let mut out = Vec::new();
                write_u64(&mut out, value);
                assert_eq!(out.len(), len_u64(value));
                assert_eq!(read_u64(&out), Ok((value, out.len())));
                if let Ok(small) = u32::try_from(value) {
                    assert_eq!(len_u32(small), out.len());
                    assert_eq!(read_u32(&out), Ok((small, out.len())));
                }
            }
        }
    }

    #[test]
    fn zigzag_round_trips_and_keeps_small_magnitudes_short() {
        for (value, bytes) in [(0, &[0u8][..]), (-1, &[1]), (1, &[2]), (-2, &[3]), (63, &[126]), (-64, &[127]), (64, &[0x80, 1])] {
            let mut out = Vec::new();
            write_i64(&mut out, value);
            assert_eq!(out, bytes);
        }
        for value in [i32::MIN, i32::MAX, -1, 0, 12345] {
            let mut out = Vec::new();
            write_i32(&mut out, value);
            assert_eq!(read_i32(&out), Ok((value, out.len())));
            assert_eq!(len_i32(value), out.len());
        }
        for value in [i64::MIN, i64::MAX, -1, 0, 1 << 40] {
            let mut out = Vec::new();
            write_i64(&mut out, value);
            assert_eq!(read_i64(&out), Ok((value, out.len())));
            assert_eq!(len_i64(value), out.len());
        }
    }

    #[test]
    fn n7_a_varint_longer_than_five_or_ten_bytes_is_refused() {
        assert_eq!(read_u32(&[0xff; 6]), Err(VarintError::TooLong));
        assert_eq!(read_u32(&[0x80, 0x80, 0x80, 0x80, 0x80]), Err(VarintError::TooLong));
        assert_eq!(read_u64(&[0xff; 10]), Err(VarintError::TooLong));
        assert_eq!(read_u32(&[0xff, 0xff, 0xff, 0xff, 0x0f]), Ok((u32::MAX, 5)));
        assert_eq!(read_u64(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]), Ok((u64::MAX, 10)));
        assert_eq!(read_u32(&[]), Err(VarintError::Truncated));
        assert_eq!(read_u64(&[0x80, 0x80]), Err(VarintError::Truncated));
    }
}
