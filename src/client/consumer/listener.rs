//! Who hears of partitions coming and going.

use std::pin::Pin;

use super::Consumer;
use crate::types::TopicPartition;

/// A callback's work.
pub type Callback<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Hears of partitions coming and going, inside `poll` (and `close`). The rebalance goes on when the callback is over, so work that must
/// be done before another member may have a partition (storing results, committing) belongs into [`revoked`](Self::revoked).
///
/// Callbacks have the consumer at hand to commit, seek, pause and ask for positions; `poll` is refused there. While one runs, heartbeats
/// go out, but `max.poll.interval.ms` counts on. When a `poll` is dropped in the middle of a callback, the next one calls it again.
///
/// ```
/// use kfk::client::{Callback, Consumer, RebalanceListener};
/// use kfk::types::TopicPartition;
///
/// struct Flush;
///
/// impl RebalanceListener for Flush {
///     fn revoked<'a>(&'a mut self, consumer: &'a mut Consumer, _: &'a [TopicPartition]) -> Callback<'a> {
///         Box::pin(async move {
///             // Write out what has been worked on, then say so.
///             if let Err(error) = consumer.commit_sync(None).await {
///                 eprintln!("will be read again: {error}");
///             }
///         })
///     }
/// }
/// ```
pub trait RebalanceListener: Send {
    /// These come, with the positions still to be looked up; a `seek` here decides where reading begins.
    fn assigned<'a>(&'a mut self, consumer: &'a mut Consumer, partitions: &'a [TopicPartition]) -> Callback<'a> {
        let _ = (consumer, partitions);
        Box::pin(async {})
    }

    /// These go; positions were committed before if auto commit is on.
    fn revoked<'a>(&'a mut self, consumer: &'a mut Consumer, partitions: &'a [TopicPartition]) -> Callback<'a> {
        let _ = (consumer, partitions);
        Box::pin(async {})
    }

    /// These went without warning; others may already own them, and commits for them are refused.
    fn lost<'a>(&'a mut self, consumer: &'a mut Consumer, partitions: &'a [TopicPartition]) -> Callback<'a> {
        self.revoked(consumer, partitions)
    }
}
