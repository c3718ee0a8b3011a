//! LeaveGroup (fact J12).

use super::ClassicGroup;
use crate::machine::group::turn::Turn;
use crate::wire::ErrorCode;
use crate::wire::leave_group_request::MemberIdentity;
use crate::wire::leave_group_response::MemberResponse;

impl ClassicGroup {
    /// Takes the members out and tells how each fared.
    pub fn leave(&mut self, turn: &mut Turn, members: Vec<MemberIdentity>) -> Vec<MemberResponse> {
        let before = self.members.len();
        let mut responses = Vec::with_capacity(members.len());
        for member in members {
            let outcome = self.leaving_id(&member);
            if let Ok(id) = &outcome {
                self.remove(turn, id);
            }
            let error_code = outcome.err().unwrap_or_default().code();
            responses.push(MemberResponse { member_id: member.member_id, group_instance_id: member.group_instance_id, error_code });
        }
        if self.members.len() < before {
            self.rebalance(turn);
        } else {
            self.maybe_complete_join(turn); // it may have waited for an id that was given back
        }
        responses
    }

    /// Who is meant. An administrator may name a static member by its instance id alone.
    fn leaving_id(&self, member: &MemberIdentity) -> Result<String, ErrorCode> {
        let id = &member.member_id;
        if id.is_empty() {
            let known = member.group_instance_id.as_ref().and_then(|instance| self.static_members.get(instance));
            return known.cloned().ok_or(ErrorCode::UnknownMemberId);
        }
        if !self.pending_joins.contains_key(id) {
            self.validate_member(id, member.group_instance_id.as_deref())?;
        }
        Ok(id.clone())
    }
}
