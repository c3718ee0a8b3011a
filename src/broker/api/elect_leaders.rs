//! ElectLeaders: the preferred leaders back, or any leader where there is none.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::controller::leaders;
use crate::wire::elect_leaders_request::ElectLeadersRequest;
use crate::wire::elect_leaders_response::ElectLeadersResponse;

pub fn handle(cx: Cx, request: ElectLeadersRequest) -> Reply<ElectLeadersResponse> {
    Reply::blocking(move || cx.broker.submit(&request).unwrap_or_else(|code| leaders::refused(&request, code)))
}
