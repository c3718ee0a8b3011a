//! Retention for partitions that nobody asked for since the start. They are looked at from outside and opened only where there is something
//! to drop, so that a pass over thousands of them leaves nothing in memory.

use tracing::error;

use super::Broker;
use super::hosted::{Hosted, VisitError};
use crate::log::{Dropped, LogConfig};

/// One pass. Ends early when the broker stops.
pub fn retain(broker: &Broker) -> Dropped {
    let image = broker.image();
    let mut all = Dropped::default();
    for topic in image.topics() {
        let is_open = |index: i32| broker.partitions.known(topic.id, index).is_some_and(|h| h.is_open());
        let closed: Vec<i32> = topic.partitions.keys().copied().filter(|index| !is_open(*index)).collect();
        if closed.is_empty() {
            continue;
        }
        let settings = broker.topic_settings(&image, &topic.name);
        for index in closed {
            if broker.is_stopping() {
                return all;
            }
            let Ok(hosted) = broker.partitions.get(topic, index) else { continue };
            match retain_one(broker, &hosted, &settings.log) {
                Ok(dropped) => {
                    all.segments += dropped.segments;
                    all.bytes += dropped.bytes;
                }
                Err(e) => error!("retention of partition {}: {e}", hosted.name()),
            }
            broker.partitions.release(hosted);
        }
    }
    all
}

fn retain_one(broker: &Broker, hosted: &Hosted, config: &LogConfig) -> Result<Dropped, VisitError> {
    let now = broker.clock.now();
    match hosted.if_closed(|| broker.logs.may_drop(&hosted.name(), config, now)).transpose()? {
        Some(true) => hosted.visit(broker, |p| p.retain(now)),
        // Opened meanwhile: the next pass comes to it.
        Some(false) | None => Ok(Dropped::default()),
    }
}
