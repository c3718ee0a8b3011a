//! Zigzag varints as records use them: 7 bits a byte, low bits first, at most 5 bytes for i32 and 10 for i64.

/// Reads an i32 at `*pos` and moves `*pos` behind it. `None` if bytes end or the varint is longer than 5 bytes.
#[inline]
pub fn read_i32(bytes: &[u8], pos: &mut usize) -> Option<i32> {
    let n = read(bytes, pos, 5)? as u32;
    Some(((n >> 1) as i32) ^ -((n & 1) as i32))
}

/// Reads an i64. `None` if bytes end or the varint is longer than 10 bytes.
#[inline]
pub fn read_i64(bytes: &[u8], pos: &mut usize) -> Option<i64> {
    let n = read(bytes, pos, 10)?;
    Some(((n >> 1) as i64) ^ -((n & 1) as i64))
}

#[inline]
fn read(bytes: &[u8], pos: &mut usize, max: usize) -> Option<u64> {
    let first = *bytes.get(*pos)?;
    *pos += 1;
    if first < 0x80 {
        return Some(u64::from(first));
    }
    let mut n = u64::from(first & 0x7f);
    for i in 1..max {
        let b = *bytes.get(*pos)?;
        *pos += 1;
        n |= u64::from(b & 0x7f) << (7 * i);
        if b < 0x80 {
            return Some(n);
        }
    }
    None
}

pub fn write_i32(out: &mut Vec<u8>, value: i32) {
    write(out, u64::from(((value << 1) ^ (value >> 31)) as u32));
}

pub fn write_i64(out: &mut Vec<u8>, value: i64) {
    write(out, ((value << 1) ^ (value >> 63)) as u64);
}

fn write(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Bytes that `value` takes.
pub fn size_i32(value: i32) -> usize {
    size(u64::from(((value << 1) ^ (value >> 31)) as u32))
}

pub fn size_i64(value: i64) -> usize {
    size(((value << 1) ^ (value >> 63)) as u64)
}

fn size(n: u64) -> usize {
    let bits = 64 - (n | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_round_trip_and_sizes_agree() {
        for shift in 0..64 {
            for v in [1i64 << shift, (1i64 << shift).wrapping_sub(1), (1i64 << shift).wrapping_neg(), i64::MIN, i64::MAX] {
                let mut out = Vec::new();
                write_i64(&mut out, v);
                assert_eq!(out.len(), size_i64(v));
                assert_eq!(read_i64(&out, &mut 0), Some(v));
                let mut out = Vec::new();
                write_i32(&mut out, v as i32);
                assert_eq!(out.len(), size_i32(v as i32));
                assert_eq!(read_i32(&out, &mut 0), Some(v as i32));
            }
        }
    }

    #[test]
    fn n7_a_varint_of_6_or_a_varlong_of_11_bytes_is_refused() {
        assert_eq!(read_i32(&[0x80, 0x80, 0x80, 0x80, 0x80, 0], &mut 0), None);
        assert_eq!(read_i64(&[0x80; 11], &mut 0), None);
        assert_eq!(read_i64(&[0x80; 3], &mut 0), None);
    }
}
