//! What a single node answers to requests about clusters of several, and about security that it does not have: as a single Apache Kafka
//! 4.3.1 without an authorizer does on a plain listener.

use kfk::wire::ErrorCode;
use kfk::wire::alter_partition_reassignments_request::{AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic};
use kfk::wire::create_acls_request::{AclCreation, CreateAclsRequest};
use kfk::wire::create_delegation_token_request::CreateDelegationTokenRequest;
use kfk::wire::delete_acls_request::{DeleteAclsFilter, DeleteAclsRequest};
use kfk::wire::describe_acls_request::DescribeAclsRequest;
use kfk::wire::describe_delegation_token_request::DescribeDelegationTokenRequest;
use kfk::wire::describe_quorum_request::{DescribeQuorumRequest, PartitionData, TopicData};
use kfk::wire::elect_leaders_request::{ElectLeadersRequest, TopicPartitions};
use kfk::wire::expire_delegation_token_request::ExpireDelegationTokenRequest;
use kfk::wire::list_partition_reassignments_request::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsTopics};
use kfk::wire::renew_delegation_token_request::RenewDelegationTokenRequest;

use crate::common::records::*;
use crate::common::{Client, TestBroker};

#[test]
fn the_node_is_the_only_voter_of_its_quorum() {
    let broker = TestBroker::start(&[]);
    let mut client = broker.connect();
    let request = |topic: &str, partition_index| DescribeQuorumRequest {
        topics: vec![TopicData { topic_name: topic.into(), partitions: vec![PartitionData { partition_index }] }],
    };
    let before = client.call(2, &request("__cluster_metadata", 0));
    create(&mut client, "t", 1, &[]);
    let after = client.call(2, &request("__cluster_metadata", 0));
    assert_eq!((after.error_code, after.nodes.len(), after.nodes[0].node_id), (0, 1, 1));
    let (before, after) = (&before.topics[0].partitions[0], &after.topics[0].partitions[0]);
    assert_eq!((after.error_code, after.leader_id, after.leader_epoch), (0, 1, 1));
    assert!(after.high_watermark > before.high_watermark, "the topic is in the log");
    let [voter] = after.current_voters.as_slice() else { panic!("{:?}", after.current_voters) };
    assert_eq!((voter.replica_id, voter.log_end_offset), (1, after.high_watermark));
    assert!(voter.replica_directory_id.is_zero(), "voters that are configured have no directories");
    assert!(after.observers.is_empty() && voter.last_caught_up_timestamp > 1_700_000_000_000);
    for (topic, partition) in [("__cluster_metadata", 1), ("t", 0)] {
        let refused = client.call(1, &request(topic, partition));
        assert_eq!(refused.topics[0].partitions[0].error_code, ErrorCode::UnknownTopicOrPartition.code());
    }
}

fn elect(client: &mut Client, kind: i8, partitions: Option<(&str, Vec<i32>)>) -> Vec<(i16, Option<String>)> {
    let topic_partitions = partitions.map(|(topic, partitions)| vec![TopicPartitions { topic: topic.into(), partitions }]);
    let answer = client.call(2, &ElectLeadersRequest { election_type: kind, topic_partitions, timeout_ms: 1000 });
    let results = answer.replica_election_results.into_iter().flat_map(|t| t.partition_result);
    results.map(|p| (p.error_code, p.error_message)).chain((answer.error_code != 0).then_some((answer.error_code, None))).collect()
}

#[test]
fn elections_are_not_needed_and_what_is_unknown_is_named() {
    let broker = TestBroker::start(&[]);
    let mut client = broker.connect();
    create(&mut client, "t", 2, &[]);
    let not_needed = ErrorCode::ElectionNotNeeded.code();
    for kind in [0, 1] {
        let codes: Vec<i16> = elect(&mut client, kind, Some(("t", vec![0, 1]))).into_iter().map(|(code, _)| code).collect();
        assert_eq!(codes, [not_needed, not_needed]);
        assert_eq!(elect(&mut client, kind, None), [], "of all partitions only those that need one are told of");
    }
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    assert_eq!(elect(&mut client, 0, Some(("t", vec![9]))), [(unknown, Some("No such partition as t-9".into()))]);
    assert_eq!(elect(&mut client, 0, Some(("no", vec![0]))), [(unknown, Some("No such topic as no".into()))]);
    assert_eq!(elect(&mut client, 7, None), [(ErrorCode::InvalidRequest.code(), None)]);
}

fn reassign(client: &mut Client, name: &str, partition_index: i32, replicas: Option<Vec<i32>>) -> (ErrorCode, String) {
    let topic = ReassignableTopic { name: name.into(), partitions: vec![ReassignablePartition { partition_index, replicas }] };
    let answer = client.call(1, &AlterPartitionReassignmentsRequest { topics: vec![topic], ..Default::default() });
    let told = &answer.responses[0].partitions[0];
    (ErrorCode::from_code(told.error_code), told.error_message.clone().unwrap_or_default())
}

/// Topic, partition and replicas; what is answered.
type Reassigned = (&'static str, i32, Option<&'static [i32]>, ErrorCode, &'static str);

#[test]
fn replicas_can_only_be_sent_to_where_they_are() {
    let broker = TestBroker::start(&[]);
    let mut client = broker.connect();
    create(&mut client, "t", 1, &[]);
    let mut told = |name: &str, partition, replicas: Option<&[i32]>| reassign(&mut client, name, partition, replicas.map(<[i32]>::to_vec));
    assert_eq!(told("t", 0, Some(&[1])), (ErrorCode::None, String::new()));
    let cases: [Reassigned; 6] = [
        ("t", 0, None, ErrorCode::NoReassignmentInProgress, "No partition reassignment is in progress."),
        ("no", 0, Some(&[1]), ErrorCode::UnknownTopicOrPartition, "Unable to find a topic named no."),
        ("t", 5, Some(&[1]), ErrorCode::UnknownTopicOrPartition, "Unable to find partition t:5."),
        ("t", 0, Some(&[]), ErrorCode::InvalidReplicaAssignment, "The manual partition assignment includes an empty replica list."),
        (
            "t",
            0,
            Some(&[1, 9]),
            ErrorCode::InvalidReplicaAssignment,
            "The manual partition assignment includes broker 9, but no such broker is registered.",
        ),
        (
            "t",
            0,
            Some(&[1, 1]),
            ErrorCode::InvalidReplicaAssignment,
            "The manual partition assignment includes the broker 1 more than once.",
        ),
    ];
    for (name, partition, replicas, code, text) in cases {
        assert_eq!(told(name, partition, replicas), (code, text.to_string()));
    }
    let named = Some(vec![ListPartitionReassignmentsTopics { name: "t".into(), partition_indexes: vec![0, 1] }]);
    for topics in [None, named] {
        let answer = client.call(0, &ListPartitionReassignmentsRequest { timeout_ms: 1000, topics });
        assert_eq!((answer.error_code, answer.topics.len()), (0, 0));
    }
}

#[test]
fn there_are_no_rules_without_an_authorizer_and_no_tokens_on_a_plain_listener() {
    let broker = TestBroker::start(&[]);
    let mut client = broker.connect();
    let disabled = ErrorCode::SecurityDisabled.code();
    let any = DescribeAclsRequest {
        resource_type_filter: 1,
        resource_name_filter: None,
        pattern_type_filter: 1,
        principal_filter: None,
        host_filter: None,
        operation: 1,
        permission_type: 1,
    };
    let described = client.call(3, &any);
    assert_eq!((described.error_code, described.error_message.as_deref()), (disabled, Some("No Authorizer is configured on the broker")));
    let created = client.call(3, &CreateAclsRequest { creations: vec![AclCreation::default(); 2] });
    assert_eq!(created.results.iter().map(|r| r.error_code).collect::<Vec<_>>(), [disabled, disabled]);
    let filter = DeleteAclsFilter { pattern_type_filter: 1, ..Default::default() };
    let deleted = client.call(3, &DeleteAclsRequest { filters: vec![filter] });
    assert_eq!(deleted.filter_results[0].error_message.as_deref(), Some("No Authorizer is configured."));
    let plain = ErrorCode::DelegationTokenRequestNotAllowed.code();
    let created = client.call(3, &CreateDelegationTokenRequest::default());
    assert_eq!((created.error_code, created.principal_name.as_str(), created.issue_timestamp_ms), (plain, "ANONYMOUS", -1));
    assert_eq!(client.call(2, &RenewDelegationTokenRequest::default()).error_code, plain);
    assert_eq!(client.call(2, &ExpireDelegationTokenRequest::default()).error_code, plain);
    assert_eq!(client.call(3, &DescribeDelegationTokenRequest::default()).error_code, plain);
}
