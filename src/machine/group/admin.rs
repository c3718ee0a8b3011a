//! ListGroups, DescribeGroups, DeleteGroups (facts J13, J14).

use super::GroupShard;
use super::consumer::Refusal;
use super::offset_requests::append_in_batches;
use super::requests::{GroupAnswer, since};
use super::turn::GroupOutput;
use crate::machine::coordinator::{Context, Output, Token};
use crate::wire::ErrorCode;
use crate::wire::consumer_group_describe_request::ConsumerGroupDescribeRequest;
use crate::wire::consumer_group_describe_response::{ConsumerGroupDescribeResponse, DescribedGroup as DescribedConsumerGroup};
use crate::wire::delete_groups_response::{DeletableGroupResult, DeleteGroupsResponse};
use crate::wire::describe_groups_request::DescribeGroupsRequest;
use crate::wire::describe_groups_response::{DescribeGroupsResponse, DescribedGroup};
use crate::wire::list_groups_request::ListGroupsRequest;
use crate::wire::list_groups_response::ListGroupsResponse;

impl GroupShard {
    /// Filters are compared without regard to case; a filter no one knows matches nothing.
    pub(super) fn list(&self, request: &ListGroupsRequest) -> ListGroupsResponse {
        let passes = |filter: &[String], name: &str| filter.is_empty() || filter.iter().any(|f| f.trim().eq_ignore_ascii_case(name));
        let all = self.groups.iter().map(|(id, entry)| entry.listed(id));
        let wanted = all.filter(|g| passes(&request.states_filter, &g.group_state) && passes(&request.types_filter, &g.group_type));
        ListGroupsResponse { groups: wanted.collect(), ..Default::default() }
    }

    pub(super) fn describe(&self, context: &Context, request: &DescribeGroupsRequest) -> DescribeGroupsResponse {
        let each = |id: &String| match self.groups.get(id) {
            Some(entry) => entry.described_as_classic(id).unwrap_or_else(|| no_classic_group(context, id, "is not a classic group")),
            None => no_classic_group(context, id, "not found"),
        };
        DescribeGroupsResponse { groups: request.groups.iter().map(each).collect(), ..Default::default() }
    }

    pub(super) fn describe_consumer_groups(&self, request: &ConsumerGroupDescribeRequest) -> ConsumerGroupDescribeResponse {
        let each = |id: &String| match self.groups.get(id) {
            _ if id.is_empty() => DescribedConsumerGroup { error_code: ErrorCode::InvalidGroupId.code(), ..Default::default() },
            Some(entry) => entry.described_as_consumer(id, &self.config, &*self.cluster),
            None => Refusal::no_group(id).described(id),
        };
        ConsumerGroupDescribeResponse { groups: request.group_ids.iter().map(each).collect(), ..Default::default() }
    }

    /// Writes the tombstones of all groups that can go, then answers for all.
    pub(super) fn delete(&self, token: Token, groups: Vec<String>, out: &mut Vec<GroupOutput>) {
        let mut tombstones = Vec::new();
        let mut results = Vec::with_capacity(groups.len());
        for group in groups {
            let error = match self.groups.get(&group) {
                None => ErrorCode::GroupIdNotFound,
                Some(entry) if !entry.is_empty() => ErrorCode::NonEmptyGroup,
                Some(entry) => {
                    tombstones.extend(entry.offsets.tombstones(&group));
                    tombstones.extend(entry.group_tombstones(&group));
                    ErrorCode::None
                }
            };
            results.push(DeletableGroupResult { group_id: group, error_code: error.code() });
        }
        append_in_batches(tombstones, out);
        let answer = DeleteGroupsResponse { results, ..Default::default() };
        out.push(Output::Answer { token, answer: GroupAnswer::DeleteGroups(answer) });
    }
}

fn no_classic_group(context: &Context, id: &str, what: &str) -> DescribedGroup {
    let mut group = DescribedGroup { group_id: id.into(), group_state: "Dead".into(), ..Default::default() };
    if context.api_version >= since::DESCRIBE_GROUP_ID_NOT_FOUND {
        group.error_code = ErrorCode::GroupIdNotFound.code();
        group.error_message = Some(format!("Group {id} {what}."));
    }
    group
}
