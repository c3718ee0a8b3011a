//! State batches over state batches: what is newer counts.

use std::collections::BTreeMap;

use crate::machine::share::StateBatch;
use crate::types::Offset;

/// The batches that hold when `newer` have come after `known`, from `start` on; neighbours that are alike are made one.
pub fn merge(start: Offset, known: &[StateBatch], newer: &[StateBatch]) -> Vec<StateBatch> {
    let mut all: BTreeMap<Offset, StateBatch> = BTreeMap::new();
    for batch in known.iter().chain(newer).filter(|b| b.first <= b.last && b.last >= start) {
        put(&mut all, StateBatch { first: batch.first.max(start), ..*batch });
    }
    let mut merged: Vec<StateBatch> = Vec::with_capacity(all.len());
    for batch in all.into_values() {
        match merged.last_mut() {
            Some(last) if last.last + 1 == batch.first && last.delivery == batch.delivery && last.count == batch.count => {
                last.last = batch.last;
            }
            _ => merged.push(batch),
        }
    }
    merged
}

/// Puts a batch in the place of whatever it overlaps.
fn put(all: &mut BTreeMap<Offset, StateBatch>, batch: StateBatch) {
    let before = all.range(..batch.first).next_back().map(|(_, b)| *b).filter(|b| b.last >= batch.first);
    if let Some(before) = before {
        all.insert(before.first, StateBatch { last: batch.first - 1, ..before });
        if before.last > batch.last {
            all.insert(batch.last + 1, StateBatch { first: batch.last + 1, ..before });
        }
    }
    let inside: Vec<StateBatch> = all.range(batch.first..=batch.last).map(|(_, b)| *b).collect();
    for old in inside {
        all.remove(&old.first);
        if old.last > batch.last {
            all.insert(batch.last + 1, StateBatch { first: batch.last + 1, ..old });
        }
    }
    all.insert(batch.first, batch);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::share::Delivery;
    use crate::rng::Rng;

    #[test]
    fn merging_gives_what_a_list_of_all_offsets_gives() {
        for seed in 0..100 {
            let mut rng = Rng::new(seed);
            let mut pick = |n: u64| i64::try_from(rng.below(n)).unwrap();
            let mut plain: BTreeMap<Offset, (Delivery, i16)> = BTreeMap::new();
            let (mut merged, mut start) = (Vec::new(), 0);
            for _ in 0..20 {
                let first = pick(40);
                let last = first + pick(10);
                let delivery = [Delivery::Available, Delivery::Acknowledged, Delivery::Archived][usize::try_from(pick(3)).unwrap()];
                let count = i16::try_from(pick(2)).unwrap();
                start += pick(3);
                merged = merge(start, &merged, &[StateBatch { first, last, delivery, count }]);
                plain.extend((first..=last).map(|offset| (offset, (delivery, count))));
                plain.retain(|offset, _| *offset >= start);
                let listed = merged.iter().flat_map(|b| (b.first..=b.last).map(|offset| (offset, (b.delivery, b.count))));
                assert_eq!(listed.collect::<Vec<_>>(), plain.clone().into_iter().collect::<Vec<_>>(), "seed {seed}");
            }
        }
    }
}
