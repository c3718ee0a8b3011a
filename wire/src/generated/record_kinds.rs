//! The records of each internal log. Written by kfk-codegen from Kafka's definitions.

use crate::record_frames::record_kinds;

record_kinds! {
    /// A record of `__cluster_metadata`.
    MetadataRecord {
        RegisterBroker(register_broker_record::RegisterBrokerRecord) = 0, "REGISTER_BROKER_RECORD";
        UnregisterBroker(unregister_broker_record::UnregisterBrokerRecord) = 1, "UNREGISTER_BROKER_RECORD";
        Topic(topic_record::TopicRecord) = 2, "TOPIC_RECORD";
        Partition(partition_record::PartitionRecord) = 3, "PARTITION_RECORD";
        Config(config_record::ConfigRecord) = 4, "CONFIG_RECORD";
        PartitionChange(partition_change_record::PartitionChangeRecord) = 5, "PARTITION_CHANGE_RECORD";
        FenceBroker(fence_broker_record::FenceBrokerRecord) = 7, "FENCE_BROKER_RECORD";
        UnfenceBroker(unfence_broker_record::UnfenceBrokerRecord) = 8, "UNFENCE_BROKER_RECORD";
        RemoveTopic(remove_topic_record::RemoveTopicRecord) = 9, "REMOVE_TOPIC_RECORD";
        DelegationToken(delegation_token_record::DelegationTokenRecord) = 10, "DELEGATION_TOKEN_RECORD";
        UserScramCredential(user_scram_credential_record::UserScramCredentialRecord) = 11, "USER_SCRAM_CREDENTIAL_RECORD";
        FeatureLevel(feature_level_record::FeatureLevelRecord) = 12, "FEATURE_LEVEL_RECORD";
        ClientQuota(client_quota_record::ClientQuotaRecord) = 14, "CLIENT_QUOTA_RECORD";
        ProducerIds(producer_ids_record::ProducerIdsRecord) = 15, "PRODUCER_IDS_RECORD";
        BrokerRegistrationChange(broker_registration_change_record::BrokerRegistrationChangeRecord) = 17, "BROKER_REGISTRATION_CHANGE_RECORD";
        AccessControlEntry(access_control_entry_record::AccessControlEntryRecord) = 18, "ACCESS_CONTROL_ENTRY_RECORD";
        RemoveAccessControlEntry(remove_access_control_entry_record::RemoveAccessControlEntryRecord) = 19, "REMOVE_ACCESS_CONTROL_ENTRY_RECORD";
        NoOp(no_op_record::NoOpRecord) = 20, "NO_OP_RECORD";
        ZkMigrationState(zk_migration_state_record::ZkMigrationStateRecord) = 21, "ZK_MIGRATION_STATE_RECORD";
        RemoveUserScramCredential(remove_user_scram_credential_record::RemoveUserScramCredentialRecord) = 22, "REMOVE_USER_SCRAM_CREDENTIAL_RECORD";
        BeginTransaction(begin_transaction_record::BeginTransactionRecord) = 23, "BEGIN_TRANSACTION_RECORD";
        EndTransaction(end_transaction_record::EndTransactionRecord) = 24, "END_TRANSACTION_RECORD";
        AbortTransaction(abort_transaction_record::AbortTransactionRecord) = 25, "ABORT_TRANSACTION_RECORD";
        RemoveDelegationToken(remove_delegation_token_record::RemoveDelegationTokenRecord) = 26, "REMOVE_DELEGATION_TOKEN_RECORD";
        RegisterController(register_controller_record::RegisterControllerRecord) = 27, "REGISTER_CONTROLLER_RECORD";
        ClearElr(clear_elr_record::ClearElrRecord) = 28, "CLEAR_ELR_RECORD";
    }
}

record_kinds! {
    /// The key of a record of `__consumer_offsets`.
    GroupKey {
        LegacyOffsetCommit(legacy_offset_commit_key::LegacyOffsetCommitKey) = 0, "LEGACY_OFFSET_COMMIT";
        OffsetCommit(offset_commit_key::OffsetCommitKey) = 1, "OFFSET_COMMIT";
        GroupMetadata(group_metadata_key::GroupMetadataKey) = 2, "GROUP_METADATA";
        ConsumerGroupMetadata(consumer_group_metadata_key::ConsumerGroupMetadataKey) = 3, "CONSUMER_GROUP_METADATA";
        ConsumerGroupPartitionMetadata(consumer_group_partition_metadata_key::ConsumerGroupPartitionMetadataKey) = 4, "CONSUMER_GROUP_PARTITION_METADATA";
        ConsumerGroupMemberMetadata(consumer_group_member_metadata_key::ConsumerGroupMemberMetadataKey) = 5, "CONSUMER_GROUP_MEMBER_METADATA";
        ConsumerGroupTargetAssignmentMetadata(consumer_group_target_assignment_metadata_key::ConsumerGroupTargetAssignmentMetadataKey) = 6, "CONSUMER_GROUP_TARGET_ASSIGNMENT_METADATA";
        ConsumerGroupTargetAssignmentMember(consumer_group_target_assignment_member_key::ConsumerGroupTargetAssignmentMemberKey) = 7, "CONSUMER_GROUP_TARGET_ASSIGNMENT_MEMBER";
        ConsumerGroupCurrentMemberAssignment(consumer_group_current_member_assignment_key::ConsumerGroupCurrentMemberAssignmentKey) = 8, "CONSUMER_GROUP_CURRENT_MEMBER_ASSIGNMENT";
        ShareGroupMemberMetadata(share_group_member_metadata_key::ShareGroupMemberMetadataKey) = 10, "SHARE_GROUP_MEMBER_METADATA";
        ShareGroupMetadata(share_group_metadata_key::ShareGroupMetadataKey) = 11, "SHARE_GROUP_METADATA";
        ShareGroupTargetAssignmentMetadata(share_group_target_assignment_metadata_key::ShareGroupTargetAssignmentMetadataKey) = 12, "SHARE_GROUP_TARGET_ASSIGNMENT_METADATA";
        ShareGroupTargetAssignmentMember(share_group_target_assignment_member_key::ShareGroupTargetAssignmentMemberKey) = 13, "SHARE_GROUP_TARGET_ASSIGNMENT_MEMBER";
        ShareGroupCurrentMemberAssignment(share_group_current_member_assignment_key::ShareGroupCurrentMemberAssignmentKey) = 14, "SHARE_GROUP_CURRENT_MEMBER_ASSIGNMENT";
        ShareGroupStatePartitionMetadata(share_group_state_partition_metadata_key::ShareGroupStatePartitionMetadataKey) = 15, "SHARE_GROUP_STATE_PARTITION_METADATA";
        ConsumerGroupRegularExpression(consumer_group_regular_expression_key::ConsumerGroupRegularExpressionKey) = 16, "CONSUMER_GROUP_REGULAR_EXPRESSION";
        StreamsGroupMetadata(streams_group_metadata_key::StreamsGroupMetadataKey) = 17, "STREAMS_GROUP_METADATA";
        StreamsGroupMemberMetadata(streams_group_member_metadata_key::StreamsGroupMemberMetadataKey) = 19, "STREAMS_GROUP_MEMBER_METADATA";
        StreamsGroupTargetAssignmentMetadata(streams_group_target_assignment_metadata_key::StreamsGroupTargetAssignmentMetadataKey) = 20, "STREAMS_GROUP_TARGET_ASSIGNMENT_METADATA";
        StreamsGroupTargetAssignmentMember(streams_group_target_assignment_member_key::StreamsGroupTargetAssignmentMemberKey) = 21, "STREAMS_GROUP_TARGET_ASSIGNMENT_MEMBER";
        StreamsGroupCurrentMemberAssignment(streams_group_current_member_assignment_key::StreamsGroupCurrentMemberAssignmentKey) = 22, "STREAMS_GROUP_CURRENT_MEMBER_ASSIGNMENT";
        StreamsGroupTopology(streams_group_topology_key::StreamsGroupTopologyKey) = 23, "STREAMS_GROUP_TOPOLOGY";
    }
}

record_kinds! {
    /// The value of a record of `__consumer_offsets`.
    GroupValue {
        LegacyOffsetCommit(legacy_offset_commit_value::LegacyOffsetCommitValue) = 0, "LEGACY_OFFSET_COMMIT";
        OffsetCommit(offset_commit_value::OffsetCommitValue) = 1, "OFFSET_COMMIT";
        GroupMetadata(group_metadata_value::GroupMetadataValue) = 2, "GROUP_METADATA";
        ConsumerGroupMetadata(consumer_group_metadata_value::ConsumerGroupMetadataValue) = 3, "CONSUMER_GROUP_METADATA";
        ConsumerGroupPartitionMetadata(consumer_group_partition_metadata_value::ConsumerGroupPartitionMetadataValue) = 4, "CONSUMER_GROUP_PARTITION_METADATA";
        ConsumerGroupMemberMetadata(consumer_group_member_metadata_value::ConsumerGroupMemberMetadataValue) = 5, "CONSUMER_GROUP_MEMBER_METADATA";
        ConsumerGroupTargetAssignmentMetadata(consumer_group_target_assignment_metadata_value::ConsumerGroupTargetAssignmentMetadataValue) = 6, "CONSUMER_GROUP_TARGET_ASSIGNMENT_METADATA";
        ConsumerGroupTargetAssignmentMember(consumer_group_target_assignment_member_value::ConsumerGroupTargetAssignmentMemberValue) = 7, "CONSUMER_GROUP_TARGET_ASSIGNMENT_MEMBER";
        ConsumerGroupCurrentMemberAssignment(consumer_group_current_member_assignment_value::ConsumerGroupCurrentMemberAssignmentValue) = 8, "CONSUMER_GROUP_CURRENT_MEMBER_ASSIGNMENT";
        ShareGroupMemberMetadata(share_group_member_metadata_value::ShareGroupMemberMetadataValue) = 10, "SHARE_GROUP_MEMBER_METADATA";
        ShareGroupMetadata(share_group_metadata_value::ShareGroupMetadataValue) = 11, "SHARE_GROUP_METADATA";
        ShareGroupTargetAssignmentMetadata(share_group_target_assignment_metadata_value::ShareGroupTargetAssignmentMetadataValue) = 12, "SHARE_GROUP_TARGET_ASSIGNMENT_METADATA";
        ShareGroupTargetAssignmentMember(share_group_target_assignment_member_value::ShareGroupTargetAssignmentMemberValue) = 13, "SHARE_GROUP_TARGET_ASSIGNMENT_MEMBER";
        ShareGroupCurrentMemberAssignment(share_group_current_member_assignment_value::ShareGroupCurrentMemberAssignmentValue) = 14, "SHARE_GROUP_CURRENT_MEMBER_ASSIGNMENT";
        ShareGroupStatePartitionMetadata(share_group_state_partition_metadata_value::ShareGroupStatePartitionMetadataValue) = 15, "SHARE_GROUP_STATE_PARTITION_METADATA";
        ConsumerGroupRegularExpression(consumer_group_regular_expression_value::ConsumerGroupRegularExpressionValue) = 16, "CONSUMER_GROUP_REGULAR_EXPRESSION";
        StreamsGroupMetadata(streams_group_metadata_value::StreamsGroupMetadataValue) = 17, "STREAMS_GROUP_METADATA";
        StreamsGroupMemberMetadata(streams_group_member_metadata_value::StreamsGroupMemberMetadataValue) = 19, "STREAMS_GROUP_MEMBER_METADATA";
        StreamsGroupTargetAssignmentMetadata(streams_group_target_assignment_metadata_value::StreamsGroupTargetAssignmentMetadataValue) = 20, "STREAMS_GROUP_TARGET_ASSIGNMENT_METADATA";
        StreamsGroupTargetAssignmentMember(streams_group_target_assignment_member_value::StreamsGroupTargetAssignmentMemberValue) = 21, "STREAMS_GROUP_TARGET_ASSIGNMENT_MEMBER";
        StreamsGroupCurrentMemberAssignment(streams_group_current_member_assignment_value::StreamsGroupCurrentMemberAssignmentValue) = 22, "STREAMS_GROUP_CURRENT_MEMBER_ASSIGNMENT";
        StreamsGroupTopology(streams_group_topology_value::StreamsGroupTopologyValue) = 23, "STREAMS_GROUP_TOPOLOGY";
    }
}

record_kinds! {
    /// The key of a record of `__transaction_state`.
    TransactionKey {
        TransactionLog(transaction_log_key::TransactionLogKey) = 0, "TRANSACTION_LOG";
    }
}

record_kinds! {
    /// The value of a record of `__transaction_state`.
    TransactionValue {
        TransactionLog(transaction_log_value::TransactionLogValue) = 0, "TRANSACTION_LOG";
    }
}

record_kinds! {
    /// The key of a record of `__share_group_state`.
    ShareKey {
        ShareSnapshot(share_snapshot_key::ShareSnapshotKey) = 0, "SHARE_SNAPSHOT";
        ShareUpdate(share_update_key::ShareUpdateKey) = 1, "SHARE_UPDATE";
    }
}

record_kinds! {
    /// The value of a record of `__share_group_state`.
    ShareValue {
        ShareSnapshot(share_snapshot_value::ShareSnapshotValue) = 0, "SHARE_SNAPSHOT";
        ShareUpdate(share_update_value::ShareUpdateValue) = 1, "SHARE_UPDATE";
    }
}
