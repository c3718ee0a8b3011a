//! The bytes that consumers pass through JoinGroup and SyncGroup: subscriptions, assignments, and the user data of the sticky assignors.
//!
//! ```text
//! user data of `sticky`, v1:             [ { topic: string, partitions: [int32] } ]  generation: int32
//!                    the same, v0:       [ { topic: string, partitions: [int32] } ]
//! user data of `cooperative-sticky`:     generation: int32
//! ```

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{NO_GENERATION, Subscription};
use crate::types::TopicPartition;
use crate::wire::consumer_protocol_assignment::{self as assignment, ConsumerProtocolAssignment};
use crate::wire::consumer_protocol_subscription::{self as subscription, ConsumerProtocolSubscription};
use crate::wire::{DecodeError, EncodeError, Message, Reader, Writer};

/// The protocol type under which consumers join.
pub const PROTOCOL_TYPE: &str = "consumer";

/// The newest version of a subscription and of an assignment that we write.
pub const MAX_VERSION: i16 = ConsumerProtocolAssignment::MAX;

/// The metadata of a member in a JoinGroup: `int16 version` and a ConsumerProtocolSubscription.
pub fn encode_subscription(s: &Subscription, version: i16) -> Result<Bytes, EncodeError> {
    let mut topics = s.topics.clone();
    topics.sort();
    let mut owned = s.owned_partitions.clone();
    owned.sort();
    let owned_partitions = by_topic(&owned).map(|(topic, partitions)| subscription::TopicPartition { topic, partitions }).collect();
    let message = ConsumerProtocolSubscription {
        topics,
        user_data: s.user_data.clone(),
        owned_partitions,
        generation_id: s.generation,
        rack_id: s.rack.clone(),
    };
    versioned(&message, version)
}

/// The opposite. A version above those we know reads as the highest we know: newer ones only add at the end.
pub fn decode_subscription(data: &Bytes) -> Result<Subscription, DecodeError> {
    let mut r = Reader::new(data.clone());
    let version = r.i16()?.min(ConsumerProtocolSubscription::MAX);
    let message = ConsumerProtocolSubscription::decode(&mut r, version)?;
    let owned = message.owned_partitions.into_iter().flat_map(|t| flat(t.topic, t.partitions));
    Ok(Subscription {
        topics: message.topics,
        user_data: message.user_data,
        owned_partitions: owned.collect(),
        generation: message.generation_id.max(NO_GENERATION),
        rack: message.rack_id.filter(|rack| !rack.is_empty()),
    })
}

/// The topics of a subscription, which come first in every version.
pub fn subscribed_topics(data: &Bytes) -> Result<Vec<String>, DecodeError> {
    let mut r = Reader::new(data.clone());
    r.i16()?;
    Ok(ConsumerProtocolSubscription::decode(&mut r, 0)?.topics)
}

/// A member's part of the assignment in a SyncGroup: `int16 version` and a ConsumerProtocolAssignment. Java writes the version that
/// the member's subscription has.
pub fn encode_assignment(partitions: &[TopicPartition], user_data: Option<Bytes>, version: i16) -> Result<Bytes, EncodeError> {
    let topics = by_topic(partitions).map(|(topic, partitions)| assignment::TopicPartition { topic, partitions });
    versioned(&ConsumerProtocolAssignment { assigned_partitions: topics.collect(), user_data }, version)
}

/// Partitions and user data. Empty bytes, which a member without an assignment gets, are an empty assignment.
pub fn decode_assignment(data: &Bytes) -> Result<(Vec<TopicPartition>, Option<Bytes>), DecodeError> {
    if data.is_empty() {
        return Ok((Vec::new(), None));
    }
    let mut r = Reader::new(data.clone());
    let version = r.i16()?.min(ConsumerProtocolAssignment::MAX);
    let message = ConsumerProtocolAssignment::decode(&mut r, version)?;
    let partitions = message.assigned_partitions.into_iter().flat_map(|t| flat(t.topic, t.partitions));
    Ok((partitions.collect(), message.user_data))
}

fn versioned<M: Message>(message: &M, version: i16) -> Result<Bytes, EncodeError> {
    let mut w = Writer::new();
    w.i16(version);
    message.encode(&mut w, version)?;
    w.into_bytes()
}

/// Topics in order of first appearance, each with its partitions.
fn by_topic(partitions: &[TopicPartition]) -> impl Iterator<Item = (String, Vec<i32>)> + use<> {
    let mut topics: Vec<(String, Vec<i32>)> = Vec::new();
    for tp in partitions {
        match topics.iter_mut().find(|(topic, _)| *topic == tp.topic) {
            Some((_, list)) => list.push(tp.partition),
            None => topics.push((tp.topic.clone(), vec![tp.partition])),
        }
    }
    topics.into_iter()
}

fn flat(topic: String, partitions: Vec<i32>) -> impl Iterator<Item = TopicPartition> {
    partitions.into_iter().map(move |p| TopicPartition::new(topic.clone(), p))
}

/// What a member of the `sticky` assignor held, and since which generation (version 1).
pub fn encode_sticky_user_data(held: &[TopicPartition], generation: i32) -> Bytes {
    let topics: Vec<(String, Vec<i32>)> = by_topic(held).collect();
    let mut out = BytesMut::new();
    put_len(&mut out, topics.len());
    for (topic, partitions) in topics {
        out.put_i16(i16::try_from(topic.len()).unwrap_or(0));
        out.put_slice(topic.as_bytes());
        put_len(&mut out, partitions.len());
        partitions.into_iter().for_each(|p| out.put_i32(p));
    }
    out.put_i32(generation);
    out.freeze()
}

fn put_len(out: &mut BytesMut, len: usize) {
    out.put_i32(i32::try_from(len).unwrap_or(0));
}

/// Partitions and generation (`None` in version 0); `None` if it is neither version.
pub fn decode_sticky_user_data(data: &Bytes) -> Option<(Vec<TopicPartition>, Option<i32>)> {
    let mut data = &data[..];
    let mut held = Vec::new();
    for _ in 0..data.try_get_i32().ok()? {
        let length = usize::try_from(data.try_get_i16().ok()?).ok()?;
        let (topic, rest) = data.split_at_checked(length)?;
        data = rest;
        let topic = std::str::from_utf8(topic).ok()?;
        for _ in 0..data.try_get_i32().ok()? {
            held.push(TopicPartition::new(topic, data.try_get_i32().ok()?));
        }
    }
    Some((held, data.try_get_i32().ok()))
}

/// The generation in which a member of the `cooperative-sticky` assignor got what it holds.
pub fn encode_cooperative_user_data(generation: i32) -> Bytes {
    Bytes::copy_from_slice(&generation.to_be_bytes())
}

/// `None` if there is no generation in it.
pub fn decode_cooperative_user_data(data: &Bytes) -> Option<i32> {
    (&data[..]).try_get_i32().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription() -> Subscription {
        Subscription {
            topics: vec!["b".into(), "a".into()],
            user_data: Some(Bytes::from_static(b"u")),
            owned_partitions: vec![TopicPartition::new("b", 1), TopicPartition::new("a", 2), TopicPartition::new("b", 0)],
            generation: 5,
            rack: Some("r".into()),
        }
    }

    #[test]
    fn a_subscription_keeps_in_each_version_what_it_has_a_place_for() {
        for version in 0..=3 {
            let back = decode_subscription(&encode_subscription(&subscription(), version).unwrap()).unwrap();
            let sorted = vec![TopicPartition::new("a", 2), TopicPartition::new("b", 0), TopicPartition::new("b", 1)];
            assert_eq!(back.topics, ["a", "b"]);
            assert_eq!(back.owned_partitions, if version >= 1 { sorted } else { vec![] });
            assert_eq!(back.generation, if version >= 2 { 5 } else { NO_GENERATION });
            assert_eq!(back.rack, (version >= 3).then(|| "r".to_string()));
        }
    }

    #[test]
    fn newer_versions_read_as_the_newest_known() {
        let mut data = encode_subscription(&subscription(), 3).unwrap().to_vec();
        data[1] = 9;
        data.extend([1, 2, 3]);
        let data = Bytes::from(data);
        assert_eq!(decode_subscription(&data).unwrap().generation, 5);
        assert_eq!(subscribed_topics(&data).unwrap(), ["a", "b"]);
        assert!(decode_subscription(&data.slice(..9)).is_err());
    }

    #[test]
    fn an_assignment_keeps_the_order_of_its_partitions() {
        let partitions = vec![TopicPartition::new("t", 3), TopicPartition::new("t", 1), TopicPartition::new("a", 0)];
        let data = encode_assignment(&partitions, None, 1).unwrap();
        assert_eq!(decode_assignment(&data).unwrap(), (partitions, None));
        assert_eq!(decode_assignment(&Bytes::new()).unwrap(), (vec![], None));
    }

    #[test]
    fn sticky_user_data_of_version_0_has_no_generation() {
        let data = encode_sticky_user_data(&[TopicPartition::new("t", 3)], 7);
        assert_eq!(decode_sticky_user_data(&data), Some((vec![TopicPartition::new("t", 3)], Some(7))));
        assert_eq!(decode_sticky_user_data(&data.slice(..data.len() - 4)), Some((vec![TopicPartition::new("t", 3)], None)));
        assert_eq!(decode_sticky_user_data(&data.slice(..9)), None);
        assert_eq!(decode_sticky_user_data(&Bytes::from_static(&[0x7f, 0xff, 0xff, 0xff])), None);
    }
}
