import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.record.TimestampType;

class RecordChecks extends Frame {
    static void all() {
        check("records", RecordChecks::records);
        for (String codec : Arrays.asList("gzip", "snappy", "lz4", "zstd")) check("codec-" + codec, () -> codec(codec));
        check("topic-codec", RecordChecks::topicCodec);
        check("acks", RecordChecks::acks);
        check("log-append-time", RecordChecks::logAppendTime);
        check("too-large", RecordChecks::tooLarge);
        check("offsets", RecordChecks::offsets);
        check("seek-by-time", RecordChecks::seekByTime);
        check("out-of-range", RecordChecks::outOfRange);
        check("idempotent", RecordChecks::idempotent);
    }

    static void records() throws Exception {
        String t = topic("records", 2);
        List<ProducerRecord<byte[], byte[]>> in = new ArrayList<>();
        byte[] big = new byte[400_000];
        new Random(7).nextBytes(big);
        byte[][][] pairs = {{bytes("key"), bytes("value")}, {null, bytes("v")}, {bytes("tombstone"), null}, {null, null}, {new byte[0], new byte[0]}, {bytes("big"), big}};
        for (byte[][] kv : pairs) in.add(new ProducerRecord<>(t, 1, T0 + in.size(), kv[0], kv[1]));
        in.get(0).headers().add("a", bytes("1")).add("a", bytes("2")).add("none", null).add("", new byte[0]);
        try (KafkaProducer<byte[], byte[]> p = producer()) {
            for (int i = 0; i < in.size(); i++) equal((long) i, p.send(in.get(i)).get().offset(), "acknowledged offset");
        }
        List<ConsumerRecord<byte[], byte[]>> out = read(t, 1, in.size());
        for (int i = 0; i < in.size(); i++) {
            ConsumerRecord<byte[], byte[]> r = out.get(i);
            equal(T0 + i + " " + i + " " + TimestampType.CREATE_TIME, r.timestamp() + " " + r.offset() + " " + r.timestampType(), "timestamp and offset");
            expect(Arrays.equals(in.get(i).key(), r.key()) && Arrays.equals(in.get(i).value(), r.value()), "key or value of record " + i);
            equal(in.get(i).headers(), r.headers(), "headers");
        }
    }

    static void codec(String codec) throws Exception {
        String t = topic(codec, 1);
        try (KafkaProducer<byte[], byte[]> p = producer("compression.type", codec, "linger.ms", 20, "batch.size", 50_000)) {
            send(p, t, 0, "many words that are much alike, number ", 3000);
        }
        List<ConsumerRecord<byte[], byte[]>> out = read(t, 0, 3000);
        for (int i = 0; i < out.size(); i++) equal("many words that are much alike, number " + i, string(out.get(i).value()), "record " + i);
    }

    /** The topic's own codec: the broker compresses again what came with another. */
    static void topicCodec() throws Exception {
        for (String codec : Arrays.asList("zstd", "uncompressed")) {
            String t = topic("topic-codec", 1, "compression.type", codec);
            try (KafkaProducer<byte[], byte[]> p = producer("compression.type", "gzip")) { send(p, t, 0, "v", 300); }
            equal("v299@299", values(read(t, 0, 300).subList(299, 300)), "last record");
        }
    }

    static void acks() throws Exception {
        String t = topic("acks", 1);
        for (String acks : Arrays.asList("0", "1", "all"))
            try (KafkaProducer<byte[], byte[]> p = producer("acks", acks, "enable.idempotence", false)) { send(p, t, 0, acks + "-", 10); }
        read(t, 0, 30);
    }

    static void logAppendTime() throws Exception {
        String t = topic("append-time", 1, "message.timestamp.type", "LogAppendTime");
        fill(t, 0, 2);
        ConsumerRecord<byte[], byte[]> r = read(t, 0, 2).get(1);
        equal(TimestampType.LOG_APPEND_TIME, r.timestampType(), "timestamp type");
        expect(Math.abs(System.currentTimeMillis() - r.timestamp()) < 60_000, "timestamp " + r.timestamp());
    }

    static void tooLarge() throws Exception {
        String t = topic("too-large", 1, "max.message.bytes", "1000");
        try (KafkaProducer<byte[], byte[]> p = producer()) {
            refused("RecordTooLargeException", () -> p.send(new ProducerRecord<>(t, new byte[3000])).get());
            equal(0L, p.send(new ProducerRecord<>(t, new byte[300])).get().offset(), "offset after the refusal");
        }
    }

    static void offsets() throws Exception {
        String t = topic("offsets", 2);
        fill(t, 0, 10);
        TopicPartition tp = new TopicPartition(t, 0), empty = new TopicPartition(t, 1);
        try (KafkaConsumer<byte[], byte[]> c = consumer(settings())) {
            equal(0L, c.beginningOffsets(Collections.singleton(tp)).get(tp), "first");
            equal(10L, c.endOffsets(Collections.singleton(tp)).get(tp), "end");
            equal(0L, c.endOffsets(Collections.singleton(empty)).get(empty), "end of an empty partition");
        }
        equal(10L, listed(tp, "latest"), "latest");
        equal(0L, listed(tp, "earliest"), "earliest");
        try { equal(9L, listed(tp, "maxTimestamp"), "of the largest timestamp"); } catch (Lacks e) { /* came with 3.0 */ }
        try { equal(0L, listed(tp, "earliestLocal"), "earliest local"); } catch (Lacks e) { /* came with 3.9 */ }
        try { equal(-1L, listed(tp, "latestTiered"), "latest tiered"); } catch (Lacks e) { /* came with 3.9 */ }
    }
    /** Admin's ListOffsets, which came with 2.5. */
    static long listed(TopicPartition tp, String spec) throws Exception {
        Object s = call(type("clients.admin.OffsetSpec", "ListOffsets in its admin client"), spec);
        Object result = call(admin, "listOffsets", Collections.singletonMap(tp, s));
        return (Long) call(await(call(result, "partitionResult", tp)), "offset");
    }

    static void seekByTime() throws Exception {
        String t = topic("seek", 1);
        fill(t, 0, 100);
        TopicPartition tp = new TopicPartition(t, 0);
        try (KafkaConsumer<byte[], byte[]> c = consumer(settings())) {
            c.assign(Collections.singleton(tp));
            OffsetAndTimestamp found = c.offsetsForTimes(Collections.singletonMap(tp, T0 + 42)).get(tp);
            equal("42 " + (T0 + 42), found.offset() + " " + found.timestamp(), "offset and timestamp");
            equal(null, c.offsetsForTimes(Collections.singletonMap(tp, T0 + 1000)).get(tp), "offset of a time past the end");
            c.seek(tp, found.offset());
            equal("v42@42", values(poll(c, 1).subList(0, 1)), "first record after the seek");
            c.seekToEnd(Collections.singleton(tp));
            equal(100L, c.position(tp), "end");
        }
    }

    static void outOfRange() throws Exception {
        String t = topic("range", 1);
        fill(t, 0, 5);
        TopicPartition tp = new TopicPartition(t, 0);
        try (KafkaConsumer<byte[], byte[]> c = consumer(settings("auto.offset.reset", "none"))) {
            c.assign(Collections.singleton(tp));
            c.seek(tp, 1000);
            refused("OffsetOutOfRangeException", () -> poll(c, 1));
        }
        try (KafkaConsumer<byte[], byte[]> c = consumer(settings("auto.offset.reset", "earliest"))) {
            c.assign(Collections.singleton(tp));
            c.seek(tp, 1000);
            equal("v0@0", values(poll(c, 1).subList(0, 1)), "first record after the reset");
        }
    }

    static void idempotent() throws Exception {
        String t = topic("idempotent", 1);
        try (KafkaProducer<byte[], byte[]> p = producer("enable.idempotence", true, "acks", "all", "batch.size", 300,
                "max.in.flight.requests.per.connection", 5)) {
            send(p, t, 0, "v", 2000);
        }
        List<ConsumerRecord<byte[], byte[]>> out = read(t, 0, 2000);
        for (int i = 0; i < out.size(); i++) equal("v" + i, string(out.get(i).value()), "record at offset " + i);
    }
}
