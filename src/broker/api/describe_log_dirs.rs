//! DescribeLogDirs: how much each partition takes. Version 4 brought the disk's own sizes.

use std::collections::BTreeSet;

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::wire::ErrorCode;
use crate::wire::describe_log_dirs_request::DescribeLogDirsRequest;
use crate::wire::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResponse, DescribeLogDirsResult, DescribeLogDirsTopic,
};

pub fn handle(cx: Cx, request: DescribeLogDirsRequest) -> Reply<DescribeLogDirsResponse> {
    Reply::blocking(move || describe(&cx, &request))
}

fn describe(cx: &Cx, request: &DescribeLogDirsRequest) -> DescribeLogDirsResponse {
    let image = cx.broker.image();
    let root = cx.broker.logs.root();
    let asked: Option<BTreeSet<(&str, i32)>> =
        request.topics.as_ref().map(|all| all.iter().flat_map(|t| t.partitions.iter().map(|p| (t.topic.as_str(), *p))).collect());
    let mut topics = Vec::new();
    for topic in image.topics() {
        let mine = topic.partitions.iter().filter(|(index, p)| {
            p.replicas.contains(&cx.broker.node_id) && asked.as_ref().is_none_or(|a| a.contains(&(&*topic.name, **index)))
        });
        let sizes = mine.filter_map(|(index, _)| {
            let hosted = cx.broker.partitions.get(topic, *index).ok()?;
            let size = hosted.with_open(&cx.broker, |p| p.log().size()).ok()?;
            let partition_size = i64::try_from(size).unwrap_or(i64::MAX);
            Some(DescribeLogDirsPartition { partition_index: *index, partition_size, ..Default::default() })
        });
        let partitions: Vec<_> = sizes.collect();
        if !partitions.is_empty() {
            topics.push(DescribeLogDirsTopic { name: topic.name.to_string(), partitions });
        }
    }
    let offline = cx.broker.logs.offline_reason().is_some();
    let (total_bytes, usable_bytes) = space(root);
    let result = DescribeLogDirsResult {
        error_code: if offline { ErrorCode::KafkaStorageError } else { ErrorCode::None }.code(),
        log_dir: root.display().to_string(),
        topics: if offline { Vec::new() } else { topics },
        total_bytes,
        usable_bytes,
        ..Default::default()
    };
    DescribeLogDirsResponse { results: vec![result], ..Default::default() }
}

/// Size of the file system and what of it may still be used, in bytes; -1 when unknown.
fn space(root: &std::path::Path) -> (i64, i64) {
    let bytes = |blocks: u64, size: u64| i64::try_from(blocks.saturating_mul(size)).unwrap_or(i64::MAX);
    match rustix::fs::statvfs(root) {
        Ok(s) => (bytes(s.f_blocks, s.f_frsize), bytes(s.f_bavail, s.f_frsize)),
        Err(_) => (-1, -1),
    }
}
