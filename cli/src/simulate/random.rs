//! Randomness that a seed repeats.

use crate::simulate::json::Json;
use fastrand::Rng;
use xxhash_rust::xxh3::Xxh3;

/// A generator for one part of a run, independent of how much the other parts draw.
pub fn rng(run: u64, part: &str, index: usize) -> Rng {
    let mut hasher = Xxh3::with_seed(run);
    hasher.update(part.as_bytes());
    hasher.update(&index.to_be_bytes());
    Rng::with_seed(hasher.digest())
}

/// Whether something of this share happens.
pub fn happens(rng: &mut Rng, share: f64) -> bool {
    rng.f64() < share
}

/// One of these.
pub fn one_of<T: Copy + Default>(rng: &mut Rng, choices: &[T]) -> T {
    rng.choice(choices).copied().unwrap_or_default()
}

/// A random UUID.
pub fn uuid(rng: &mut Rng) -> String {
    let bits = rng.u128(..);
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
    format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

/// A 64-bit id as Terra writes snowflakes: digits, for use as a string.
pub fn snowflake(rng: &mut Rng) -> String {
    rng.u64(1 << 60..1 << 63).to_string()
}

/// A measured value, written with anything from no to seventeen decimals: trailing zeros and digits beyond what a
/// double holds have to come back as they were sent.
pub fn measured(rng: &mut Rng, low: f64, high: f64) -> Json {
    let value = low + rng.f64() * (high - low);
    let decimals = one_of(rng, &[0, 1, 1, 1, 2, 2, 3, 6, 15, 17]);
    Json::Number(format!("{value:.decimals$}"))
}

/// A whole number in a range.
pub fn count(rng: &mut Rng, low: u64, high: u64) -> Json {
    Json::Number(rng.u64(low..=high).to_string())
}

/// A number that no double and no 64-bit integer holds.
pub fn beyond_double(rng: &mut Rng) -> Json {
    Json::Number(match rng.u8(0..4) {
        0 => format!("9007199254740993{}", rng.u32(..)),
        1 => format!("0.{:020}{:020}", rng.u64(..), rng.u64(..)),
        2 => format!("{}.{}e-{}", rng.u8(1..9), rng.u32(..), rng.u16(1..400)),
        _ => format!("-{}.50", rng.u64(1..)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_parts_differ() {
        let draw = |run, part, index| uuid(&mut rng(run, part, index));
        assert_eq!(draw(7, "person", 1), draw(7, "person", 1));
        assert_ne!(draw(7, "person", 1), draw(8, "person", 1));
        assert_ne!(draw(7, "person", 1), draw(7, "person", 2));
        assert_ne!(draw(7, "person", 1), draw(7, "order", 1));
        let id = draw(7, "person", 1);
        assert_eq!((id.len(), id.matches('-').count(), id.as_bytes()[14]), (36, 4, b'4'));
    }

    #[test]
    fn every_number_is_json() {
        let mut rng = rng(1, "numbers", 0);
        for _ in 0..1_000 {
            for number in [beyond_double(&mut rng), measured(&mut rng, -5.0, 5.0), count(&mut rng, 0, 9)] {
                let text = number.write();
                let read: &serde_json::value::RawValue = serde_json::from_str(&text).unwrap();
                assert_eq!(read.get(), text);
            }
        }
    }
}
