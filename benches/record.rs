//! What it costs a leader to check 1 MB of 1 KB records, beside the CRC that cannot be avoided.
//!
//! `cargo bench --bench record`

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kfk::record::{
    BatchBuilder, BatchOptions, BatchView, Codec, HEADER_LEN, TopicCompression, ValidateOptions, codec, single_batch, validate,
};

const RECORDS: usize = 1000;

/// Lines of JSON, padded to 1 KB with text that compresses about as well as real events do.
fn batch(codec: Codec) -> Bytes {
    let mut builder = BatchBuilder::new(BatchOptions { compression: codec.into(), ..Default::default() });
    let mut seed = 42u64;
    for n in 0..RECORDS {
        let mut value = format!("{{\"id\":{n},\"user\":\"user-{}\",\"tags\":\"", n % 97);
        while value.len() < 1000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            value.push_str(["alpha ", "beta ", "gamma ", "delta "][(seed >> 62) as usize]);
            value.push((b'a' + (seed >> 40) as u8 % 26) as char);
        }
        builder.append(n as i64, Some(format!("key-{n}").as_bytes()), Some(value.as_bytes()), &[]).unwrap();
    }
    builder.finish().unwrap()
}

fn validation(c: &mut Criterion) {
    let options = ValidateOptions { max_message_bytes: 8 << 20, ..Default::default() };
    let plain = batch(Codec::None);
    let mut group = c.benchmark_group("1 MB of 1 KB records");
    group.throughput(Throughput::Bytes(plain.len() as u64));
    group.bench_function("crc32c alone", |b| b.iter(|| BatchView::parse(black_box(&plain)).unwrap().check_crc()));
    for codec in Codec::ALL {
        let bytes = batch(codec);
        group.bench_function(format!("validate {codec}"), |b| {
            b.iter(|| validate(&single_batch(black_box(&bytes), true).unwrap(), &options).unwrap())
        });
    }
    let to_lz4 = ValidateOptions { compression: TopicCompression::Fixed(Codec::Lz4.into()), ..options };
    group.bench_function("validate none, recompress lz4", |b| {
        b.iter(|| validate(&single_batch(black_box(&plain), true).unwrap(), &to_lz4).unwrap())
    });
    group.bench_function("iterate", |b| {
        let data = BatchView::parse(&plain).unwrap().data(usize::MAX).unwrap();
        b.iter(|| black_box(&data).iter().map(|r| r.unwrap().value.map_or(0, <[u8]>::len)).sum::<usize>())
    });
    group.finish();
}

fn codecs(c: &mut Criterion) {
    let plain = batch(Codec::None);
    for (name, data) in [("1 MB", &plain[HEADER_LEN..]), ("16 KB", &plain[HEADER_LEN..HEADER_LEN + 16_384])] {
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Bytes(data.len() as u64));
        for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
            group.bench_function(format!("compress {codec}"), |b| {
                b.iter(|| codec::compress(codec.into(), black_box(data), Vec::new()).unwrap())
            });
            let packed = codec::compress(codec.into(), data, Vec::new()).unwrap();
            group.bench_function(format!("decompress {codec}"), |b| {
                b.iter(|| codec::decompress(codec, black_box(&packed), data.len()).unwrap())
            });
        }
        group.finish();
    }
}

criterion_group!(benches, validation, codecs);
criterion_main!(benches);
