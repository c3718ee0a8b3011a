use super::*;
use proptest::prelude::*;

const MIB: usize = 1 << 20;

fn round_trip(with: Compression, data: &[u8]) -> Vec<u8> {
    decompress(with.codec, &compress(with, data, Vec::new()).unwrap(), data.len()).unwrap()
}

fn payloads() -> Vec<Vec<u8>> {
    let mut seed = 1u32;
    let mut noise = |n: usize| -> Vec<u8> {
        (0..n)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .collect()
    };
    let mut all = Vec::new();
    for n in [0, 1, 100, 32_768, 32_769, 65_536, 65_537, 300_000] {
        all.push(noise(n));
        all.push(b"{\"id\":17,\"name\":\"a line of text\"}\n".iter().copied().cycle().take(n).collect());
    }
    all
}

#[test]
fn every_codec_gives_back_what_went_in() {
    for codec in Codec::ALL {
        for data in payloads() {
            assert!(round_trip(codec.into(), &data) == data, "{codec} with {} bytes", data.len());
        }
    }
}

#[test]
fn levels_are_taken_and_out_of_range_ones_fall_back() {
    let data = &payloads()[15];
    for (codec, levels) in [(Codec::Gzip, [1, 9, -1, 77]), (Codec::Zstd, [-5, 1, 19, 99]), (Codec::Lz4, [1, 9, 17, 0])] {
        for level in levels {
            assert!(round_trip(Compression { codec, level: Some(level) }, data) == *data, "{codec} at level {level}");
        }
    }
}

#[test]
fn lz4_header_is_kafkas_own() {
    let out = compress(Codec::Lz4.into(), b"x", Vec::new()).unwrap();
    assert_eq!(out[..7], [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]);
}

#[test]
fn lz4_frames_with_flags_and_larger_blocks_are_read_and_linked_ones_refused() {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    use std::io::Write as _;
    let data = &payloads()[15];
    let frame = |mode, checks: bool, size| {
        let mut info = FrameInfo::new().block_mode(mode).block_size(size).block_checksums(checks).content_checksum(checks);
        info.content_size = checks.then_some(data.len() as u64);
        let mut e = FrameEncoder::with_frame_info(info, Vec::new());
        e.write_all(data).unwrap();
        e.finish().unwrap()
    };
    for size in [BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max1MB, BlockSize::Max4MB] {
        for checks in [false, true] {
            assert!(decompress(Codec::Lz4, &frame(BlockMode::Independent, checks, size), data.len()).unwrap() == *data);
        }
    }
    assert!(decompress(Codec::Lz4, &frame(BlockMode::Linked, false, BlockSize::Max64KB), MIB).is_err());
}

#[test]
fn what_we_write_as_lz4_the_frame_decoder_of_the_library_reads() {
    use std::io::Read as _;
    for data in payloads() {
        let mut back = Vec::new();
        lz4_flex::frame::FrameDecoder::new(&compress(Codec::Lz4.into(), &data, Vec::new()).unwrap()[..]).read_to_end(&mut back).unwrap();
        assert!(back == data);
    }
}

#[test]
fn snappy_is_read_raw_and_with_a_repeated_header() {
    let data = &payloads()[15];
    let raw = snap::raw::Encoder::new().compress_vec(data).unwrap();
    assert!(decompress(Codec::Snappy, &raw, data.len()).unwrap() == *data);
    let framed = compress(Codec::Snappy.into(), data, Vec::new()).unwrap();
    assert!(decompress(Codec::Snappy, &framed.repeat(2), 2 * data.len()).unwrap() == data.repeat(2));
}

#[test]
fn gzip_members_follow_each_other_and_trailing_bytes_are_ignored() {
    let mut two = compress(Codec::Gzip.into(), b"one ", Vec::new()).unwrap();
    two = compress(Codec::Gzip.into(), b"two", two).unwrap();
    assert_eq!(decompress(Codec::Gzip, &two, 100).unwrap(), b"one two");
    two.extend_from_slice(b"\0\0\0\0");
    assert_eq!(decompress(Codec::Gzip, &two, 100).unwrap(), b"one two");
}

#[test]
fn zstd_frames_follow_each_other_and_old_formats_are_refused() {
    let mut two = compress(Codec::Zstd.into(), b"one ", Vec::new()).unwrap();
    two = compress(Codec::Zstd.into(), b"two", two).unwrap();
    assert_eq!(decompress(Codec::Zstd, &two, 100).unwrap(), b"one two");
    for version in 0x22..=0x27u8 {
        assert!(decompress(Codec::Zstd, &[version, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0], 100).is_err());
    }
}

#[test]
fn a_stream_cut_short_is_an_error() {
    let data = &payloads()[15];
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let whole = compress(codec.into(), data, Vec::new()).unwrap();
        for cut in [whole.len() - 1, whole.len() / 2, 17, 5] {
            let got = decompress(codec, &whole[..cut], data.len());
            assert!(matches!(got, Err(RecordError::Undecodable { .. })), "{codec} cut at {cut}: {got:?}");
        }
    }
}

/// 64 MiB of zeros in a few KB (LZ4: 256 KB, snappy: 3 MB).
fn bomb(codec: Codec) -> Vec<u8> {
    let zeros = vec![0u8; MIB];
    let mut encoder = Encoder::new(codec.into(), Vec::new()).unwrap();
    (0..64).for_each(|_| encoder.write(&zeros).unwrap());
    encoder.finish().unwrap()
}

#[test]
fn a_bomb_is_refused_without_taking_its_size() {
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let bomb = bomb(codec);
        assert_eq!(decompress(codec, &bomb, MIB).unwrap_err(), RecordError::TooLarge { codec, limit: MIB });
        // Piece by piece, the buffer stays at one piece however much comes out.
        let mut decoder = Decoder::new(codec, &bomb, usize::MAX);
        let (mut buffer, mut total, mut most) = (Vec::new(), 0, 0);
        while decoder.next(&mut buffer).unwrap() {
            total += buffer.len();
            most = most.max(buffer.capacity());
            buffer.clear();
        }
        assert_eq!(total, 64 * MIB);
        assert!(most <= 2 * PIECE, "{codec} took {most}");
    }
}

#[test]
fn a_claimed_size_takes_no_memory() {
    // snappy: four bytes that claim 4 GiB - 1
    let claim = [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0];
    assert!(matches!(decompress(Codec::Snappy, &claim, usize::MAX), Err(RecordError::Undecodable { .. })));
    // LZ4: a 4 MiB block size for a block of one byte
    let mut lz4 = vec![0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73, 1, 0, 0, 0, 0];
    lz4.extend_from_slice(&[0; 4]);
    let mut out = Vec::new();
    let _ = Decoder::new(Codec::Lz4, &lz4, usize::MAX).next(&mut out);
    assert!(out.capacity() < 1024);
    // zstd: a frame with a 128 MiB window is read, but not to more than 32 MiB
    let mut wide = Encoder::new(Compression { codec: Codec::Zstd, level: Some(22) }, Vec::new()).unwrap();
    let zeros = vec![0u8; MIB];
    (0..33).for_each(|_| wide.write(&zeros).unwrap());
    let wide = wide.finish().unwrap();
    assert!(matches!(decompress(Codec::Zstd, &wide, usize::MAX), Err(RecordError::TooLarge { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_round_trip_however_they_are_cut(data in proptest::collection::vec(any::<u8>(), 0..100_000), repeat in 1usize..4, cut in 1usize..70_000) {
        let data = data.repeat(repeat);
        for codec in Codec::ALL {
            let mut encoder = Encoder::new(codec.into(), vec![7]).unwrap();
            for piece in data.chunks(cut) {
                encoder.write(piece).unwrap();
            }
            let out = encoder.finish().unwrap();
            prop_assert_eq!(out[0], 7);
            prop_assert!(decompress(codec, &out[1..], data.len()).unwrap() == data);
        }
    }

    #[test]
    fn random_bytes_and_flipped_bits_never_panic_and_keep_the_limit(
        noise in proptest::collection::vec(any::<u8>(), 0..2_000), text in "[a-d]{0,3000}", at in any::<prop::sample::Index>(), bit in 0u8..8,
    ) {
        for codec in Codec::ALL {
            if let Ok(out) = decompress(codec, &noise, 10_000) {
                prop_assert!(out.len() <= 10_000);
            }
            let mut flipped = compress(codec.into(), text.as_bytes(), Vec::new()).unwrap();
            if !flipped.is_empty() {
                let i = at.index(flipped.len());
                flipped[i] ^= 1 << bit;
            }
            if let Ok(out) = decompress(codec, &flipped, 10_000) {
                prop_assert!(out.len() <= 10_000);
            }
        }
    }
}
