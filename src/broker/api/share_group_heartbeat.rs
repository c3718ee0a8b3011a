//! ShareGroupHeartbeat: how members of share groups (KIP-932) join, stay, hear which partitions to fetch from, and leave.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::broker::share::is_served;
use crate::machine::group::share::{ShareAsk, ShareReply};
use crate::wire::ErrorCode;
use crate::wire::share_group_heartbeat_request::ShareGroupHeartbeatRequest;
use crate::wire::share_group_heartbeat_response::ShareGroupHeartbeatResponse;

pub fn handle(cx: Cx, request: ShareGroupHeartbeatRequest) -> Reply<ShareGroupHeartbeatResponse> {
    let refused = |code: ErrorCode| ShareGroupHeartbeatResponse { error_code: code.code(), ..Default::default() };
    if !is_served(&cx.broker.image()) {
        return Reply::now(refused(ErrorCode::UnsupportedVersion));
    }
    Reply::blocking(move || {
        let group = request.group_id.clone();
        match cx.broker.ask_share(&cx.coordinator_context(), ShareAsk::Heartbeat(request)) {
            Ok(ShareReply::Heartbeat(response, progress)) => {
                if let Some(progress) = progress {
                    cx.broker.begin_share_states(&group, progress);
                }
                response
            }
            Ok(_) => refused(ErrorCode::UnknownServerError),
            Err(code) => refused(code),
        }
    })
}
