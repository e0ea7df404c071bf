//! Data without a pattern, which does not compress.

use std::iter::successors;

/// So many numbers, the same ones for the same seed.
pub fn noise(seed: u64, count: usize) -> Vec<u64> {
    let next =
        |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    successors(Some(seed), next).skip(1).take(count).map(|state| state >> 30).collect()
}
