//! Chunks of a large request: deliveries that belong together, each with a number of its own.
//!
//! Terra cuts what an API request brings into chunks once it spans more than a month. All of them share one reference;
//! the number stands at the end of the trace id (`<id>:chunk:<n>`) or, in the older way, at the end of the reference.

/// What stands before a chunk's number.
const MARK: &str = ":chunk:";

/// Which chunk of which large request a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// The reference that all chunks of the request share.
    pub reference: &'a str,
    /// The chunk's number.
    pub number: u32,
}

impl<'a> Chunk<'a> {
    /// The chunk that a delivery with this trace id and this reference header is; `None` if it is none.
    ///
    /// ```
    /// use terrace_terra::Chunk;
    /// let chunk = Chunk { reference: "r", number: 3 };
    /// assert_eq!(Chunk::of(Some("7243:chunk:3"), Some("r")), Some(chunk));
    /// assert_eq!(Chunk::of(Some("7243"), Some("r:chunk:3")), Some(chunk));
    /// assert_eq!(Chunk::of(Some("7243"), Some("r")), None);
    /// ```
    pub fn of(trace_id: Option<&'a str>, reference: Option<&'a str>) -> Option<Self> {
        let in_reference = reference.and_then(cut);
        let in_trace_id = || {
            let (prefix, number) = trace_id.and_then(cut)?;
            Some((reference.unwrap_or(prefix), number))
        };
        let (reference, number) = in_reference.or_else(in_trace_id)?;
        Some(Self { reference, number })
    }
}

/// A text and the chunk's number at its end.
fn cut(text: &str) -> Option<(&str, u32)> {
    let (before, number) = text.rsplit_once(MARK)?;
    let plain = !before.is_empty() && number.len() <= 9 && number.bytes().all(|byte| byte.is_ascii_digit());
    Some((before, number.parse().ok().filter(|_| plain)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_at_either_end_makes_a_chunk() {
        let chunk = |reference, number| Some(Chunk { reference, number });
        assert_eq!(Chunk::of(Some("t:chunk:12"), None), chunk("t", 12));
        assert_eq!(Chunk::of(Some("t:chunk:12"), Some("r:chunk:7")), chunk("r", 7));
        assert_eq!(Chunk::of(None, Some("r:chunk:0")), chunk("r", 0));
        for odd in ["", "t", "t:chunk:", "t:chunk:x", "t:chunk:-1", "t:chunk:+1", "t:chunk:1234567890", ":chunk:1"] {
            assert_eq!(Chunk::of(Some(odd), Some(odd)), None, "{odd}");
        }
    }
}
