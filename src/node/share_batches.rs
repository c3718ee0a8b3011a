//! What was read of a log, as partitions of share groups look at it.

use bytes::Bytes;

use crate::machine::partition::Reader;
use crate::machine::share::partition::FetchedBatch;
use crate::record::batches;
use crate::types::Offset;

/// The whole batches among the bytes, each with where it ends. `aborted`: transactions by producer and first offset, as a read gives them.
pub fn fetched(bytes: &Bytes, aborted: &[(i64, Offset)], reader: Reader) -> Vec<(FetchedBatch, usize)> {
    let mut aborted = aborted.to_vec();
    let (mut found, mut end) = (Vec::new(), 0);
    let mut open: Vec<i64> = Vec::new();
    for view in batches(bytes).map_while(Result::ok) {
        let header = &view.header;
        end += header.size_in_bytes();
        // F12: a transaction is aborted from its first offset in the list to its marker.
        aborted.retain(|(producer, first)| {
            let begins = *first <= header.last_offset();
            if begins {
                open.push(*producer);
            }
            !begins
        });
        let is_aborted = reader == Reader::Committed && header.is_transactional() && open.contains(&header.producer_id);
        if header.is_control() {
            open.retain(|producer| *producer != header.producer_id);
        }
        let delivers = !header.is_control() && !is_aborted;
        found.push((FetchedBatch { first: header.base_offset, last: header.last_offset(), delivers }, end));
    }
    found
}
