_kfk() {
    local IFS=$'\n'
    COMPREPLY=($(KFK_COMPLETE=bash kfk -- "${COMP_LINE:0:COMP_POINT}" 2>/dev/null))
    if [[ "${COMPREPLY[0]-}" == *[=/:,] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o bashdefault -o default -F _kfk kfk kafka-server-start kafka-server-start.sh kafka-topics kafka-topics.sh kafka-configs kafka-configs.sh kafka-console-producer kafka-console-producer.sh kafka-console-consumer kafka-console-consumer.sh kafka-consumer-groups kafka-consumer-groups.sh kafka-console-share-consumer kafka-console-share-consumer.sh kafka-share-groups kafka-share-groups.sh kafka-groups kafka-groups.sh kafka-get-offsets kafka-get-offsets.sh kafka-delete-records kafka-delete-records.sh kafka-transactions kafka-transactions.sh kafka-log-dirs kafka-log-dirs.sh kafka-metadata-quorum kafka-metadata-quorum.sh kafka-leader-election kafka-leader-election.sh kafka-reassign-partitions kafka-reassign-partitions.sh kafka-storage kafka-storage.sh kafka-acls kafka-acls.sh kafka-delegation-tokens kafka-delegation-tokens.sh kafka-cluster kafka-cluster.sh kafka-features kafka-features.sh kafka-client-metrics kafka-client-metrics.sh kafka-broker-api-versions kafka-broker-api-versions.sh kafka-dump-log kafka-dump-log.sh kafka-producer-perf-test kafka-producer-perf-test.sh kafka-consumer-perf-test kafka-consumer-perf-test.sh kafka-e2e-latency kafka-e2e-latency.sh kafka-verifiable-producer kafka-verifiable-producer.sh kafka-verifiable-consumer kafka-verifiable-consumer.sh kafka-replica-verification kafka-replica-verification.sh
