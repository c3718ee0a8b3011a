//! AlterPartitionReassignments: replicas to other brokers, of which there are none.

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::controller::reassign::reassign;
use crate::wire::alter_partition_reassignments_request::AlterPartitionReassignmentsRequest;
use crate::wire::alter_partition_reassignments_response::AlterPartitionReassignmentsResponse;

pub fn handle(cx: Cx, request: AlterPartitionReassignmentsRequest) -> Reply<AlterPartitionReassignmentsResponse> {
    Reply::now(reassign(&cx.broker.image(), &request))
}
