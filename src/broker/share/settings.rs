//! What a share group allows: its own settings over those of the broker.

use super::super::Broker;
use crate::machine::controller::{ConfigResource, ResourceKind};
use crate::machine::partition::Reader;
use crate::machine::share::partition::Terms;
use crate::node::partition::Lookup;
use crate::types::Now;

/// The settings of one group.
pub struct GroupTerms {
    pub terms: Terms,
    pub reader: Reader,
    /// Where a partition begins that nobody consumed yet.
    pub begin: Lookup,
}

impl Broker {
    /// How long a member of the group holds records, as it is told.
    pub fn share_lock_ms(&self, group: &str) -> i32 {
        i32::try_from(self.share_terms(group, self.clock.now()).terms.lock_ms).unwrap_or(i32::MAX)
    }

    pub(super) fn share_terms(&self, group: &str, now: Now) -> GroupTerms {
        let image = self.image();
        let own = image.config(&ConfigResource::new(ResourceKind::Group, group));
        let text = |name: &str| own.and_then(|values| values.get(name)).map(|value| value.trim());
        // They were checked when they were set.
        let number = |name: &str, default: i32| text(name).and_then(|value| value.parse().ok()).unwrap_or(default);
        let broker = &self.share.settings;
        let terms = Terms {
            lock_ms: u64::try_from(number("share.record.lock.duration.ms", broker.record_lock_duration_ms)).unwrap_or(0),
            max_deliveries: i16::try_from(number("share.delivery.count.limit", broker.delivery_count_limit)).unwrap_or(i16::MAX),
            max_locks: i64::from(number("share.partition.max.record.locks", broker.partition_max_record_locks)),
            may_renew: text("share.renew.acknowledge.enable") != Some("false"),
        };
        let committed = text("share.isolation.level").is_some_and(|level| level.eq_ignore_ascii_case("read_committed"));
        let begin = text("share.auto.offset.reset").map_or(Lookup::Latest, |reset| begin(reset, now));
        GroupTerms { terms, reader: if committed { Reader::Committed } else { Reader::Uncommitted }, begin }
    }
}

fn begin(reset: &str, now: Now) -> Lookup {
    let reset = reset.to_ascii_lowercase();
    match reset.as_str() {
        "earliest" => Lookup::Earliest,
        _ => match reset.strip_prefix("by_duration:").and_then(duration_ms) {
            Some(ms) => Lookup::AtOrAfter(now.wall.0.saturating_sub(ms)),
            None => Lookup::Latest,
        },
    }
}

/// ISO 8601 as Java reads it: `PnDTnHnMn.nS`, in any case.
fn duration_ms(text: &str) -> Option<i64> {
    let (mut total, mut number, mut in_time) = (0f64, String::new(), false);
    for c in text.to_ascii_lowercase().strip_prefix('p')?.chars() {
        let unit = match (c, in_time) {
            ('t', false) => {
                in_time = true;
                continue;
            }
            ('d', false) => 86_400_000.0,
            ('h', true) => 3_600_000.0,
            ('m', true) => 60_000.0,
            ('s', true) => 1_000.0,
            _ => {
                number.push(c);
                continue;
            }
        };
        total += std::mem::take(&mut number).parse::<f64>().ok()? * unit;
    }
    // A float keeps milliseconds exact for far longer than any log.
    (number.is_empty() && total.is_finite() && total.abs() < 9e15).then_some(total as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_java_reads_them() {
        assert_eq!(duration_ms("PT1H"), Some(3_600_000));
        assert_eq!(duration_ms("p1dt2m0.5s"), Some(86_400_000 + 120_500));
        assert_eq!(["1H", "P1H", "PT", "PT1"].map(duration_ms), [None, None, Some(0), None]);
        assert_eq!(begin("EARLIEST", Now::default()), Lookup::Earliest);
        assert_eq!(begin("by_duration:PT1S", Now::default()), Lookup::AtOrAfter(-1_000));
        assert_eq!(begin("latest", Now::default()), Lookup::Latest);
    }
}
