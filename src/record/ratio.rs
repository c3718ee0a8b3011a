//! A guess at how well records compress, so that a producer can tell when a batch is full before it is compressed.

/// The running guess for one topic and codec: compressed size over uncompressed size. Moves like the Java producer's: quickly up when
/// a batch compressed worse than guessed, slowly down when it compressed better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CompressionRatio(f32);

impl CompressionRatio {
    const IMPROVE_STEP: f32 = 0.005;
    const DETERIORATE_STEP: f32 = 0.05;
    /// A batch is taken to be a little larger than the guess says.
    const MARGIN: f32 = 1.05;

    /// The guess. Starts at 1.
    pub fn get(self) -> f32 {
        self.0
    }

    /// Learns from a finished batch: the size of its records before and after compression, in bytes.
    pub fn observe(&mut self, uncompressed: usize, compressed: usize) {
        let observed = compressed as f32 / uncompressed.max(1) as f32;
        if observed > self.0 {
            self.0 = (self.0 + Self::DETERIORATE_STEP).max(observed);
        } else {
            self.0 = (self.0 - Self::IMPROVE_STEP).max(observed);
        }
    }

    /// Starts over, after a broker called a batch too large.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    pub(super) fn estimate(self, uncompressed: usize) -> usize {
        (uncompressed as f32 * self.0 * Self::MARGIN) as usize
    }
}

impl Default for CompressionRatio {
    fn default() -> Self {
        CompressionRatio(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guess_falls_slowly_and_rises_at_once() {
        let mut ratio = CompressionRatio::default();
        ratio.observe(1000, 500);
        assert_eq!(ratio.get(), 0.995);
        (0..200).for_each(|_| ratio.observe(1000, 500));
        assert_eq!(ratio.get(), 0.5);
        ratio.observe(1000, 510);
        assert_eq!(ratio.get(), 0.55);
        ratio.observe(1000, 900);
        assert_eq!(ratio.get(), 0.9);
        ratio.reset();
        assert_eq!(ratio.get(), 1.0);
    }
}
