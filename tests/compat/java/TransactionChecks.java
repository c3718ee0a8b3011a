import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;

class TransactionChecks extends Frame {
    static void all() {
        check("transactions", TransactionChecks::commitAndAbort);
        check("consume-transform-produce", () -> consumeTransformProduce(settings(), true));
        check("consume-transform-produce-kip848", () -> consumeTransformProduce(GroupChecks.kip848(), true));
        check("consume-transform-produce-by-name", () -> consumeTransformProduce(settings(), false));
        check("fencing", TransactionChecks::fencing);
        check("fencing-by-admin", TransactionChecks::fencingByAdmin);
        check("transactions-admin", TransactionChecks::transactionsAdmin);
    }

    static KafkaProducer<byte[], byte[]> transactional(String id) {
        return producer("transactional.id", id, "transaction.timeout.ms", 20_000);
    }
    static void transaction(KafkaProducer<byte[], byte[]> p, String t, String prefix, int n, boolean commit) throws Exception {
        p.beginTransaction();
        send(p, t, 0, prefix, n);
        if (commit) p.commitTransaction(); else p.abortTransaction();
    }

    static void commitAndAbort() throws Exception {
        String t = topic("transactions", 1);
        TopicPartition tp = new TopicPartition(t, 0);
        try (KafkaProducer<byte[], byte[]> p = transactional(name("tx"))) {
            p.initTransactions();
            transaction(p, t, "a", 2, true);  // 0 1, marker 2
            transaction(p, t, "b", 2, false); // 3 4, marker 5
            transaction(p, t, "c", 2, true);  // 6 7, marker 8
            p.beginTransaction();
            send(p, t, 0, "open", 1);         // 9
            equal("a0@0 a1@1 c0@6 c1@7", values(read(t, 0, 4, "isolation.level", "read_committed")), "what read_committed sees");
            read(t, 0, 7);
            try (KafkaConsumer<byte[], byte[]> c = consumer(settings("isolation.level", "read_committed"))) {
                equal(9L, c.endOffsets(Collections.singleton(tp)).get(tp), "last stable offset");
                p.abortTransaction();
                until("the last stable offset moves on", () -> c.endOffsets(Collections.singleton(tp)).get(tp) == 11L);
            }
        }
    }

    static void consumeTransformProduce(Map<String, Object> base, boolean byMember) throws Exception {
        String in = topic("in", 1), out = topic("out", 1), g = name("group");
        TopicPartition tp = new TopicPartition(in, 0);
        fill(in, 0, 10);
        Map<TopicPartition, OffsetAndMetadata> offsets = Collections.singletonMap(tp, new OffsetAndMetadata(10));
        try (KafkaProducer<byte[], byte[]> p = transactional(name("tx"));
             KafkaConsumer<byte[], byte[]> c = consumer(with(base, "group.id", g, "isolation.level", "read_committed"))) {
            if (byMember && !has(c, "groupMetadata")) throw new Lacks("offsets in transactions that name the member (KIP-447)");
            p.initTransactions();
            c.subscribe(Collections.singleton(in));
            List<ConsumerRecord<byte[], byte[]>> batch = poll(c, 10);
            for (boolean commit : new boolean[] {false, true}) {
                p.beginTransaction();
                for (ConsumerRecord<byte[], byte[]> r : batch) p.send(record(out, 0, 0, string(r.value()) + commit));
                if (byMember) call(p, "sendOffsetsToTransaction", offsets, call(c, "groupMetadata"));
                else sendByName(p, offsets, g);
                if (commit) p.commitTransaction(); else p.abortTransaction();
                long want = commit ? 10 : -1;
                until("committed offset " + want, () -> committed(g, tp) == want);
            }
        }
        String seen = values(read(out, 0, 10, "isolation.level", "read_committed")).replaceAll("@\\d+", "");
        equal("v0true v1true v2true v3true v4true v5true v6true v7true v8true v9true", seen, "output");
    }
    /** The older form, gone in 4.0, which names the group alone. */
    static void sendByName(KafkaProducer<byte[], byte[]> p, Map<TopicPartition, OffsetAndMetadata> offsets, String group) throws Exception {
        try { KafkaProducer.class.getMethod("sendOffsetsToTransaction", Map.class, String.class).invoke(p, offsets, group); }
        catch (NoSuchMethodException e) { throw new Lacks("offsets in transactions that name the group alone"); }
    }

    static void fencing() throws Exception {
        String t = topic("fencing", 1), id = name("tx");
        try (KafkaProducer<byte[], byte[]> zombie = transactional(id); KafkaProducer<byte[], byte[]> heir = transactional(id)) {
            zombie.initTransactions();
            zombie.beginTransaction();
            send(zombie, t, 0, "zombie", 1);
            heir.initTransactions();
            refused("ProducerFencedException|InvalidProducerEpochException|KafkaException", () -> { send(zombie, t, 0, "zombie again", 1); zombie.commitTransaction(); });
            transaction(heir, t, "heir", 1, true);
        }
        equal("heir0", values(read(t, 0, 1, "isolation.level", "read_committed")).split("@")[0], "committed");
        read(t, 0, 2);
    }

    static void fencingByAdmin() throws Exception {
        String t = topic("fenced", 1), id = name("tx");
        if (!has(admin, "fenceProducers")) throw new Lacks("fenceProducers");
        try (KafkaProducer<byte[], byte[]> p = transactional(id)) {
            p.initTransactions();
            transaction(p, t, "before", 1, true);
            await(call(call(admin, "fenceProducers", Collections.singleton(id)), "all"));
            refused("ProducerFencedException|InvalidProducerEpochException|KafkaException", () -> transaction(p, t, "after", 1, true));
        }
        equal("before0@0", values(read(t, 0, 1, "isolation.level", "read_committed")), "committed");
    }

    static void transactionsAdmin() throws Exception {
        String t = topic("described", 1), id = name("tx");
        TopicPartition tp = new TopicPartition(t, 0);
        if (!has(admin, "listTransactions")) throw new Lacks("listTransactions, describeTransactions, describeProducers");
        try (KafkaProducer<byte[], byte[]> p = transactional(id)) {
            p.initTransactions();
            p.beginTransaction();
            send(p, t, 0, "open", 3);
            Collection<?> listed = (Collection<?>) await(call(call(admin, "listTransactions"), "all"));
            expect(listed.toString().contains(id), "not listed");
            Object d = ((Map<?, ?>) await(call(call(admin, "describeTransactions", Collections.singleton(id)), "all"))).get(id);
            equal("Ongoing [" + tp + "]", call(d, "state") + " " + call(d, "topicPartitions"), "described");
            Object state = await(call(call(admin, "describeProducers", Collections.singleton(tp)), "partitionResult", tp));
            List<?> active = (List<?>) call(state, "activeProducers");
            equal(1, active.size(), "active producers");
            equal(2, call(active.get(0), "lastSequence"), "last sequence");
            p.commitTransaction();
        }
        read(t, 0, 3, "isolation.level", "read_committed");
    }
}
