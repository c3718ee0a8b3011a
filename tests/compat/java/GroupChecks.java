import java.time.Duration;
import java.util.*;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.utils.AppInfoParser;

class GroupChecks extends Frame {
    static final String COOPERATIVE = "clients.consumer.CooperativeStickyAssignor";

    static void all() {
        check("group-classic", () -> twoMembers(settings()));
        check("group-cooperative", () -> twoMembers(settings("partition.assignment.strategy",
            type(COOPERATIVE, "cooperative rebalancing (KIP-429)").getName())));
        check("group-kip848", () -> twoMembers(kip848()));
        check("group-pattern", () -> pattern(settings()));
        check("group-kip848-pattern", GroupChecks::serverSidePattern);
        check("static-member", () -> staticMember(settings()));
        check("static-member-kip848", () -> {
            Map<String, Object> config = kip848();
            boolean leaves = !AppInfoParser.getVersion().startsWith("3.7.");
            if (!leaves) throw new Lacks("the request by which a static member leaves, so that its place is held until the session ends; with every broker");
            staticMember(config);
        });
        check("commit-resume", () -> commitResume(settings()));
        check("commit-resume-kip848", () -> commitResume(kip848()));
        check("groups-admin", GroupChecks::groupsAdmin);
        check("share-group", GroupChecks::shareGroup);
    }

    static Map<String, Object> kip848() {
        needSetting("group.protocol", "the group protocol of KIP-848");
        return settings("group.protocol", "consumer");
    }

    static boolean share(KafkaConsumer<?, ?> a, KafkaConsumer<?, ?> b, int ofA, int ofB) {
        a.poll(Duration.ofMillis(30));
        b.poll(Duration.ofMillis(30));
        return a.assignment().size() == ofA && b.assignment().size() == ofB;
    }

    /** Two members share four partitions; when one leaves the other has all, and reads what comes. */
    static void twoMembers(Map<String, Object> base) throws Exception {
        String t = topic("two", 4), g = name("group");
        try (KafkaConsumer<byte[], byte[]> a = consumer(with(base, "group.id", g))) {
            a.subscribe(Collections.singleton(t));
            try (KafkaConsumer<byte[], byte[]> b = consumer(with(base, "group.id", g))) {
                b.subscribe(Collections.singleton(t));
                until("two partitions each", () -> share(a, b, 2, 2));
                Set<TopicPartition> all = new HashSet<>(a.assignment());
                all.addAll(b.assignment());
                equal(4, all.size(), "partitions of both");
            }
            until("four partitions", () -> { a.poll(Duration.ofMillis(30)); return a.assignment().size() == 4; });
            for (int p = 0; p < 4; p++) fill(t, p, 5);
            equal(20, poll(a, 20).size(), "records");
        }
    }

    /** The client resolves the expression; a topic that comes later joins. */
    static void pattern(Map<String, Object> base) throws Exception {
        String prefix = name("pattern");
        create(prefix + "-one", 1);
        try (KafkaConsumer<byte[], byte[]> c = consumer(with(base, "group.id", name("group"), "metadata.max.age.ms", 300))) {
            c.subscribe(Pattern.compile(prefix + "-.*"), new Quiet());
            until("one partition", () -> { c.poll(Duration.ofMillis(30)); return c.assignment().size() == 1; });
            create(prefix + "-two", 1);
            until("two partitions", () -> { c.poll(Duration.ofMillis(30)); return c.assignment().size() == 2; });
        }
    }
    static class Quiet implements ConsumerRebalanceListener {
        public void onPartitionsRevoked(Collection<TopicPartition> p) { }
        public void onPartitionsAssigned(Collection<TopicPartition> p) { }
    }

    /** The coordinator resolves the expression. */
    static void serverSidePattern() throws Exception {
        Map<String, Object> base = kip848();
        Class<?> type = type("clients.consumer.SubscriptionPattern", "expressions that the coordinator resolves");
        String prefix = name("re2");
        create(prefix + "-one", 1);
        try (KafkaConsumer<byte[], byte[]> c = consumer(with(base, "group.id", name("group")))) {
            call(c, "subscribe", type.getConstructor(String.class).newInstance(prefix + "-(one|two)"));
            until("one partition", () -> { c.poll(Duration.ofMillis(30)); return c.assignment().size() == 1; });
            fill(prefix + "-one", 0, 3);
            equal("v0@0 v1@1 v2@2", values(poll(c, 3)), "records");
        }
    }

    /** A static member that returns has its partitions again, and the other notices nothing. */
    static void staticMember(Map<String, Object> base) throws Exception {
        needSetting("group.instance.id", "static members (KIP-345)");
        String t = topic("static", 2), g = name("group");
        int[] changes = {0};
        Map<String, Object> first = with(base, "group.id", g, "group.instance.id", "first");
        try (KafkaConsumer<byte[], byte[]> other = consumer(with(first, "group.instance.id", "other"))) {
            other.subscribe(Collections.singleton(t), new Quiet() {
                public void onPartitionsAssigned(Collection<TopicPartition> p) { changes[0]++; }
            });
            Set<TopicPartition> had;
            try (KafkaConsumer<byte[], byte[]> c = consumer(first)) {
                c.subscribe(Collections.singleton(t));
                until("a partition each", () -> share(c, other, 1, 1));
                had = new HashSet<>(c.assignment());
            }
            int before = changes[0];
            try (KafkaConsumer<byte[], byte[]> c = consumer(first)) {
                c.subscribe(Collections.singleton(t));
                until("a partition each after the return", () -> share(c, other, 1, 1));
                equal(had, c.assignment(), "partitions after the return");
            }
            equal(before, changes[0], "rebalances that the other saw");
        }
    }

    static void commitResume(Map<String, Object> base) throws Exception {
        String t = topic("commit", 1), g = name("group");
        TopicPartition tp = new TopicPartition(t, 0);
        fill(t, 0, 20);
        for (int round = 0; round < 2; round++)
            try (KafkaConsumer<byte[], byte[]> c = consumer(with(base, "group.id", g, "max.poll.records", 10))) {
                c.subscribe(Collections.singleton(t));
                equal("v" + 10 * round + "@" + 10 * round, values(poll(c, 10).subList(0, 1)), "first record, round " + round);
                c.commitSync(Collections.singletonMap(tp, new OffsetAndMetadata(10 * round + 10, "note")));
            }
        OffsetAndMetadata o = admin.listConsumerGroupOffsets(g).partitionsToOffsetAndMetadata().get().get(tp);
        equal("20 note", o.offset() + " " + o.metadata(), "committed");
    }

    static void groupsAdmin() throws Exception {
        String t = topic("admin", 2), g = name("group");
        TopicPartition tp = new TopicPartition(t, 0);
        fill(t, 0, 10);
        try (KafkaConsumer<byte[], byte[]> c = consumer(settings("group.id", g, "client.id", "one of two"))) {
            c.subscribe(Collections.singleton(t));
            poll(c, 10);
            c.commitSync();
            expect(admin.listConsumerGroups().all().get().stream().anyMatch(l -> l.groupId().equals(g)), "group not listed");
            ConsumerGroupDescription d = admin.describeConsumerGroups(Collections.singleton(g)).all().get().get(g);
            MemberDescription m = d.members().iterator().next();
            equal("Stable 1 one of two 2", state(g) + " " + d.members().size() + " " + m.clientId() + " " + m.assignment().topicPartitions().size(), "group");
            refused("GroupNotEmptyException", () -> admin.deleteConsumerGroups(Collections.singleton(g)).all().get());
        }
        until("empty group", () -> state(g).equals("Empty"));
        equal(10L, committed(g, tp), "committed");
        if (has(admin, "alterConsumerGroupOffsets")) { // came with 2.5
            await(call(call(admin, "alterConsumerGroupOffsets", g, Collections.singletonMap(tp, new OffsetAndMetadata(3))), "all"));
            equal(3L, committed(g, tp), "altered");
            await(call(call(admin, "deleteConsumerGroupOffsets", g, Collections.singleton(tp)), "all"));
            equal(-1L, committed(g, tp), "deleted");
        }
        admin.deleteConsumerGroups(Collections.singleton(g)).all().get();
        expect(admin.listConsumerGroups().all().get().stream().noneMatch(l -> l.groupId().equals(g)), "group still listed");
    }

    /** KIP-932: what is released comes again, what is accepted does not. */
    @SuppressWarnings("unchecked")
    static void shareGroup() throws Exception {
        Class<?> type = type("clients.consumer.KafkaShareConsumer", "share groups");
        if (AppInfoParser.getVersion().matches("3\\..*|4\\.0\\..*")) throw new Lacks("share groups in the form that 4.1 and later have");
        String t = topic("share", 1), g = name("group");
        fill(t, 0, 4);
        ConfigResource.Type group = Enum.valueOf(ConfigResource.Type.class, "GROUP");
        TopicChecks.alter(new ConfigResource(group, g), "share.auto.offset.reset", "earliest", "SET");
        Map<String, Object> config = settings("bootstrap.servers", bootstrap, "group.id", g, "share.acknowledgement.mode", "explicit",
            "key.deserializer", org.apache.kafka.common.serialization.ByteArrayDeserializer.class.getName(),
            "value.deserializer", org.apache.kafka.common.serialization.ByteArrayDeserializer.class.getName());
        AutoCloseable c = (AutoCloseable) type.getConstructor(Map.class).newInstance(config);
        try {
            call(c, "subscribe", Collections.singleton(t));
            List<String> seen = new ArrayList<>();
            boolean[] released = {false};
            until("four records and one again, saw " + seen, () -> {
                Enum<?> accept = acknowledge("ACCEPT"), release = acknowledge("RELEASE");
                for (ConsumerRecord<byte[], byte[]> r : (Iterable<ConsumerRecord<byte[], byte[]>>) call(c, "poll", Duration.ofMillis(100))) {
                    boolean back = r.offset() == 2 && !released[0];
                    released[0] |= back;
                    seen.add(string(r.value()) + (back ? "?" : ""));
                    call(c, "acknowledge", r, back ? release : accept);
                }
                call(c, "commitSync");
                return seen.size() >= 5;
            });
            Collections.sort(seen);
            equal(Arrays.asList("v0", "v1", "v2", "v2?", "v3"), seen, "records");
        } finally {
            c.close();
        }
    }
    @SuppressWarnings({"unchecked", "rawtypes"})
    static Enum<?> acknowledge(String how) { return Enum.valueOf((Class) type("clients.consumer.AcknowledgeType", "share groups"), how); }
}
