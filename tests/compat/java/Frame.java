// The frame of the checks: one line per check, each bounded in time; helpers that hide how the client's interface changed between versions.
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

class Frame {
    static final String RUN = Long.toString(System.nanoTime(), 36);
    /** The timestamp of the first record that `fill` writes: the broker's retention would drop one of long ago in the middle of a check. */
    static final long T0 = System.currentTimeMillis() - 3_600_000;
    static final long PATIENCE_MS = 20_000;
    static String bootstrap;
    static AdminClient admin;
    private static int names;

    interface Body { void run() throws Exception; }
    interface Condition { boolean holds() throws Exception; }

    /** What the client under test cannot do: no failure of the broker's. */
    static class Lacks extends RuntimeException {
        Lacks(String what) { super("this version lacks " + what); }
    }

    static void check(String name, Body body) {
        String only = System.getenv("COMPAT_CHECK");
        if (only != null && !name.contains(only)) return;
        FutureTask<Void> task = new FutureTask<>(() -> { body.run(); return null; });
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        thread.start();
        Throwable failure = null;
        try {
            task.get(45, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            StringBuilder at = new StringBuilder("still running after 45 s");
            for (StackTraceElement f : thread.getStackTrace()) at.append(" < ").append(f.getMethodName()).append(':').append(f.getLineNumber());
            failure = new AssertionError(at.toString());
        } catch (Exception e) {
            failure = e.getCause() == null ? e : e.getCause();
        }
        failure = cause(failure);
        if (failure == null) System.out.println("ok " + name);
        else if (failure instanceof Lacks) System.out.println("n/a " + name + ": " + failure.getMessage());
        else System.out.println("FAIL " + name + ": " + (failure instanceof AssertionError ? "" : failure.getClass().getSimpleName() + ": ")
            + String.valueOf(failure.getMessage()).replace('\n', ' '));
    }

    /** What was thrown, without the wrappers of futures and of reflection. */
    static Throwable cause(Throwable e) {
        while ((e instanceof ExecutionException || e instanceof InvocationTargetException) && e.getCause() != null) e = e.getCause();
        return e;
    }

    static void expect(boolean ok, String what) { if (!ok) throw new AssertionError(what); }
    static void equal(Object want, Object got, String what) {
        if (!Objects.equals(want, got)) throw new AssertionError(what + ": want " + want + ", got " + got);
    }
    static void refused(String errors, Body body) throws Exception {
        String got = "nothing";
        try { body.run(); } catch (Exception e) { got = cause(e).getClass().getSimpleName(); }
        expect(Arrays.asList(errors.split("\\|")).contains(got), "want " + errors + ", got " + got);
    }
    static void until(String what, Condition c) throws Exception {
        long end = System.currentTimeMillis() + PATIENCE_MS;
        while (!c.holds()) {
            expect(System.currentTimeMillis() < end, "not within 20 s: " + what);
            Thread.sleep(20);
        }
    }

    // ---- what some versions have and others have not ----------------------------------------------------------

    static boolean has(Object o, String method) { return find(o.getClass(), method, -1) != null; }
    static Method find(Class<?> type, String method, int parameters) {
        for (Method m : type.getMethods())
            if (m.getName().equals(method) && (parameters < 0 || m.getParameterCount() == parameters)) return m;
        return null;
    }
    /** Calls the first of `names` (separated by |) that takes these many arguments, or says what the version lacks. */
    static Object call(Object o, String names, Object... args) throws Exception {
        Class<?> type = o instanceof Class ? (Class<?>) o : o.getClass();
        for (String name : names.split("\\|"))
            for (Method m : type.getMethods())
                if (m.getName().equals(name) && fits(m.getParameterTypes(), args)) {
                    m.setAccessible(true);
                    try { return m.invoke(o instanceof Class ? null : o, args); } catch (InvocationTargetException e) {
                        if (e.getCause() instanceof Exception) throw (Exception) e.getCause();
                        throw e;
                    }
                }
        throw new Lacks(names.split("\\|")[0]);
    }
    private static boolean fits(Class<?>[] types, Object[] args) {
        if (types.length != args.length) return false;
        for (int i = 0; i < args.length; i++)
            if (args[i] != null && !types[i].isPrimitive() && !types[i].isInstance(args[i])) return false;
        return true;
    }
    static Object await(Object future) throws Exception { return ((org.apache.kafka.common.KafkaFuture<?>) future).get(); }
    static Class<?> type(String name, String what) {
        try { return Class.forName("org.apache.kafka." + name); } catch (ClassNotFoundException e) { throw new Lacks(what); }
    }
    static void needSetting(String name, String what) { if (!ConsumerConfig.configNames().contains(name)) throw new Lacks(what); }

    // ---- names, topics, records --------------------------------------------------------------------------------

    static synchronized String name(String what) { return "compat-" + RUN + "-" + what + "-" + names++; }
    static Map<String, Object> with(Map<String, Object> m, Object... pairs) {
        Map<String, Object> r = new HashMap<>(m);
        for (int i = 0; i < pairs.length; i += 2) r.put((String) pairs[i], pairs[i + 1]);
        return r;
    }
    static Map<String, Object> settings(Object... pairs) { return with(Collections.emptyMap(), pairs); }
    static byte[] bytes(String s) { return s.getBytes(StandardCharsets.UTF_8); }
    static String string(byte[] b) { return b == null ? "null" : new String(b, StandardCharsets.UTF_8); }

    static String topic(String what, int partitions, String... config) throws Exception {
        String t = name(what);
        create(t, partitions, config);
        until("topic " + t, () -> names(t).contains(t));
        return t;
    }
    static void create(String t, int partitions, String... config) throws Exception {
        Map<String, String> c = new HashMap<>();
        for (int i = 0; i < config.length; i += 2) c.put(config[i], config[i + 1]);
        admin.createTopics(Collections.singleton(new NewTopic(t, partitions, (short) 1).configs(c))).all().get();
    }
    static Set<String> names(String t) throws Exception { return admin.listTopics().names().get(); }
    @SuppressWarnings("unchecked")
    static TopicDescription describe(String t) throws Exception {
        Object all = await(call(admin.describeTopics(Collections.singleton(t)), "allTopicNames|all"));
        return ((Map<String, TopicDescription>) all).get(t);
    }

    static KafkaProducer<byte[], byte[]> producer(Object... pairs) {
        Map<String, Object> c = settings("bootstrap.servers", bootstrap, "delivery.timeout.ms", 20_000, "request.timeout.ms", 10_000, "max.block.ms", 20_000);
        return new KafkaProducer<>(with(c, pairs), new ByteArraySerializer(), new ByteArraySerializer());
    }
    static KafkaConsumer<byte[], byte[]> consumer(Map<String, Object> settings) {
        Map<String, Object> c = settings("bootstrap.servers", bootstrap, "auto.offset.reset", "earliest", "enable.auto.commit", false,
            "default.api.timeout.ms", 20_000, "request.timeout.ms", 15_000);
        boolean classic = !"consumer".equals(settings.get("group.protocol"));
        if (classic) c = with(c, "heartbeat.interval.ms", 300, "session.timeout.ms", 10_000);
        c.putAll(settings);
        return new KafkaConsumer<>(c, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }
    static ProducerRecord<byte[], byte[]> record(String t, int p, int i, String value) {
        return new ProducerRecord<>(t, p, T0 + i, bytes("k" + i), bytes(value));
    }
    /** Records `v0`, `v1` ... into one partition, with timestamps from T0 on. */
    static void fill(String t, int p, int n) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = producer()) { send(producer, t, p, "v", n); }
    }
    static void send(KafkaProducer<byte[], byte[]> producer, String t, int p, String prefix, int n) throws Exception {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (int i = 0; i < n; i++) sent.add(producer.send(record(t, p, i, prefix + i)));
        producer.flush();
        for (Future<RecordMetadata> f : sent) f.get();
    }
    /** All of a partition, which must hold `n` records and no more. */
    static List<ConsumerRecord<byte[], byte[]>> read(String t, int p, int n, Object... pairs) {
        TopicPartition tp = new TopicPartition(t, p);
        try (KafkaConsumer<byte[], byte[]> c = consumer(settings(pairs))) {
            c.assign(Collections.singleton(tp));
            c.seekToBeginning(Collections.singleton(tp));
            List<ConsumerRecord<byte[], byte[]>> out = poll(c, n);
            c.poll(Duration.ofMillis(100)).forEach(out::add);
            equal(n, out.size(), "records in " + tp);
            return out;
        }
    }
    static List<ConsumerRecord<byte[], byte[]>> poll(Consumer<byte[], byte[]> c, int n) {
        List<ConsumerRecord<byte[], byte[]>> out = new ArrayList<>();
        long end = System.currentTimeMillis() + PATIENCE_MS;
        while (out.size() < n) {
            expect(System.currentTimeMillis() < end, "only " + out.size() + " of " + n + " records within 20 s: " + values(out));
            c.poll(Duration.ofMillis(100)).forEach(out::add);
        }
        return out;
    }
    static String values(List<ConsumerRecord<byte[], byte[]>> records) {
        StringJoiner all = new StringJoiner(" ");
        for (ConsumerRecord<byte[], byte[]> r : records) all.add(string(r.value()) + "@" + r.offset());
        return all.toString();
    }
    /** The committed offset of a group's partition, or -1. */
    @SuppressWarnings("unchecked")
    static long committed(String group, TopicPartition tp) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> all = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
        return all.get(tp) == null ? -1 : all.get(tp).offset();
    }
    static String state(String group) throws Exception {
        ConsumerGroupDescription d = admin.describeConsumerGroups(Collections.singleton(group)).all().get().get(group);
        return call(d, "groupState|state").toString();
    }
}
