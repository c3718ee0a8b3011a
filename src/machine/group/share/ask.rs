//! Requests about share groups on their way to the group they concern.

use super::change::{ShareAsk, ShareReply};
use super::heartbeat::{refused, validate};
use super::{ShareGroup, not_a_share_group};
use crate::machine::coordinator::{Context, Output, Token};
use crate::machine::group::GroupShard;
use crate::machine::group::consumer::Refusal;
use crate::machine::group::requests::GroupAnswer;
use crate::machine::group::turn::GroupOutput;
use crate::types::Now;
use crate::wire::ErrorCode;
use crate::wire::share_group_describe_request::ShareGroupDescribeRequest;
use crate::wire::share_group_describe_response::{DescribedGroup, ShareGroupDescribeResponse};
use crate::wire::share_group_heartbeat_request::ShareGroupHeartbeatRequest;

impl GroupShard {
    pub(in crate::machine::group) fn share(
        &mut self,
        now: Now,
        token: Token,
        context: &Context,
        ask: ShareAsk,
        out: &mut Vec<GroupOutput>,
    ) {
        let reply = match &ask {
            ShareAsk::Heartbeat(request) => self.share_heartbeat(now, context, request, out),
            ShareAsk::Describe(request) => ShareReply::Describe(self.describe_share_groups(request)),
            _ => ShareReply::Progress(self.share_step(&ask, out).map_err(|r| (r.code, r.message))),
        };
        out.push(Output::Answer { token, answer: GroupAnswer::Share(reply) });
    }

    fn share_heartbeat(
        &mut self,
        now: Now,
        context: &Context,
        request: &ShareGroupHeartbeatRequest,
        out: &mut Vec<GroupOutput>,
    ) -> ShareReply {
        let id = &request.group_id;
        let known = validate(request)
            .and_then(|()| if request.member_epoch != 0 && !self.groups.contains_key(id) { Err(Refusal::no_group(id)) } else { Ok(()) });
        let beat = known.and_then(|()| self.with_group(now, id, out, |group, turn| group.share_heartbeat(turn, context, request)));
        match beat {
            Ok((response, progress)) => ShareReply::Heartbeat(response, progress),
            Err(refusal) => ShareReply::Heartbeat(refused(refusal), None),
        }
    }

    fn share_step(&mut self, ask: &ShareAsk, out: &mut Vec<GroupOutput>) -> Result<super::ShareProgress, Refusal> {
        let id = ask.group();
        let (records, progress) = match self.groups.get(id) {
            Some(entry) => entry.as_share().ok_or_else(|| not_a_share_group(id))?.step(id, ask)?,
            // An administrator may set where a group begins before it has a member: its states make the group.
            None if matches!(ask, ShareAsk::Begin { .. }) => ShareGroup::new().step(id, ask)?,
            None => return Err(Refusal::no_group(id)),
        };
        if !records.is_empty() {
            out.push(Output::append(records));
        }
        Ok(progress)
    }

    fn describe_share_groups(&self, request: &ShareGroupDescribeRequest) -> ShareGroupDescribeResponse {
        let each = |id: &String| match self.groups.get(id) {
            _ if id.is_empty() => DescribedGroup { error_code: ErrorCode::InvalidGroupId.code(), ..Default::default() },
            Some(entry) => match entry.as_share() {
                Some(group) => group.described(id, &*self.cluster),
                None => described_refusal(id, not_a_share_group(id)),
            },
            None => described_refusal(id, Refusal::no_group(id)),
        };
        ShareGroupDescribeResponse { groups: request.group_ids.iter().map(each).collect(), ..Default::default() }
    }
}

fn described_refusal(id: &str, refusal: Refusal) -> DescribedGroup {
    DescribedGroup { group_id: id.into(), error_code: refusal.code.code(), error_message: Some(refusal.message), ..Default::default() }
}

/// The reply of a coordinator that cannot even look, or whose records were not written.
pub fn failed(ask: Option<&ShareAsk>, reply: Option<&ShareReply>, error: ErrorCode) -> ShareReply {
    let groups = match (ask, reply) {
        (Some(ShareAsk::Describe(request)), _) => Some(request.group_ids.clone()),
        (_, Some(ShareReply::Describe(response))) => Some(response.groups.iter().map(|g| g.group_id.clone()).collect()),
        _ => None,
    };
    if let Some(ids) = groups {
        let each = |group_id: String| DescribedGroup { group_id, error_code: error.code(), ..Default::default() };
        return ShareReply::Describe(ShareGroupDescribeResponse { groups: ids.into_iter().map(each).collect(), ..Default::default() });
    }
    if matches!(ask, Some(ShareAsk::Heartbeat(_))) || matches!(reply, Some(ShareReply::Heartbeat(..))) {
        return ShareReply::Heartbeat(refused(Refusal::new(error, error.message())), None);
    }
    ShareReply::Progress(Err((error, error.message().to_string())))
}
