//! How full a copy of a record is.

use crate::scan::{Token, Tokens, spells};

/// The member that is left out of coverage, because its scores are registers of their own.
pub const ENRICHMENT: &str = "data_enrichment";

/// How many non-null scalar leaves `record` has at any depth, the top-level `data_enrichment` left out. Empty
/// containers count 0.
pub fn coverage(record: &str) -> u32 {
    let mut leaves: u32 = 0;
    let mut depth = 0_usize;
    let mut in_enrichment = false;
    for token in Tokens::of(record) {
        match token {
            Token::Open(_) => depth += 1,
            Token::Close(_) => depth = depth.saturating_sub(1),
            Token::Name(name) if depth == 1 => in_enrichment = spells(name, ENRICHMENT),
            Token::Scalar(_) if !in_enrichment => leaves = leaves.saturating_add(1),
            Token::Name(_) | Token::Scalar(_) | Token::Null => {}
        }
    }
    leaves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_counts() {
        for (record, leaves) in [
            ("{}", 0),
            (r#"{"a":null,"b":{},"c":[],"d":[{},[null]]}"#, 0),
            (r#"{"a":0,"b":false,"c":"","d":[1,null,2],"e":{"f":{"g":1.5}}}"#, 6),
            (r#"{"data_enrichment":{"s":1,"t":{"u":2}},"a":1}"#, 1),
            (r#"{"data\u005fenrichment":7,"a":1}"#, 1),
            (r#"{"a":{"data_enrichment":{"s":1}},"data_enrichment":null,"b":2}"#, 2),
            (r#"{"metadata":{"start_time":"2026-07-01"},"name":"data_enrichment","x":"data_enrichment"}"#, 3),
        ] {
            assert_eq!(coverage(record), leaves, "{record}");
        }
        let deep = format!("{}1{}", r#"{"a":"#.repeat(5_000), "}".repeat(5_000));
        assert_eq!(coverage(&deep), 1);
    }
}
