import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

class TopicChecks extends Frame {
    static void all() {
        check("cluster", TopicChecks::cluster);
        check("topics", TopicChecks::topics);
        check("grow-topic", TopicChecks::grow);
        check("configs", TopicChecks::configs);
        check("configs-old-api", TopicChecks::configsOldApi);
        check("delete-records", TopicChecks::deleteRecords);
        check("log-dirs", TopicChecks::logDirs);
    }

    static void cluster() throws Exception {
        DescribeClusterResult c = admin.describeCluster();
        expect(!c.nodes().get().isEmpty(), "no nodes");
        expect(c.controller().get() != null, "no controller");
        expect(c.clusterId().get().length() == 22, "cluster id " + c.clusterId().get());
    }

    static void topics() throws Exception {
        String t = topic("topics", 3);
        equal(3, describe(t).partitions().size(), "partitions");
        describe(t).partitions().forEach(p -> expect(p.leader() != null && p.isr().size() == 1, "leader and isr of " + p));
        refused("TopicExistsException", () -> create(t, 3));
        refused("InvalidTopicException", () -> create("bad/name", 1));
        refused("InvalidReplicationFactorException", () ->
            admin.createTopics(Collections.singleton(new NewTopic(name("rf"), 1, (short) 9))).all().get());
        fill(t, 0, 3);
        admin.deleteTopics(Collections.singleton(t)).all().get();
        until("topic gone", () -> !names(t).contains(t));
        refused("UnknownTopicOrPartitionException", () -> describe(t));
        create(t, 1);
        until("topic back and empty", () -> names(t).contains(t));
        fill(t, 0, 2);
        equal("v0@0 v1@1", values(read(t, 0, 2)), "records of the second topic of this name");
    }

    static void grow() throws Exception {
        String t = topic("grow", 1);
        admin.createPartitions(Collections.singletonMap(t, NewPartitions.increaseTo(3))).all().get();
        until("three partitions", () -> describe(t).partitions().size() == 3);
        fill(t, 2, 1);
        refused("InvalidPartitionsException", () -> admin.createPartitions(Collections.singletonMap(t, NewPartitions.increaseTo(2))).all().get());
    }

    static ConfigEntry config(ConfigResource r, String key) throws Exception {
        return admin.describeConfigs(Collections.singleton(r)).all().get().get(r).get(key);
    }

    static void configs() throws Exception {
        String t = topic("configs", 1, "cleanup.policy", "compact");
        ConfigResource r = new ConfigResource(ConfigResource.Type.TOPIC, t);
        equal("compact", config(r, "cleanup.policy").value(), "cleanup.policy");
        equal(ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG, config(r, "cleanup.policy").source(), "its source");
        equal("604800000", config(r, "retention.ms").value(), "retention.ms");
        equal(ConfigEntry.ConfigSource.DEFAULT_CONFIG, config(r, "retention.ms").source(), "its source");
        Node n = admin.describeCluster().nodes().get().iterator().next();
        expect(config(new ConfigResource(ConfigResource.Type.BROKER, n.idString()), "log.segment.bytes") != null, "no settings of the broker");
        alter(r, "retention.ms", "12345", "SET");
        until("retention.ms altered", () -> config(r, "retention.ms").value().equals("12345"));
        alter(r, "cleanup.policy", "delete", "APPEND");
        until("cleanup.policy extended", () -> config(r, "cleanup.policy").value().equals("compact,delete"));
        alter(r, "retention.ms", "", "DELETE");
        until("retention.ms reset", () -> config(r, "retention.ms").value().equals("604800000"));
        refused("InvalidConfigurationException|InvalidRequestException", () -> alter(r, "retention.ms", "soon", "SET"));
    }

    /** IncrementalAlterConfigs, which came with 2.3. */
    @SuppressWarnings({"unchecked", "rawtypes"})
    static void alter(ConfigResource r, String key, String value, String op) throws Exception {
        Class<?> alterOp = type("clients.admin.AlterConfigOp", "IncrementalAlterConfigs");
        Class<?> opType = type("clients.admin.AlterConfigOp$OpType", "IncrementalAlterConfigs");
        Object change = alterOp.getConstructors()[0].newInstance(new ConfigEntry(key, value), Enum.valueOf((Class) opType, op));
        await(call(call(admin, "incrementalAlterConfigs", Collections.singletonMap(r, Collections.singletonList(change))), "all"));
    }

    /** AlterConfigs, which Java's client had until 3.9: it replaces all settings of a topic. */
    static void configsOldApi() throws Exception {
        String t = topic("old-configs", 1, "cleanup.policy", "compact");
        ConfigResource r = new ConfigResource(ConfigResource.Type.TOPIC, t);
        Config replacement = new Config(Collections.singleton(new ConfigEntry("retention.ms", "777")));
        await(call(call(admin, "alterConfigs", Collections.singletonMap(r, replacement)), "all"));
        until("retention.ms altered", () -> config(r, "retention.ms").value().equals("777"));
        equal("delete", config(r, "cleanup.policy").value(), "cleanup.policy, which was not named");
    }

    static void deleteRecords() throws Exception {
        String t = topic("delete-records", 1);
        TopicPartition tp = new TopicPartition(t, 0);
        fill(t, 0, 10);
        equal(4L, admin.deleteRecords(Collections.singletonMap(tp, RecordsToDelete.beforeOffset(4))).lowWatermarks().get(tp).get().lowWatermark(),
            "low watermark");
        equal("v4@4", values(read(t, 0, 6).subList(0, 1)), "first record");
        refused("OffsetOutOfRangeException", () ->
            admin.deleteRecords(Collections.singletonMap(tp, RecordsToDelete.beforeOffset(99))).all().get());
    }

    static void logDirs() throws Exception {
        String t = topic("log-dirs", 1);
        fill(t, 0, 10);
        int id = admin.describeCluster().nodes().get().iterator().next().id();
        Object all = await(call(admin.describeLogDirs(Collections.singleton(id)), "allDescriptions|all"));
        String found = null;
        for (Object dir : ((Map<?, ?>) ((Map<?, ?>) all).get(id)).values()) {
            Map<?, ?> replicas = (Map<?, ?>) (has(dir, "replicaInfos") ? call(dir, "replicaInfos") : dir.getClass().getField("replicaInfos").get(dir));
            Object replica = replicas.get(new TopicPartition(t, 0));
            if (replica != null) found = String.valueOf(has(replica, "size") ? call(replica, "size") : replica.getClass().getField("size").get(replica));
        }
        expect(found != null && Long.parseLong(found) > 0, "bytes of the topic: " + found);
    }
}
