//! From a key to the last offset that has it, in memory of a fixed size.
//!
//! One flat table with open addressing, 16 bytes a place; keys themselves are not kept, only 96 bits of a hash that nobody outside can
//! foresee. Two keys among ten million share one with a probability of 10^-15.
//!
//! ```text
//!  0  offset   u32   1 + distance to the map's base; 0: the place is free
//!  4  hash     3 x u32
//! ```
//!
//! The table is made once, for the number of keys that the records to be mapped can have at most, and never for more than its budget.

use std::hash::{DefaultHasher, Hasher};

use crate::types::Offset;

/// Bytes of memory a place takes.
pub const PLACE_BYTES: usize = size_of::<Place>();
/// A table has at least this many places, however small its budget.
const LEAST_PLACES: usize = 64;

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    offset: u32,
    hash: [u32; 3],
}

/// See the file's head.
#[derive(Debug)]
pub struct OffsetMap {
    places: Vec<Place>,
    len: usize,
    most: usize,
    base: Offset,
    latest: Offset,
    seed: u64,
}

/// The map takes no more keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl OffsetMap {
    /// For at most `keys` keys with offsets from `base` on, in at most `budget` bytes of which the part `load_factor` is used.
    pub fn new(keys: u64, budget: usize, load_factor: f64, base: Offset, seed: u64) -> OffsetMap {
        let load_factor = if load_factor.is_finite() { load_factor.clamp(0.1, 0.95) } else { 0.9 };
        let affordable = (budget / PLACE_BYTES).max(LEAST_PLACES);
        let keys = usize::try_from(keys).unwrap_or(usize::MAX).min(affordable);
        let wanted = ((keys as f64 / load_factor).ceil() as usize).saturating_add(1);
        let places = wanted.clamp(LEAST_PLACES, affordable);
        let most = ((places as f64 * load_factor) as usize).clamp(1, places - 1);
        OffsetMap { places: vec![Place::default(); places], len: 0, most, base, latest: base - 1, seed }
    }

    /// Notes that `key` stands at `offset`, which is above all noted before.
    pub fn put(&mut self, key: &[u8], offset: Offset) -> Result<(), Full> {
        let distance = u32::try_from(offset - self.base).ok().and_then(|d| d.checked_add(1)).ok_or(Full)?;
        let (at, hash) = self.look(key);
        if self.places[at].offset == 0 {
            if self.len >= self.most {
                return Err(Full);
            }
            self.len += 1;
        }
        self.places[at] = Place { offset: distance, hash };
        Ok(())
    }

    /// The last offset noted for `key`.
    pub fn get(&self, key: &[u8]) -> Option<Offset> {
        let (at, _) = self.look(key);
        let distance = self.places[at].offset.checked_sub(1)?;
        Some(self.base + i64::from(distance))
    }

    /// All records up to here are in the map.
    pub fn latest(&self) -> Offset {
        self.latest
    }

    pub fn covers(&mut self, offset: Offset) {
        self.latest = self.latest.max(offset);
    }

    /// How many keys are in it.
    pub fn keys(&self) -> usize {
        self.len
    }

    /// Bytes of the table.
    pub fn memory(&self) -> usize {
        self.places.len() * PLACE_BYTES
    }

    /// Where `key` is or would be put.
    fn look(&self, key: &[u8]) -> (usize, [u32; 3]) {
        let (a, b) = (self.hash(0, key), self.hash(1, key));
        let hash = [(a >> 32) as u32, a as u32, b as u32];
        // The upper half of the product spreads all places evenly without a power of two; the bits of `b` used here are not kept.
        let mut at = ((u128::from(b.rotate_left(32)) * self.places.len() as u128) >> 64) as usize;
        loop {
            let place = &self.places[at];
            if place.offset == 0 || place.hash == hash {
                return (at, hash);
            }
            at = if at + 1 == self.places.len() { 0 } else { at + 1 };
        }
    }

    fn hash(&self, which: u64, key: &[u8]) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.seed);
        hasher.write_u64(which);
        hasher.write(key);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn c7_memory_never_passes_the_budget_and_is_no_more_than_needed() {
        assert_eq!(PLACE_BYTES, 16);
        for (keys, budget) in [(u64::MAX, 1 << 20), (10, 1 << 20), (100_000, 1 << 20), (40_000, 1 << 20)] {
            let map = OffsetMap::new(keys, budget, 0.9, 0, 1);
            assert!(map.memory() <= budget, "{keys}");
            assert!(map.most as u64 >= keys.min(58_000), "{keys}: room for {}", map.most);
        }
        assert_eq!(OffsetMap::new(10, 1 << 30, 0.9, 0, 1).memory(), LEAST_PLACES * PLACE_BYTES);
    }

    #[test]
    fn c8_the_last_offset_of_every_key_is_found() {
        let mut map = OffsetMap::new(2000, 1 << 20, 0.9, 1000, 7);
        let mut model = BTreeMap::new();
        for i in 0..6000i64 {
            let key = format!("key-{}", i * 31 % 1999);
            map.put(key.as_bytes(), 1000 + i).unwrap();
            model.insert(key, 1000 + i);
        }
        assert_eq!(map.keys(), model.len());
        for (key, offset) in &model {
            assert_eq!(map.get(key.as_bytes()), Some(*offset));
        }
        assert_eq!(map.get(b"another"), None);
    }

    #[test]
    fn c7_a_full_map_takes_known_keys_only() {
        let mut map = OffsetMap::new(u64::MAX, 64 * PLACE_BYTES, 0.5, 0, 3);
        let taken = (0..100i64).take_while(|i| map.put(&i.to_be_bytes(), *i).is_ok()).count();
        assert_eq!(taken, 32);
        assert_eq!(map.put(&0i64.to_be_bytes(), 200), Ok(()));
        assert_eq!(map.put(b"new", 201), Err(Full));
        assert_eq!(map.put(&0i64.to_be_bytes(), i64::from(u32::MAX)), Err(Full), "too far from the base");
        assert_eq!(map.get(&0i64.to_be_bytes()), Some(200));
    }
}
