//! Where replicas could be: one broker after the other, each partition's replicas on brokers, and as far as possible racks, of their own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::cli::error::CliError;
use crate::cli::failure::java_class;
use crate::wire::ErrorCode;

/// A broker with its rack, if that counts.
pub(super) type Place = (i32, Option<String>);

/// Replicas of `partitions` partitions, `factor` of each, begun `start` brokers on; the distance between first and second replicas begins
/// with `shift`.
///
/// Errors: there are fewer brokers than replicas.
pub(super) fn replicas(brokers: &[Place], partitions: usize, factor: usize, start: usize, shift: usize) -> Result<Vec<Vec<i32>>, CliError> {
    if factor > brokers.len() {
        let text = format!(
            "The target replication factor of {factor} cannot be reached because only {} broker(s) are registered or some brokers have \
             all their log directories cordoned.",
            brokers.len()
        );
        return Err(CliError::failed(text).exception(java_class(ErrorCode::InvalidReplicationFactor)));
    }
    if factor == 0 {
        return Ok(vec![Vec::new(); partitions]);
    }
    let row = alternating(brokers);
    let racks = row.iter().map(|(_, rack)| rack).collect::<BTreeSet<_>>().len();
    let one = |partition: usize| {
        let first = (partition + start) % row.len();
        let shift = (shift + partition / row.len()) * racks;
        let (mut chosen, mut used_racks) = (vec![row[first].0], BTreeSet::from([&row[first].1]));
        let mut step = 0;
        while chosen.len() < factor {
            let (broker, rack) = &row[(first + 1 + (shift + step) % (row.len() - 1)) % row.len()];
            step += 1;
            // A rack twice only once all have one; and in any case after all brokers were looked at.
            let fresh = !used_racks.contains(rack) || used_racks.len() == racks || step > row.len();
            if fresh && !chosen.contains(broker) {
                chosen.push(*broker);
                used_racks.insert(rack);
            }
        }
        chosen
    };
    Ok((0..partitions).map(one).collect())
}

/// The brokers, racks taking turns.
fn alternating(brokers: &[Place]) -> Vec<Place> {
    let mut racks: BTreeMap<&Option<String>, VecDeque<i32>> = BTreeMap::new();
    let mut sorted: Vec<&Place> = brokers.iter().collect();
    sorted.sort();
    sorted.iter().for_each(|(id, rack)| racks.entry(rack).or_default().push_back(*id));
    let mut row = Vec::new();
    while row.len() < brokers.len() {
        for (rack, ids) in &mut racks {
            row.extend(ids.pop_front().map(|id| (id, (*rack).clone())));
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rack(id: i32, rack: &str) -> Place {
        (id, Some(rack.to_owned()))
    }

    #[test]
    fn replicas_are_on_brokers_of_their_own_and_leaders_take_turns() {
        let brokers: Vec<Place> = (1..=5).map(|id| (id, None)).collect();
        let placed = replicas(&brokers, 10, 3, 0, 0).unwrap();
        assert_eq!(placed[..3], [[1, 2, 3], [2, 3, 4], [3, 4, 5]]);
        assert_eq!(placed[5], [1, 3, 4], "the second round is shifted");
        let leaders: Vec<i32> = placed.iter().map(|p| p[0]).collect();
        assert_eq!(leaders, [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn racks_differ_as_long_as_there_are_any() {
        let brokers = [rack(0, "a"), rack(1, "b"), rack(2, "c"), rack(3, "a"), rack(4, "b"), rack(5, "c")];
        for start in 0..6 {
            for placed in replicas(&brokers, 12, 3, start, start).unwrap() {
                let racks: BTreeSet<&Option<String>> = placed.iter().map(|id| &brokers[*id as usize].1).collect();
                assert_eq!(racks.len(), 3, "{placed:?}");
            }
        }
        for placed in replicas(&brokers[..2], 3, 2, 1, 0).unwrap() {
            assert_ne!(placed[0], placed[1]);
        }
        let lopsided = [rack(1, "a"), rack(2, "a"), rack(3, "a"), rack(4, "b")];
        for placed in replicas(&lopsided, 8, 3, 0, 0).unwrap() {
            assert!(placed.contains(&4), "{placed:?}");
            assert_eq!(placed.iter().collect::<BTreeSet<_>>().len(), 3);
        }
    }

    #[test]
    fn too_few_brokers_are_refused() {
        assert!(replicas(&[(1, None)], 1, 2, 0, 0).unwrap_err().message.contains("only 1 broker(s) are registered"));
        assert_eq!(replicas(&[(1, None)], 2, 1, 7, 7).unwrap(), [[1], [1]]);
    }
}
