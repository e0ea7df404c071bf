//! Taking a body in, in no more memory than it is long.

use super::error::FetchError;
use bytes::Bytes;
use reqwest::Response;
use std::time::Duration;
use tokio::time::timeout;

/// The least a buffer grows by where nobody said how long the body is, in bytes.
const LEAST_GROWTH: usize = 1_024 * 1_024;

/// The body of an answer, at most `max` bytes, with at most `stall` between any two pieces.
///
/// # Errors
///
/// [`FetchError::TooLarge`], before anything is read where the answer says how long it is; [`FetchError::Memory`],
/// [`FetchError::Timeout`] or [`FetchError::BrokenOff`].
pub(super) async fn read(mut answer: Response, max: usize, stall: Duration) -> Result<Bytes, FetchError> {
    let mut body = Body::new(answer.content_length(), max)?;
    loop {
        let piece = timeout(stall, answer.chunk()).await.map_err(|_| FetchError::Timeout)?;
        match piece.map_err(|_| FetchError::BrokenOff)? {
            Some(piece) => body.push(&piece)?,
            None => return Ok(Bytes::from(body.bytes)),
        }
    }
}

/// A buffer that never holds more than `max` bytes, nor much more memory than what it holds.
struct Body {
    bytes: Vec<u8>,
    max: usize,
}

impl Body {
    /// Room for the whole, where its length is known.
    fn new(length: Option<u64>, max: usize) -> Result<Self, FetchError> {
        let length = usize::try_from(length.unwrap_or(0)).map_err(|_| FetchError::TooLarge)?;
        if length > max {
            return Err(FetchError::TooLarge);
        }
        let mut body = Self { bytes: Vec::new(), max };
        body.bytes.try_reserve_exact(length).map_err(|_| FetchError::Memory)?;
        Ok(body)
    }

    fn push(&mut self, piece: &[u8]) -> Result<(), FetchError> {
        let length = self.bytes.len();
        let needed = length.saturating_add(piece.len());
        if needed > self.max {
            return Err(FetchError::TooLarge);
        }
        if needed > self.bytes.capacity() {
            // A vector left to itself doubles. Blocks of this size the allocator grows in place or by moving pages, so
            // that old and new are not there at once.
            let room = length.saturating_add(LEAST_GROWTH.max(length / 4)).min(self.max).max(needed);
            self.bytes.try_reserve_exact(room - length).map_err(|_| FetchError::Memory)?;
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 32 * 1_024 * 1_024;
    const PIECE: [u8; 8_192] = [7; 8_192];

    #[test]
    fn a_known_length_is_reserved_once_and_exactly() {
        let length = 1_000 * PIECE.len();
        let mut body = Body::new(Some(length as u64), MAX).unwrap();
        let place = body.bytes.as_ptr();
        for _ in 0..1_000 {
            body.push(&PIECE).unwrap();
            assert_eq!((body.bytes.capacity(), body.bytes.as_ptr()), (length, place));
        }
        assert_eq!(body.bytes.len(), length);
    }

    #[test]
    fn an_unknown_length_grows_by_a_quarter() {
        let mut body = Body::new(None, MAX).unwrap();
        for sent in 1..=MAX / PIECE.len() {
            body.push(&PIECE).unwrap();
            assert_eq!(body.bytes.len(), sent * PIECE.len());
            assert!(body.bytes.capacity() <= (body.bytes.len() + LEAST_GROWTH.max(body.bytes.len() / 4)).min(MAX));
        }
        assert_eq!(body.push(&[0]), Err(FetchError::TooLarge));
    }

    #[test]
    fn growing_is_rare() {
        let mut body = Body::new(None, MAX).unwrap();
        let mut growths = 0;
        for _ in 0..MAX / PIECE.len() {
            let before = body.bytes.capacity();
            body.push(&PIECE).unwrap();
            growths += usize::from(body.bytes.capacity() != before);
        }
        assert!(growths <= 16, "{growths}");
    }

    #[test]
    fn the_limit_is_the_last_byte_that_fits() {
        assert!(Body::new(Some(10), 10).is_ok());
        for length in [11, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(Body::new(Some(length), 10).err(), Some(FetchError::TooLarge));
        }
        assert_eq!(Body::new(Some(1 << 62), usize::MAX).err(), Some(FetchError::Memory));
        let mut body = Body::new(None, 10).unwrap();
        body.push(&[1; 10]).unwrap();
        body.push(&[]).unwrap();
        assert_eq!(body.push(&[1]), Err(FetchError::TooLarge));
        assert_eq!(body.bytes, [1; 10]);
    }
}
