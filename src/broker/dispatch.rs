//! One table: request, versions, handler. ApiVersions is printed from it, so it never promises what is not handled.

use bytes::Bytes;
use tracing::error;

use super::api;
use super::context::{Caller, Cx};
use super::reply::{Answer, Frame, Outcome, Part, Reason, Reply};
use crate::wire::frame::{read_request_header, write_response};
use crate::wire::{ApiKey, Message, Piece, Reader, Request, Writer};

/// A kind of request that the broker answers.
pub struct Api {
    pub key: ApiKey,
    pub min: i16,
    pub max: i16,
    run: fn(Cx, i32, Reader) -> Outcome,
}

/// `module: versions;` is the request of `api/module.rs`, named as in the wire crate.
macro_rules! apis {
    ($($module:ident $request:ident $min:literal..=$max:literal;)*) => {
        &[$(Api {
            key: ApiKey::$request,
            min: $min,
            max: $max,
            run: |cx, id, body| serve(cx, id, body, api::$module::handle),
        },)*]
    };
}

/// Sorted by key.
pub const APIS: &[Api] = apis! {
    produce Produce 3..=13;
    fetch Fetch 4..=18;
    list_offsets ListOffsets 1..=11;
    metadata Metadata 0..=13;
    offset_commit OffsetCommit 2..=10;
    offset_fetch OffsetFetch 1..=10;
    find_coordinator FindCoordinator 0..=6;
    join_group JoinGroup 0..=9;
    heartbeat Heartbeat 0..=4;
    leave_group LeaveGroup 0..=5;
    sync_group SyncGroup 0..=5;
    describe_groups DescribeGroups 0..=6;
    list_groups ListGroups 0..=5;
    api_versions ApiVersions 0..=4;
    create_topics CreateTopics 2..=7;
    delete_topics DeleteTopics 1..=6;
    delete_records DeleteRecords 0..=2;
    init_producer_id InitProducerId 0..=5;
    offset_for_leader_epoch OffsetForLeaderEpoch 2..=4;
    add_partitions_to_txn AddPartitionsToTxn 0..=5;
    add_offsets_to_txn AddOffsetsToTxn 0..=4;
    end_txn EndTxn 0..=5;
    write_txn_markers WriteTxnMarkers 1..=2;
    txn_offset_commit TxnOffsetCommit 0..=5;
    describe_acls DescribeAcls 1..=3;
    create_acls CreateAcls 1..=3;
    delete_acls DeleteAcls 1..=3;
    describe_configs DescribeConfigs 1..=4;
    alter_configs AlterConfigs 0..=2;
    describe_log_dirs DescribeLogDirs 1..=5;
    create_partitions CreatePartitions 0..=3;
    create_delegation_token CreateDelegationToken 1..=3;
    renew_delegation_token RenewDelegationToken 1..=2;
    expire_delegation_token ExpireDelegationToken 1..=2;
    describe_delegation_token DescribeDelegationToken 1..=3;
    delete_groups DeleteGroups 0..=2;
    elect_leaders ElectLeaders 0..=2;
    incremental_alter_configs IncrementalAlterConfigs 0..=1;
    alter_partition_reassignments AlterPartitionReassignments 0..=1;
    list_partition_reassignments ListPartitionReassignments 0..=0;
    offset_delete OffsetDelete 0..=0;
    describe_client_quotas DescribeClientQuotas 0..=1;
    alter_client_quotas AlterClientQuotas 0..=1;
    describe_user_scram_credentials DescribeUserScramCredentials 0..=0;
    alter_user_scram_credentials AlterUserScramCredentials 0..=0;
    describe_quorum DescribeQuorum 0..=2;
    update_features UpdateFeatures 0..=2;
    describe_cluster DescribeCluster 0..=2;
    describe_producers DescribeProducers 0..=0;
    unregister_broker UnregisterBroker 0..=0;
    describe_transactions DescribeTransactions 0..=0;
    list_transactions ListTransactions 0..=2;
    consumer_group_heartbeat ConsumerGroupHeartbeat 0..=1;
    consumer_group_describe ConsumerGroupDescribe 0..=1;
    list_config_resources ListConfigResources 0..=1;
    describe_topic_partitions DescribeTopicPartitions 0..=0;
    share_group_heartbeat ShareGroupHeartbeat 1..=1;
    share_group_describe ShareGroupDescribe 1..=1;
    share_fetch ShareFetch 1..=2;
    share_acknowledge ShareAcknowledge 1..=2;
    initialize_share_group_state InitializeShareGroupState 0..=0;
    read_share_group_state ReadShareGroupState 0..=0;
    write_share_group_state WriteShareGroupState 0..=1;
    delete_share_group_state DeleteShareGroupState 0..=0;
    read_share_group_state_summary ReadShareGroupStateSummary 0..=1;
    describe_share_group_offsets DescribeShareGroupOffsets 0..=1;
    alter_share_group_offsets AlterShareGroupOffsets 0..=0;
    delete_share_group_offsets DeleteShareGroupOffsets 0..=0;
};

/// The row of a key that has one.
pub fn find(key: i16) -> Option<&'static Api> {
    APIS.iter().find(|api| api.key.code() == key)
}

/// Handles one frame: header, versions, body, handler, encoded response.
pub fn handle(caller: &mut Caller, frame: Bytes) -> Outcome {
    let mut reader = Reader::new(frame);
    let (key, header) = match read_request_header(&mut reader) {
        Ok(read) => read,
        Err(e) => return Outcome::Close(format!("a request header cannot be read: {e}").into()),
    };
    let Some(api) = find(key.code()) else { return Outcome::Close(format!("{key} is not served").into()) };
    let (version, id) = (header.request_api_version, header.correlation_id);
    let cx = caller.context(version, header.client_id.as_deref());
    if (api.min..=api.max).contains(&version) {
        let timed = cx.broker.metrics.requests.begin(key, version);
        return timed.watch((api.run)(cx, id, reader));
    }
    match key {
        // The one request whose unknown versions are answered: the client learns from it what to ask instead.
        ApiKey::ApiVersions => ready(key, 0, id, api::api_versions::unsupported_version().into()),
        _ => Outcome::Close(format!("{key} version {version} is not served").into()),
    }
}

fn serve<R: Request>(cx: Cx, id: i32, mut body: Reader, handler: fn(Cx, R) -> Reply<R::Response>) -> Outcome
where
    R::Response: Send + 'static,
{
    let version = cx.version;
    match R::decode(&mut body, version) {
        Ok(request) => {
            drop(body);
            finish::<R>(version, id, handler(cx, request))
        }
        Err(e) => Outcome::Close(format!("a {} version {version} cannot be read: {e}", R::NAME).into()),
    }
}

fn finish<R: Request>(version: i16, id: i32, reply: Reply<R::Response>) -> Outcome
where
    R::Response: Send + 'static,
{
    match reply {
        Reply::Now(answer) => ready(R::KEY, version, id, answer),
        Reply::Later(pending) => Outcome::Waiting(Box::pin(async move { encode(R::KEY, version, id, pending.await) })),
        Reply::Blocking(work) => Outcome::Blocking(Box::new(move || finish::<R>(version, id, work()))),
        Reply::Silent => Outcome::Silent,
        Reply::Close(why) => Outcome::Close(why),
    }
}

fn ready<M: Message>(key: ApiKey, version: i16, id: i32, answer: Answer<M>) -> Outcome {
    match encode(key, version, id, answer) {
        Ok(frame) => Outcome::Ready(frame),
        Err(why) => Outcome::Close(why),
    }
}

fn encode<M: Message>(key: ApiKey, version: i16, id: i32, answer: Answer<M>) -> Result<Frame, Reason> {
    let mut writer = Writer::with_capacity(256);
    if let Err(e) = write_response(&mut writer, key, version, id, &answer.body) {
        // A fault of ours; the client sees a lost connection and tries again.
        error!("{} version {version} cannot be written: {e}", M::NAME);
        return Err("a response cannot be written".into());
    }
    let mut files: Vec<_> = answer.files.into_iter().map(Some).collect();
    let parts = writer.into_pieces().into_iter().map(|piece| match piece {
        Piece::Bytes(bytes) => Some(Part::Bytes(bytes)),
        Piece::Deferred { token, .. } => usize::try_from(token).ok().and_then(|at| files.get_mut(at)?.take()).map(Part::File),
    });
    Ok(Frame { parts: parts.collect::<Option<_>>().ok_or("a response names a file that it does not have")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_within_what_kafka_offers() {
        assert!(APIS.is_sorted_by_key(|api| api.key.code()));
        for api in APIS {
            let row = api.key.row();
            assert_eq!((api.min, api.max), (row.min, row.max), "{}", api.key);
            assert!(row.broker, "{}", api.key);
        }
    }
}
