//! Producer ids, handed out in blocks (Q8).

use crate::types::NodeId;
use crate::wire::ErrorCode;
use crate::wire::producer_ids_record::ProducerIdsRecord;

use super::{ApiError, Command, Context, Controller, Decision};

/// Ids in a block.
pub const BLOCK_SIZE: i64 = 1000;

/// Ids that belong to one broker for good: `first` to `first + length - 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerIdBlock {
    pub first: i64,
    pub length: i64,
}

/// Asks for the next block. What a broker does not use of it before it stops is lost, so that no id is ever given twice.
#[derive(Clone, Copy, Debug)]
pub struct AllocateProducerIds {
    pub broker: NodeId,
    pub broker_epoch: i64,
}

impl Command for AllocateProducerIds {
    type Response = Result<ProducerIdBlock, ApiError>;

    fn decide(&self, controller: &mut Controller, _: &mut Context<'_>) -> Decision<Self::Response> {
        if let Err(error) = super::brokers::check_epoch(controller.state(), self.broker, self.broker_epoch) {
            return Decision::answer(Err(error));
        }
        let first = controller.state().next_producer_id();
        let Some(next) = first.checked_add(BLOCK_SIZE) else {
            let text = format!("Exhausted all producerIds as the next block's end producerId is larger than {}", i64::MAX);
            return Decision::answer(Err(ApiError::new(ErrorCode::UnknownServerError, text)));
        };
        let record = ProducerIdsRecord { broker_id: self.broker, broker_epoch: self.broker_epoch, next_producer_id: next };
        Decision { records: vec![record.into()], response: Ok(ProducerIdBlock { first, length: BLOCK_SIZE }) }
    }
}
