//! WriteTxnMarkers: coordinators on other brokers, and administrators with a hanging transaction, end transactions in partitions of this one.
//! Version 2 tells the transaction version that the client spoke.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::controller::ClusterState;
use crate::node::transactions::EndMarker;
use crate::wire::ErrorCode;
use crate::wire::write_txn_markers_request::{WritableTxnMarker, WriteTxnMarkersRequest};
use crate::wire::write_txn_markers_response::{
    WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult, WriteTxnMarkersResponse,
};

pub fn handle(cx: Cx, request: WriteTxnMarkersRequest) -> Reply<WriteTxnMarkersResponse> {
    Reply::blocking(move || {
        let image = cx.broker.image();
        let markers = request.markers.iter().map(|marker| write(&cx, &image, marker));
        WriteTxnMarkersResponse { markers: markers.collect() }
    })
}

fn write(cx: &Cx, image: &ClusterState, marker: &WritableTxnMarker) -> WritableTxnMarkerResult {
    let end = EndMarker {
        producer_id: marker.producer_id,
        producer_epoch: marker.producer_epoch,
        coordinator_epoch: marker.coordinator_epoch,
        commit: marker.transaction_result,
        version: marker.transaction_version.into(),
    };
    let one = |topic: &str, partition_index: i32| {
        let known = image.topic(topic).filter(|t| t.partition(partition_index).is_some());
        let written = known.ok_or(ErrorCode::UnknownTopicOrPartition).and_then(|t| cx.broker.end_transaction(t, partition_index, &end));
        let error = written.err().unwrap_or(ErrorCode::None);
        WritableTxnMarkerPartitionResult { partition_index, error_code: error.code() }
    };
    let topics = marker.topics.iter().map(|t| WritableTxnMarkerTopicResult {
        name: t.name.clone(),
        partitions: t.partition_indexes.iter().map(|p| one(&t.name, *p)).collect(),
    });
    WritableTxnMarkerResult { producer_id: marker.producer_id, topics: topics.collect() }
}
