//! The bytes that consumers pass through JoinGroup and SyncGroup: subscriptions, assignments, and the user data of the sticky assignors.
//!
//! ```text
//! user data of `sticky`, v1:             [ { topic: string, partitions: [int32] } ]  generation: int32
//!                    the same, v0:       [ { topic: string, partitions: [int32] } ]
//! user data of `cooperative-sticky`:     generation: int32
//! ```

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::types::TopicPartition;

/// What a member of the `sticky` assignor held, and since which generation (version 1).
pub fn encode_sticky_user_data(held: &[TopicPartition], generation: i32) -> Bytes {
    let mut topics: Vec<(&str, Vec<i32>)> = Vec::new();
    for tp in held {
        match topics.iter_mut().find(|(topic, _)| *topic == tp.topic) {
            Some((_, partitions)) => partitions.push(tp.partition),
            None => topics.push((&tp.topic, vec![tp.partition])),
        }
    }
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
