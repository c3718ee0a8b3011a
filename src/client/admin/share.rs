//! Share groups (KIP-932) and where they stand in partitions. `list_groups` lists them with the others, `delete_groups` deletes them.

use std::collections::BTreeMap;

use kfk_wire::ErrorCode;
use kfk_wire::alter_share_group_offsets_request::{
    AlterShareGroupOffsetsRequest, AlterShareGroupOffsetsRequestPartition, AlterShareGroupOffsetsRequestTopic,
};
use kfk_wire::delete_share_group_offsets_request::{DeleteShareGroupOffsetsRequest, DeleteShareGroupOffsetsRequestTopic};
use kfk_wire::describe_share_group_offsets_request::{
    DescribeShareGroupOffsetsRequest, DescribeShareGroupOffsetsRequestGroup, DescribeShareGroupOffsetsRequestTopic,
};
use kfk_wire::share_group_describe_request::ShareGroupDescribeRequest;
pub use kfk_wire::share_group_describe_response::{DescribedGroup as ShareGroup, Member as ShareGroupMember};

use super::Admin;
use super::groups::{Results, by_topic};
use crate::client::error::{Error, check};
use crate::types::TopicPartition;

/// How far a share group is in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShareGroupOffset {
    /// With every record before that the group is done.
    pub start_offset: i64,
    /// -1 when not known.
    pub leader_epoch: i32,
    /// Records that the group is not done with; `None` when not known.
    pub lag: Option<i64>,
}

impl Admin {
    /// Describes a share group. One that does not exist is GROUP_ID_NOT_FOUND.
    pub async fn describe_share_group(&self, group: &str) -> Result<ShareGroup, Error> {
        let request = ShareGroupDescribeRequest { group_ids: vec![group.to_string()], include_authorized_operations: false };
        let code = |r: &kfk_wire::share_group_describe_response::ShareGroupDescribeResponse| r.groups.first().map_or(0, |g| g.error_code);
        let answer = self.ask_group(group, "describing a share group", &request, code).await?;
        let found = answer.groups.into_iter().next().ok_or(Error::Broker { code: ErrorCode::GroupIdNotFound, message: None })?;
        check(found.error_code, found.error_message.as_deref()).map(|()| found)
    }

    /// Where a share group stands in `partitions` (`None`: in all that it has consumed from); `None` where it has not begun.
    pub async fn share_group_offsets(
        &self,
        group: &str,
        partitions: Option<&[TopicPartition]>,
    ) -> Result<Results<Option<ShareGroupOffset>>, Error> {
        let topic = |(topic_name, partitions)| DescribeShareGroupOffsetsRequestTopic { topic_name, partitions };
        let topics = partitions.map(|some| by_topic(some).into_iter().map(topic).collect());
        let one = DescribeShareGroupOffsetsRequestGroup { group_id: group.to_string(), topics };
        let request = DescribeShareGroupOffsetsRequest { groups: vec![one] };
        let answer = self.ask_group(group, "listing offsets of a share group", &request, |r| r.groups.first().map_or(0, |g| g.error_code));
        let mut out = Results::new();
        for found in answer.await?.groups {
            check(found.error_code, found.error_message.as_deref())?;
            for (name, p) in found.topics.into_iter().flat_map(|t| t.partitions.into_iter().map(move |p| (t.topic_name.clone(), p))) {
                let offset = ShareGroupOffset {
                    start_offset: p.start_offset,
                    leader_epoch: p.leader_epoch,
                    lag: Some(p.lag).filter(|lag| *lag >= 0),
                };
                let result = check(p.error_code, p.error_message.as_deref()).map(|()| Some(offset).filter(|o| o.start_offset >= 0));
                out.insert(TopicPartition::new(name, p.partition_index), result);
            }
        }
        Ok(out)
    }

    /// Has a share group without members go on at these offsets. A group that does not exist is made.
    pub async fn alter_share_group_offsets(&self, group: &str, offsets: &BTreeMap<TopicPartition, i64>) -> Result<Results<()>, Error> {
        let mut topics: BTreeMap<&str, Vec<AlterShareGroupOffsetsRequestPartition>> = BTreeMap::new();
        for (tp, offset) in offsets {
            let partition = AlterShareGroupOffsetsRequestPartition { partition_index: tp.partition, start_offset: *offset };
            topics.entry(&tp.topic).or_default().push(partition);
        }
        let topic = |(name, partitions): (&str, _)| AlterShareGroupOffsetsRequestTopic { topic_name: name.to_string(), partitions };
        let request = AlterShareGroupOffsetsRequest { group_id: group.to_string(), topics: topics.into_iter().map(topic).collect() };
        let answer = self.ask_group(group, "altering offsets of a share group", &request, |r| r.error_code).await?;
        check(answer.error_code, answer.error_message.as_deref())?;
        let each = answer.responses.into_iter().flat_map(|t| {
            t.partitions.into_iter().map(move |p| {
                (TopicPartition::new(t.topic_name.clone(), p.partition_index), check(p.error_code, p.error_message.as_deref()))
            })
        });
        Ok(each.collect())
    }

    /// Forgets where a share group without members stands in topics; it begins there anew.
    pub async fn delete_share_group_offsets(&self, group: &str, topics: &[&str]) -> Result<BTreeMap<String, Result<(), Error>>, Error> {
        let topic = |name: &&str| DeleteShareGroupOffsetsRequestTopic { topic_name: name.to_string() };
        let request = DeleteShareGroupOffsetsRequest { group_id: group.to_string(), topics: topics.iter().map(topic).collect() };
        let answer = self.ask_group(group, "deleting offsets of a share group", &request, |r| r.error_code).await?;
        check(answer.error_code, answer.error_message.as_deref())?;
        let each = answer.responses.into_iter().map(|t| (t.topic_name, check(t.error_code, t.error_message.as_deref())));
        Ok(each.collect())
    }
}
