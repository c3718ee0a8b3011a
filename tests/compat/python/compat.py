"""The checks of one version of librdkafka, through confluent-kafka. Usage: compat.py BOOTSTRAP

Prints `version V`, then `ok CHECK`, `n/a CHECK: this version lacks ...` or `FAIL CHECK: reason` for each; $COMPAT_CHECK limits to names
that contain it. Runs with every confluent-kafka from 1.4 on.
"""
import os
import random
import sys
import threading
import time

import confluent_kafka
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

BOOTSTRAP = sys.argv[1] if len(sys.argv) == 2 else sys.exit(__doc__)
T0 = int(time.time() * 1000) - 3_600_000  # retention would drop records of long ago in the middle of a check
RUN = "%x" % time.time_ns()
PATIENCE_S = 20
names = iter(range(10**9))


class Lacks(Exception):
    """What the client cannot do: no failure of the broker's."""


def check(name, body, *args):
    if os.environ.get("COMPAT_CHECK", "") not in name:
        return
    result = ["FAIL %s: still running after 45 s" % name]

    def run():
        try:
            body(*args)
            result[0] = "ok " + name
        except Lacks as e:
            result[0] = "n/a %s: this version lacks %s" % (name, e)
        except BaseException as e:
            result[0] = "FAIL %s: %s: %s" % (name, type(e).__name__, " ".join(str(e).split()))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(45)
    print(result[0], flush=True)


def equal(want, got, what):
    assert want == got, "%s: want %r, got %r" % (what, want, got)


def refused(codes, body):
    try:
        body()
    except KafkaException as e:
        assert e.args[0].code() in codes, "want %s, got %s" % (codes, e.args[0])
        return e.args[0]
    raise AssertionError("not refused; want %s" % (codes,))


def until(what, holds):
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "not within %d s: %s" % (PATIENCE_S, what)
        time.sleep(0.02)


def unique(what):
    return "compat-%s-%s-%d" % (RUN, what, next(names))


admin = AdminClient({"bootstrap.servers": BOOTSTRAP})


def one(futures):
    """The result of the only future of a dict."""
    (future,) = futures.values()
    return future.result(PATIENCE_S)


def create(t, partitions, **config):
    one(admin.create_topics([NewTopic(t, num_partitions=partitions, replication_factor=1, config={k.replace("_", "."): v for k, v in config.items()})]))


def topic(what, partitions, **config):
    t = unique(what)
    create(t, partitions, **config)
    until("topic " + t, lambda: len(admin.list_topics(timeout=PATIENCE_S).topics.get(t, type("none", (), {"partitions": ()})).partitions) == partitions)
    return t


def producer(**config):
    return Producer(dict({"bootstrap.servers": BOOTSTRAP, "message.timeout.ms": 20_000, "linger.ms": 5},
                         **{k.replace("_", "."): v for k, v in config.items()}))


def consumer(group=None, **config):
    base = {"bootstrap.servers": BOOTSTRAP, "group.id": group or unique("group"), "auto.offset.reset": "earliest", "enable.auto.commit": False,
            "fetch.wait.max.ms": 100, "topic.metadata.refresh.interval.ms": 500}
    config = {k.replace("_", "."): v for k, v in config.items()}
    if config.get("group.protocol") != "consumer":
        base.update({"session.timeout.ms": 10_000, "heartbeat.interval.ms": 300})
    try:
        return Consumer(dict(base, **config))
    except KafkaException as e:
        if "No such configuration property" in str(e):
            raise Lacks(str(e).split("property:")[1].strip(' "})'))
        raise


def send(p, t, partition, values):
    """Sends and waits; gives the messages as they were acknowledged."""
    done = []
    for i, v in enumerate(values):
        while True:
            try:
                p.produce(t, v.encode(), key=b"k%d" % i, partition=partition, timestamp=T0 + i, on_delivery=lambda e, m: done.append((e, m)))
                break
            except BufferError:
                p.poll(0.1)
    equal(0, p.flush(PATIENCE_S), "messages that were not sent")
    for error, _ in done:
        if error:
            raise KafkaException(error)
    equal(len(values), len(done), "acknowledged")
    return [m for _, m in done]


def numbered(prefix, n):
    return ["%s%d" % (prefix, i) for i in range(n)]


def fill(t, partition, n):
    send(producer(), t, partition, numbered("v", n))


def poll(c, n, seconds=PATIENCE_S):
    out, end = [], time.monotonic() + seconds
    while len(out) < n and time.monotonic() < end:
        m = c.poll(0.1)
        if m is not None and m.error():
            if m.error().code() in (KafkaError._PARTITION_EOF, KafkaError.UNKNOWN_TOPIC_OR_PART):
                continue
            raise KafkaException(m.error())
        if m is not None:
            out.append(m)
    return out


def polled(c, n):
    out = poll(c, n)
    assert len(out) == n, "only %d of %d records within %d s: %s" % (len(out), n, PATIENCE_S, text(out)[:300])
    return out


def read(t, partition, n, **config):
    """All of a partition, which must hold n records and no more."""
    c = consumer(**config)
    c.assign([TopicPartition(t, partition, 0)])
    out = polled(c, n)
    out += poll(c, 1, 0.3)
    c.close()
    equal(n, len(out), "records")
    return out


def text(messages):
    return " ".join("%s@%d" % (m.value() and m.value()[:30].decode(errors="replace"), m.offset()) for m in messages)


# ---- topics and settings ------------------------------------------------------------------------------------------------


def cluster():
    m = admin.list_topics(timeout=PATIENCE_S)
    assert m.brokers and m.controller_id in m.brokers, "brokers %s, controller %s" % (m.brokers, m.controller_id)
    if hasattr(m, "cluster_id"):
        equal(22, len(m.cluster_id), "length of the cluster id")
    if hasattr(admin, "describe_cluster"):
        equal(m.cluster_id, admin.describe_cluster().result(PATIENCE_S).cluster_id, "cluster id")


def topics():
    t = topic("topics", 3)
    refused([KafkaError.TOPIC_ALREADY_EXISTS], lambda: create(t, 3))
    refused([KafkaError.TOPIC_EXCEPTION], lambda: create("bad/name", 1))
    fill(t, 0, 3)
    if hasattr(admin, "describe_topics"):
        d = one(admin.describe_topics(confluent_kafka.TopicCollection([t])))
        equal(3, len(d.partitions), "partitions described")
    one(admin.delete_topics([t], operation_timeout=10))
    until("topic gone", lambda: t not in admin.list_topics(timeout=PATIENCE_S).topics)
    create(t, 1)
    until("topic back", lambda: t in admin.list_topics(timeout=PATIENCE_S).topics)
    fill(t, 0, 2)
    equal("v0@0 v1@1", text(read(t, 0, 2)), "records of the second topic of this name")


def grow():
    t = topic("grow", 1)
    one(admin.create_partitions([NewPartitions(t, 3)]))
    until("three partitions", lambda: len(admin.list_topics(topic=t, timeout=PATIENCE_S).topics[t].partitions) == 3)
    fill(t, 2, 1)
    refused([KafkaError.INVALID_PARTITIONS], lambda: one(admin.create_partitions([NewPartitions(t, 2)])))


def config(t, key):
    return one(admin.describe_configs([ConfigResource("topic", t)]))[key].value


def configs():
    t = topic("configs", 1, cleanup_policy="compact")
    equal("compact", config(t, "cleanup.policy"), "cleanup.policy")
    equal("604800000", config(t, "retention.ms"), "retention.ms")
    if not hasattr(admin, "incremental_alter_configs"):
        raise Lacks("IncrementalAlterConfigs (what it describes was checked)")
    from confluent_kafka.admin import AlterConfigOpType, ConfigEntry

    def alter(key, value, op):
        one(admin.incremental_alter_configs([ConfigResource("topic", t, incremental_configs=[ConfigEntry(key, value, incremental_operation=op)])]))

    alter("retention.ms", "12345", AlterConfigOpType.SET)
    until("retention.ms altered", lambda: config(t, "retention.ms") == "12345")
    alter("cleanup.policy", "delete", AlterConfigOpType.APPEND)
    until("cleanup.policy extended", lambda: config(t, "cleanup.policy") == "compact,delete")
    alter("retention.ms", None, AlterConfigOpType.DELETE)
    until("retention.ms reset", lambda: config(t, "retention.ms") == "604800000")
    refused([KafkaError.INVALID_CONFIG], lambda: alter("retention.ms", "soon", AlterConfigOpType.SET))


def configs_old_api():
    t = topic("old-configs", 1, cleanup_policy="compact")
    one(admin.alter_configs([ConfigResource("topic", t, set_config={"retention.ms": "777"})]))
    until("retention.ms altered", lambda: config(t, "retention.ms") == "777")
    equal("delete", config(t, "cleanup.policy"), "cleanup.policy, which was not named")


def delete_records():
    if not hasattr(admin, "delete_records"):
        raise Lacks("DeleteRecords")
    t = topic("delete-records", 1)
    fill(t, 0, 10)
    equal(4, one(admin.delete_records([TopicPartition(t, 0, 4)])).low_watermark, "low watermark")
    equal("v4@4", text(read(t, 0, 6)[:1]), "first record")
    refused([KafkaError.OFFSET_OUT_OF_RANGE], lambda: one(admin.delete_records([TopicPartition(t, 0, 99)])))


# ---- records ------------------------------------------------------------------------------------------------------------


def records():
    t = topic("records", 2)
    big = random.Random(7).randbytes(400_000) if hasattr(random.Random, "randbytes") else os.urandom(400_000)
    pairs = [(b"key", b"value"), (None, b"v"), (b"tombstone", None), (None, None), (b"", b""), (b"big", big)]
    headers = [("a", b"1"), ("a", b"2"), ("none", None), ("", b"")]
    p, offsets = producer(), []
    for i, (k, v) in enumerate(pairs):
        p.produce(t, v, k, 1, timestamp=T0 + i, headers=headers if i == 0 else None, on_delivery=lambda e, m: offsets.append(e or m.offset()))
        p.flush(PATIENCE_S)
    equal(list(range(len(pairs))), offsets, "acknowledged offsets")
    out = read(t, 1, len(pairs))
    equal(pairs, [(m.key(), m.value()) for m in out], "keys and values")
    equal([T0 + i for i in range(len(pairs))], [m.timestamp()[1] for m in out], "timestamps")
    equal(headers, out[0].headers(), "headers")


def codec(name):
    t, values = topic(name, 1), numbered("many words that are much alike, number ", 3000)
    send(producer(compression_type=name, linger_ms=20), t, 0, values)
    equal(values, [m.value().decode() for m in read(t, 0, 3000)], "records")


def topic_codec():
    for name in ("zstd", "uncompressed"):
        t = topic("topic-codec", 1, compression_type=name)
        send(producer(compression_type="gzip"), t, 0, numbered("v", 300))
        equal("v299@299", text(read(t, 0, 300)[299:]), "last record")


def acks():
    t = topic("acks", 1)
    for a in ("0", "1", "all"):
        send(producer(acks=a), t, 0, numbered(a, 10))
    read(t, 0, 30)


def log_append_time():
    t = topic("append-time", 1, message_timestamp_type="LogAppendTime")
    fill(t, 0, 2)
    kind, at = read(t, 0, 2)[1].timestamp()
    equal(confluent_kafka.TIMESTAMP_LOG_APPEND_TIME, kind, "timestamp type")
    assert abs(time.time() * 1000 - at) < 60_000, at


def too_large():
    t = topic("too-large", 1, max_message_bytes="1000")
    p = producer()
    refused([KafkaError.MSG_SIZE_TOO_LARGE], lambda: send(p, t, 0, ["x" * 3000]))
    equal(0, send(p, t, 0, ["x" * 300])[0].offset(), "offset after the refusal")


def offsets():
    t = topic("offsets", 2)
    fill(t, 0, 10)
    c = consumer()
    equal((0, 10), c.get_watermark_offsets(TopicPartition(t, 0), timeout=PATIENCE_S), "first and end")
    equal((0, 0), c.get_watermark_offsets(TopicPartition(t, 1), timeout=PATIENCE_S), "of an empty partition")
    if hasattr(admin, "list_offsets"):  # came with 2.3
        from confluent_kafka.admin import OffsetSpec

        for spec, want in ((OffsetSpec.earliest(), 0), (OffsetSpec.latest(), 10), (OffsetSpec.max_timestamp(), 9), (OffsetSpec.for_timestamp(T0 + 4), 4)):
            equal(want, one(admin.list_offsets({TopicPartition(t, 0): spec})).offset, str(spec))
    c.close()


def seek_by_time():
    t = topic("seek", 1)
    fill(t, 0, 100)
    c = consumer()
    (found,) = c.offsets_for_times([TopicPartition(t, 0, T0 + 42)], timeout=PATIENCE_S)
    equal(42, found.offset, "offset")
    c.assign([found])
    equal("v42@42", text(polled(c, 1)), "first record after the seek")
    (past,) = c.offsets_for_times([TopicPartition(t, 0, T0 + 1000)], timeout=PATIENCE_S)
    assert past.offset in (-1, 100), "offset of a time past the end: %s" % past.offset
    c.close()


def out_of_range():
    t = topic("range", 1)
    fill(t, 0, 5)
    c = consumer(auto_offset_reset="error")
    c.assign([TopicPartition(t, 0, 1000)])
    refused([KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE], lambda: poll(c, 1))
    c.close()
    c = consumer()
    c.assign([TopicPartition(t, 0, 1000)])
    equal("v0@0", text(polled(c, 1)), "first record after the reset")
    c.close()


def idempotent():
    t, values = topic("idempotent", 1), numbered("v", 2000)
    send(producer(enable_idempotence=True, batch_num_messages=5), t, 0, values)
    equal(values, [m.value().decode() for m in read(t, 0, 2000)], "records in order")


# ---- groups -------------------------------------------------------------------------------------------------------------


def group_check(body, protocol):
    version = confluent_kafka.libversion()[1]
    if protocol == "kip848":
        if version < 0x02040000:
            raise Lacks("the group protocol of KIP-848")
        if body is pattern and version < 0x020A0000:
            raise Lacks("expressions that the coordinator resolves")
        return body(group_protocol="consumer")
    if protocol == "cooperative":
        if version < 0x01060000:
            raise Lacks("cooperative rebalancing (KIP-429)")
        return body(partition_assignment_strategy="cooperative-sticky")
    return body()


def shared(a, b, of_a, of_b, seen):
    for c in (a, b):
        if c is not None:
            seen += poll(c, 1, 0.05)
    return len(a.assignment()) == of_a and (b is None or len(b.assignment()) == of_b)


def two_members(**config):
    t, g, seen = topic("two", 4), unique("group"), []
    a, b = consumer(g, **config), consumer(g, **config)
    a.subscribe([t])
    b.subscribe([t])
    until("two partitions each", lambda: shared(a, b, 2, 2, seen))
    equal(4, len({p.partition for c in (a, b) for p in c.assignment()}), "partitions of both")
    b.close()
    until("four partitions", lambda: shared(a, None, 4, 0, seen))
    for p in range(4):
        fill(t, p, 5)
    until("20 records", lambda: shared(a, None, 4, 0, seen) and len(seen) == 20)
    a.close()


def pattern(**config):
    prefix, seen = unique("pattern"), []
    create(prefix + "-one", 1)
    c = consumer(**config)
    c.subscribe(["^%s-.*" % prefix])
    until("one partition", lambda: shared(c, None, 1, 0, seen))
    create(prefix + "-two", 1)
    until("two partitions", lambda: shared(c, None, 2, 0, seen))
    c.close()


def static_member(**config):
    t, g, changes, seen = topic("static", 2), unique("group"), [], []
    other = consumer(g, group_instance_id="other", **config)
    other.subscribe([t], on_assign=lambda c, ps: changes.append(ps))
    had = None
    for _ in range(2):
        c = consumer(g, group_instance_id="first", **config)
        c.subscribe([t])
        until("a partition each", lambda: shared(c, other, 1, 1, seen))
        before, holds = len(changes), {p.partition for p in c.assignment()}
        if had is None:
            had, first = holds, before
        c.close()
    equal(had, holds, "partitions after the return")
    equal(first, before, "rebalances that the other saw")
    other.close()


def commit_resume(**config):
    t, g = topic("commit", 1), unique("group")
    fill(t, 0, 20)
    for first in (0, 10):
        c = consumer(g, **config)
        c.subscribe([t])
        equal("v%d@%d" % (first, first), text(polled(c, 10)[:1]), "first record")
        c.commit(offsets=[TopicPartition(t, 0, first + 10)], asynchronous=False)
        equal(first + 10, c.committed([TopicPartition(t, 0)], timeout=PATIENCE_S)[0].offset, "committed")
        c.close()


def groups_admin():
    t, g = topic("admin", 2), unique("group")
    fill(t, 0, 10)
    c = consumer(g)
    c.subscribe([t])
    polled(c, 10)
    c.commit(asynchronous=False)
    old = {x.id: x for x in admin.list_groups(group=g, timeout=PATIENCE_S)}
    equal(("Stable", 1), (old[g].state, len(old[g].members)), "group")
    if not hasattr(admin, "delete_consumer_groups"):
        c.close()
        raise Lacks("DeleteGroups and OffsetFetch in its admin client (what it describes was checked)")
    d = one(admin.describe_consumer_groups([g]))
    equal(("STABLE", 2), (d.state.name, len(d.members[0].assignment.topic_partitions)), "group described")
    assert g in [x.group_id for x in admin.list_consumer_groups().result(PATIENCE_S).valid], "not listed"
    refused([KafkaError.NON_EMPTY_GROUP], lambda: one(admin.delete_consumer_groups([g])))
    c.close()
    until("empty group", lambda: one(admin.describe_consumer_groups([g])).state.name == "EMPTY")
    wanted = confluent_kafka.ConsumerGroupTopicPartitions
    committed = lambda: one(admin.list_consumer_group_offsets([wanted(g, [TopicPartition(t, 0)])])).topic_partitions[0].offset
    equal(10, committed(), "committed")
    one(admin.alter_consumer_group_offsets([wanted(g, [TopicPartition(t, 0, 3)])]))
    equal(3, committed(), "altered")
    one(admin.delete_consumer_groups([g]))
    assert g not in [x.group_id for x in admin.list_consumer_groups().result(PATIENCE_S).valid], "still listed"


# ---- transactions -------------------------------------------------------------------------------------------------------


def transactional(id):
    p = producer(transactional_id=id, transaction_timeout_ms=20_000)
    p.init_transactions(PATIENCE_S)
    return p


def transaction(p, t, values, commit):
    p.begin_transaction()
    send(p, t, 0, values)
    (p.commit_transaction if commit else p.abort_transaction)(PATIENCE_S)


def transactions():
    t = topic("transactions", 1)
    p = transactional(unique("tx"))
    transaction(p, t, ["a0", "a1"], True)  # marker at 2
    transaction(p, t, ["b0", "b1"], False)  # marker at 5
    transaction(p, t, ["c0", "c1"], True)  # marker at 8
    p.begin_transaction()
    send(p, t, 0, ["open"])
    equal("a0@0 a1@1 c0@6 c1@7", text(read(t, 0, 4, isolation_level="read_committed")), "what read_committed sees")
    read(t, 0, 7, isolation_level="read_uncommitted")
    p.abort_transaction(PATIENCE_S)
    read(t, 0, 4, isolation_level="read_committed")


def consume_transform_produce(**config):
    source, target, g = topic("in", 1), topic("out", 1), unique("group")
    fill(source, 0, 10)
    p, c = transactional(unique("tx")), consumer(g, **config)
    c.subscribe([source])
    batch = polled(c, 10)
    for commit in (False, True):
        p.begin_transaction()
        send(p, target, 0, ["%s%s" % (m.value().decode(), commit) for m in batch])
        p.send_offsets_to_transaction([TopicPartition(source, 0, 10)], c.consumer_group_metadata(), PATIENCE_S)
        (p.commit_transaction if commit else p.abort_transaction)(PATIENCE_S)
        until("committed offset, commit=%s" % commit, lambda: (c.committed([TopicPartition(source, 0)], timeout=PATIENCE_S)[0].offset == 10) == commit)
    c.close()
    equal(["v%dTrue" % i for i in range(10)], [m.value().decode() for m in read(target, 0, 10, isolation_level="read_committed")], "output")


def fencing():
    t, id = topic("fencing", 1), unique("tx")
    zombie = transactional(id)
    zombie.begin_transaction()
    send(zombie, t, 0, ["zombie"])
    heir = transactional(id)
    error = refused([KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH, KafkaError.PRODUCER_FENCED if hasattr(KafkaError, "PRODUCER_FENCED") else 90],
                    lambda: (send(zombie, t, 0, ["zombie again"]), zombie.commit_transaction(PATIENCE_S)))
    assert error is not None
    transaction(heir, t, ["heir"], True)
    equal(["heir"], [m.value().decode() for m in read(t, 0, 1, isolation_level="read_committed")], "committed")


print("version confluent-kafka %s, librdkafka %s" % (getattr(confluent_kafka, "__version__", confluent_kafka.version()[0]), confluent_kafka.libversion()[0]), flush=True)
check("cluster", cluster)
check("topics", topics)
check("grow-topic", grow)
check("configs", configs)
check("configs-old-api", configs_old_api)
check("delete-records", delete_records)
check("records", records)
for name in ("gzip", "snappy", "lz4", "zstd"):
    check("codec-" + name, codec, name)
check("topic-codec", topic_codec)
check("acks", acks)
check("log-append-time", log_append_time)
check("too-large", too_large)
check("offsets", offsets)
check("seek-by-time", seek_by_time)
check("out-of-range", out_of_range)
check("idempotent", idempotent)
check("group-classic", group_check, two_members, "classic")
check("group-cooperative", group_check, two_members, "cooperative")
check("group-kip848", group_check, two_members, "kip848")
check("group-pattern", group_check, pattern, "classic")
check("group-kip848-pattern", group_check, pattern, "kip848")
check("static-member", group_check, static_member, "classic")
check("static-member-kip848", group_check, static_member, "kip848")
check("commit-resume", group_check, commit_resume, "classic")
check("commit-resume-kip848", group_check, commit_resume, "kip848")
check("groups-admin", groups_admin)
check("transactions", transactions)
check("consume-transform-produce", group_check, consume_transform_produce, "classic")
check("consume-transform-produce-kip848", group_check, consume_transform_produce, "kip848")
check("fencing", fencing)
sys.stdout.flush()
os._exit(0)  # checks that hang leave clients that do not close
