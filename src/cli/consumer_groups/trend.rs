//! What becomes of a lag: how fast a group reads, how fast its lag grows, when it will have caught up. Nothing here asks a broker or a clock.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::types::TopicPartition;

/// Consumers commit every five seconds unless told otherwise: over less than this a rate says more about commits than about reading.
const LOOK_BACK: Duration = Duration::from_secs(15);
/// However short the time between them, over so many looks at least.
const LOOKS: usize = 5;

/// Where a group is in a partition, and where the partition ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub current: Option<i64>,
    pub end: Option<i64>,
}

impl Place {
    pub fn lag(self) -> Option<i64> {
        Some((self.end? - self.current?).max(0))
    }
}

/// Groups and partitions at one moment.
pub(super) type Places = BTreeMap<(String, TopicPartition), Place>;

/// What a row of the view is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Whose {
    pub group: String,
    pub topic: String,
    /// `None`: all of the topic's.
    pub partition: Option<i32>,
}

/// Where a group is, and where it goes. `None`: not known, or not yet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Trend {
    pub lag: Option<i64>,
    /// Records a second that the group gets over with.
    pub consumed: Option<f64>,
    /// Records a second that come.
    pub produced: Option<f64>,
    /// Records a second by which the lag grows; negative when it shrinks.
    pub growth: Option<f64>,
    /// Seconds until there is no lag; `None` also if it does not shrink.
    pub to_zero: Option<f64>,
}

/// The moments of the last while, oldest first; times count from any moment.
#[derive(Debug, Default)]
pub(super) struct History {
    moments: VecDeque<(Duration, Places)>,
}

impl History {
    /// Adds what was seen at `now`, and forgets what is too long ago.
    pub fn seen(&mut self, now: Duration, places: Places) {
        self.moments.push_back((now, places));
        // The one before the stretch is its beginning.
        while self.moments.len() > LOOKS.max(2) && self.moments.get(1).is_some_and(|(at, _)| now.saturating_sub(*at) >= LOOK_BACK) {
            self.moments.pop_front();
        }
    }

    /// Each topic of each group; `each`: each of its partitions.
    pub fn trends(&self, each: bool) -> BTreeMap<Whose, Trend> {
        let mut partitions: BTreeMap<Whose, Vec<Moving>> = BTreeMap::new();
        let Some((now, latest)) = self.moments.back() else { return BTreeMap::new() };
        for ((group, tp), place) in latest {
            let whose = Whose { group: group.clone(), topic: tp.topic.clone(), partition: each.then_some(tp.partition) };
            partitions.entry(whose).or_default().push(self.moving(*now, &(group.clone(), tp.clone()), *place));
        }
        partitions.into_iter().map(|(whose, all)| (whose, trend(&all))).collect()
    }

    /// One partition since the oldest moment from which on the group only went forward.
    fn moving(&self, now: Duration, key: &(String, TopicPartition), place: Place) -> Moving {
        let mut since = None;
        let mut later = place;
        for (at, places) in self.moments.iter().rev().skip(1) {
            let Some(earlier) = places.get(key) else { break };
            let (Some(from), Some(to)) = (earlier.current, later.current) else { break };
            // Offsets were reset, or the topic was made anew.
            if from > to || earlier.end > later.end {
                break;
            }
            since = Some((*at, *earlier));
            later = *earlier;
        }
        let seconds = since.map_or(0.0, |(at, _)| now.saturating_sub(at).as_secs_f64());
        let rate = |from: Option<i64>, to: Option<i64>| (seconds > 0.0).then(|| Some((to? - from?) as f64 / seconds)).flatten();
        let from = since.map_or(place, |(_, from)| from);
        Moving { lag: place.lag(), consumed: rate(from.current, place.current), produced: rate(from.end, place.end) }
    }
}

#[derive(Clone, Copy, Debug)]
struct Moving {
    lag: Option<i64>,
    consumed: Option<f64>,
    produced: Option<f64>,
}

/// All of these together. What is known of none is not known; a partition of which it is not known counts for nothing.
fn trend(all: &[Moving]) -> Trend {
    let sum = |of: fn(&Moving) -> Option<f64>| all.iter().filter_map(of).reduce(|a, b| a + b);
    let lag = all.iter().filter_map(|m| m.lag).reduce(|a, b| a.saturating_add(b));
    let (consumed, produced) = (sum(|m| m.consumed), sum(|m| m.produced));
    let growth = sum(|m| Some(m.produced? - m.consumed?));
    let to_zero = match (lag, growth) {
        (Some(0), _) => Some(0.0),
        (Some(lag), Some(growth)) if growth < 0.0 => Some(lag as f64 / -growth),
        _ => None,
    };
    Trend { lag, consumed, produced, growth, to_zero }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A partition, where the group is, where it ends.
    type Seen = (i32, Option<i64>, i64);

    fn places(of: &[Seen]) -> Places {
        of.iter()
            .map(|(p, current, end)| (("g".into(), TopicPartition::new("t", *p)), Place { current: *current, end: Some(*end) }))
            .collect()
    }

    fn history(moments: &[(u64, &[Seen])]) -> History {
        let mut history = History::default();
        moments.iter().for_each(|(at, of)| history.seen(Duration::from_secs(*at), places(of)));
        history
    }

    fn whole(history: &History) -> Trend {
        *history.trends(false).values().next().unwrap()
    }

    #[test]
    fn a_lag_that_shrinks_has_an_end() {
        let history = history(&[(0, &[(0, Some(0), 1000)]), (10, &[(0, Some(300), 1100)])]);
        let expected = Trend { lag: Some(800), consumed: Some(30.0), produced: Some(10.0), growth: Some(-20.0), to_zero: Some(40.0) };
        assert_eq!(whole(&history), expected);
    }

    #[test]
    fn a_lag_that_grows_or_stands_has_none_and_no_lag_has_been_reached() {
        let grows = whole(&history(&[(0, &[(0, Some(0), 10)]), (10, &[(0, Some(10), 40)])]));
        assert_eq!((grows.growth, grows.to_zero), (Some(2.0), None));
        let stands = whole(&history(&[(0, &[(0, Some(0), 10)]), (10, &[(0, Some(5), 15)])]));
        assert_eq!((stands.growth, stands.to_zero), (Some(0.0), None));
        let there = whole(&history(&[(0, &[(0, Some(9), 9)])]));
        assert_eq!((there.lag, there.consumed, there.to_zero), (Some(0), None, Some(0.0)));
    }

    #[test]
    fn one_look_tells_no_rate() {
        let one = whole(&history(&[(3, &[(0, Some(5), 20)])]));
        assert_eq!(one, Trend { lag: Some(15), consumed: None, produced: None, growth: None, to_zero: None });
    }

    #[test]
    fn partitions_are_added_up_or_told_one_by_one() {
        let history = history(&[(0, &[(0, Some(0), 100), (1, None, 50)]), (10, &[(0, Some(50), 100), (1, None, 70)])]);
        let together = whole(&history);
        assert_eq!((together.lag, together.consumed, together.growth, together.to_zero), (Some(50), Some(5.0), Some(-5.0), Some(10.0)));
        let each: Vec<(Option<i32>, Option<i64>)> = history.trends(true).into_iter().map(|(w, t)| (w.partition, t.lag)).collect();
        assert_eq!(each, [(Some(0), Some(50)), (Some(1), None)]);
    }

    #[test]
    fn rates_begin_again_after_a_reset() {
        let history = history(&[(0, &[(0, Some(500), 600)]), (10, &[(0, Some(0), 600)]), (20, &[(0, Some(100), 600)])]);
        assert_eq!(whole(&history).consumed, Some(10.0));
        let anew = self::history(&[(0, &[(0, Some(0), 600)]), (10, &[(0, Some(0), 3)])]);
        assert_eq!((whole(&anew).lag, whole(&anew).produced), (Some(3), None));
    }

    #[test]
    fn the_stretch_is_long_enough_for_commits_and_no_longer() {
        let mut history = History::default();
        for second in 0..100u64 {
            // A commit every five seconds.
            let current = (second / 5 * 5 * 10) as i64;
            history.seen(Duration::from_secs(second), places(&[(0, Some(current), 2000)]));
        }
        assert!((16..=17).contains(&history.moments.len()), "{}", history.moments.len());
        assert!((whole(&history).consumed.unwrap() - 10.0).abs() < 4.0, "{:?}", whole(&history));
        let slow = self::history(&[(0, &[(0, Some(0), 9)]), (60, &[(0, Some(6), 9)]), (120, &[(0, Some(6), 9)])]);
        assert_eq!(slow.moments.len(), 3, "at least so many looks as make a rate");
    }
}
