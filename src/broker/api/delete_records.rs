//! DeleteRecords: moves the begin of logs. The new begins are on disk before the answer goes out.

use crate::broker::cluster;
use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::controller::ClusterState;
use crate::types::Offset;
use crate::wire::ErrorCode;
use crate::wire::delete_records_request::DeleteRecordsRequest;
use crate::wire::delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsResponse, DeleteRecordsTopicResult};

pub fn handle(cx: Cx, request: DeleteRecordsRequest) -> Reply<DeleteRecordsResponse> {
    Reply::blocking(move || {
        let image = cx.broker.image();
        let mut response = DeleteRecordsResponse::default();
        for topic in &request.topics {
            let partitions = topic.partitions.iter().map(|p| {
                let (code, low_watermark) = match delete(&cx, &image, &topic.name, p.partition_index, p.offset) {
                    Ok(start) => (ErrorCode::None, start),
                    Err(code) => (code, -1),
                };
                DeleteRecordsPartitionResult { partition_index: p.partition_index, low_watermark, error_code: code.code() }
            });
            response.topics.push(DeleteRecordsTopicResult { name: topic.name.clone(), partitions: partitions.collect() });
        }
        if let Err(e) = cx.broker.logs.write_log_starts() {
            tracing::error!("cannot keep the begin of logs: {e}");
            let done = response.topics.iter_mut().flat_map(|t| &mut t.partitions).filter(|p| p.error_code == 0);
            done.for_each(|p| (p.error_code, p.low_watermark) = (ErrorCode::KafkaStorageError.code(), -1));
        }
        response
    })
}

fn delete(cx: &Cx, image: &ClusterState, topic: &str, partition: i32, offset: Offset) -> Result<Offset, ErrorCode> {
    let topic = image.topic(topic).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let hosted = cx.broker.partitions.get(topic, partition)?;
    if cluster::is_internal(&topic.name) {
        return Err(ErrorCode::InvalidTopicException);
    }
    let start = hosted.with_open(&cx.broker, |p| p.delete_records(cx.now(), offset))??;
    // Whoever waits below the new begin shall hear of it.
    hosted.waiting.wake_all();
    Ok(start)
}
