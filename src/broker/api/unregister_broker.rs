//! UnregisterBroker: forgets a broker that is gone for good.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::wire::ErrorCode;
use crate::wire::unregister_broker_request::UnregisterBrokerRequest;
use crate::wire::unregister_broker_response::UnregisterBrokerResponse;

pub fn handle(cx: Cx, request: UnregisterBrokerRequest) -> Reply<UnregisterBrokerResponse> {
    let refused =
        |code: ErrorCode, error_message| UnregisterBrokerResponse { error_code: code.code(), error_message, ..Default::default() };
    if request.broker_id == cx.broker.node_id {
        // It is at work, and nothing would register it again.
        let text = format!("Broker {} is the one that answers: it cannot be unregistered while it runs", request.broker_id);
        return Reply::now(refused(ErrorCode::InvalidRequest, Some(text)));
    }
    Reply::blocking(move || cx.broker.submit(&request).unwrap_or_else(|code| refused(code, None)))
}
