//! Retention and compaction for partitions that nobody asked for since the start. They are looked at from outside and opened only where
//! there is something to do, so that a pass over thousands of them leaves nothing in memory.

use tracing::error;

use super::Broker;
use super::hosted::{Hosted, VisitError};
use crate::log::{Dropped, LogConfig};

/// One pass. Ends early when the broker stops.
pub fn retain(broker: &Broker) -> Dropped {
    let mut all = Dropped::default();
    each_closed(
        broker,
        |_| true,
        |hosted, config| match retain_one(broker, hosted, config) {
            Ok(dropped) => {
                all.segments += dropped.segments;
                all.bytes += dropped.bytes;
            }
            Err(e) => error!("retention of partition {}: {e}", hosted.name()),
        },
    );
    all
}

/// Opens the partitions that are dirty enough to be compacted, and leaves them open for whoever compacts them. Ends early when the broker
/// stops.
pub fn open_dirty(broker: &Broker) {
    each_closed(
        broker,
        |config| config.compact,
        |hosted, config| {
            if let Err(e) = open_if_dirty(broker, hosted, config) {
                error!("partition {} cannot be looked at for compaction: {e}", hosted.name());
            }
        },
    );
}

fn each_closed(broker: &Broker, wanted: impl Fn(&LogConfig) -> bool, mut f: impl FnMut(&Hosted, &LogConfig)) {
    let image = broker.image();
    for topic in image.topics() {
        let is_open = |index: i32| broker.partitions.known(topic.id, index).is_some_and(|h| h.is_open());
        let closed: Vec<i32> = topic.partitions.keys().copied().filter(|index| !is_open(*index)).collect();
        if closed.is_empty() {
            continue;
        }
        let settings = broker.topic_settings(&image, &topic.name);
        if !wanted(&settings.log) {
            continue;
        }
        for index in closed {
            if broker.is_stopping() {
                return;
            }
            let Ok(hosted) = broker.partitions.get(topic, index) else { continue };
            f(&hosted, &settings.log);
            broker.partitions.release(hosted);
        }
    }
}

fn open_if_dirty(broker: &Broker, hosted: &Hosted, config: &LogConfig) -> Result<(), VisitError> {
    if hosted.if_closed(|| broker.logs.may_be_dirty(&hosted.name(), config)).transpose()? != Some(true) {
        return Ok(());
    }
    let wall = broker.clock.now().wall;
    let dirt = hosted.visit(broker, |p| {
        let high_watermark = p.offsets().high_watermark();
        p.log_mut().dirt(wall, high_watermark)
    })?;
    if dirt.is_some_and(|d| d.is_enough()) {
        hosted.with_open(broker, |_| ()).map_err(VisitError::NotOpened)?;
    }
    Ok(())
}

fn retain_one(broker: &Broker, hosted: &Hosted, config: &LogConfig) -> Result<Dropped, VisitError> {
    let now = broker.clock.now();
    match hosted.if_closed(|| broker.logs.may_drop(&hosted.name(), config, now)).transpose()? {
        Some(true) => hosted.visit(broker, |p| p.retain(now)),
        // Opened meanwhile: the next pass comes to it.
        Some(false) | None => Ok(Dropped::default()),
    }
}
