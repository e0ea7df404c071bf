//! The short form of a record: its scalars and short arrays, without samples and without nulls.

use crate::coverage::ENRICHMENT;
use crate::scan::{Token, Tokens, spells};

/// Arrays longer than this are samples and left out.
pub const MAX_ARRAY: usize = 8;
/// Deeper levels are left out.
pub const MAX_DEPTH: usize = 16;
/// The longest summary, in bytes of JSON. What would go beyond is left out, in the order sent.
pub const MAX_BYTES: usize = 24 * 1_024;

/// An object or array being written.
struct Level {
    /// Where it begins in the output, its name included.
    from: usize,
    /// Members or elements written so far.
    written: usize,
    /// Elements met so far, nulls included.
    met: usize,
    array: bool,
}

/// The summary of a record: valid JSON, members in the order sent, numbers as sent. The scores of the top-level
/// `data_enrichment` are left out: they are kept apart, and reads put them back.
pub fn summarise(record: &str) -> String {
    let mut writer = Writer::default();
    for token in Tokens::of(record) {
        writer.take(token);
    }
    if writer.out.is_empty() { "{}".to_owned() } else { writer.out }
}

#[derive(Default)]
struct Writer<'a> {
    out: String,
    levels: Vec<Level>,
    /// The name that waits for its value.
    name: Option<&'a str>,
    /// Levels opened below the deepest one that is tracked.
    beyond: usize,
}

impl<'a> Writer<'a> {
    fn take(&mut self, token: Token<'a>) {
        if self.beyond > 0 {
            match token {
                Token::Open(_) => self.beyond += 1,
                Token::Close(_) => self.beyond -= 1,
                _ => {}
            }
            return;
        }
        match token {
            Token::Name(name) => self.name = Some(name),
            Token::Null => self.skip(),
            Token::Scalar(text) => self.scalar(text),
            Token::Open(bracket) => self.open(bracket),
            Token::Close(_) => self.close(),
        }
    }

    fn skip(&mut self) {
        self.name = None;
        if let Some(level) = self.levels.last_mut() {
            level.met += 1;
        }
    }

    fn wanted(&self) -> bool {
        self.levels.last().is_none_or(|level| !level.array || level.met < MAX_ARRAY) && self.out.len() < MAX_BYTES
    }

    /// Writes the comma and the name that go before a value.
    fn lead(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            if level.written > 0 {
                self.out.push(',');
            }
            level.written += 1;
            level.met += 1;
        }
        if let Some(name) = self.name.take() {
            self.out.push_str(name);
            self.out.push(':');
        }
    }

    fn scalar(&mut self, text: &str) {
        let name = self.name.map_or(0, str::len);
        if !self.wanted() || self.out.len() + name + text.len() + 2 > MAX_BYTES {
            return self.skip();
        }
        self.lead();
        self.out.push_str(text);
    }

    fn open(&mut self, bracket: char) {
        let enrichment = self.levels.len() == 1 && self.name.is_some_and(|name| spells(name, ENRICHMENT));
        if self.levels.len() >= MAX_DEPTH || enrichment || !self.wanted() {
            self.skip();
            self.beyond = 1;
            return;
        }
        let from = self.out.len();
        self.lead();
        self.out.push(bracket);
        self.levels.push(Level { from, written: 0, met: 0, array: bracket == '[' });
    }

    /// Closes a level, or takes it back where it is empty or turned out to be samples.
    fn close(&mut self) {
        let Some(level) = self.levels.pop() else { return };
        let samples = level.array && level.met > MAX_ARRAY;
        let take_back = !self.levels.is_empty() && (level.written == 0 || samples);
        if take_back {
            self.out.truncate(level.from);
            if let Some(parent) = self.levels.last_mut() {
                parent.written -= 1;
            }
        } else {
            self.out.push(if level.array { ']' } else { '}' });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::any_json;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn golden_summaries() {
        for (record, summary) in [
            ("{}", "{}"),
            (r#"{"a":null,"b":[],"c":{"d":{}}}"#, "{}"),
            (r#"{ "a" : 1.50, "b":[1, 2,null], "c":{"x":true,"y":null} }"#, r#"{"a":1.50,"b":[1,2],"c":{"x":true}}"#),
            (r#"{"hr":[1,2,3,4,5,6,7,8,9],"avg":1e3}"#, r#"{"avg":1e3}"#),
            (r#"{"hr":{"samples":[{"t":1},{"t":1},{"t":1},{"t":1},{"t":1},{"t":1},{"t":1},{"t":1},{"t":1}]}}"#, "{}"),
            (r#"{"m":[{"kg":72.4,"x":null}],"data_enrichment":{"s":1},"z":0}"#, r#"{"m":[{"kg":72.4}],"z":0}"#),
        ] {
            assert_eq!(summarise(record), summary, "{record}");
        }
    }

    #[test]
    fn hostile_records_stay_small() {
        let deep = format!(r#"{{"a":1,"d":{}1{},"z":2}}"#, r#"{"b":"#.repeat(5_000), "}".repeat(5_000));
        assert_eq!(summarise(&deep), r#"{"a":1,"z":2}"#);
        let wide: Vec<String> = (0..100_000).map(|n| format!(r#""k{n}":{n}"#)).collect();
        let summary = summarise(&format!("{{{}}}", wide.join(",")));
        assert!(summary.len() <= MAX_BYTES + 64 && summary.len() > MAX_BYTES / 2);
        assert!(serde_json::from_str::<Value>(&summary).is_ok());
    }

    fn has_null_or_long_array(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(list) => list.len() > MAX_ARRAY || list.iter().any(has_null_or_long_array),
            Value::Object(members) => members.values().any(has_null_or_long_array),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn a_summary_is_json_without_nulls(members in proptest::collection::btree_map("[a-z]{1,4}", any_json(), 0..8)) {
            let record = Value::Object(members.into_iter().collect()).to_string();
            let summary = summarise(&record);
            let parsed: Value = serde_json::from_str(&summary).unwrap();
            prop_assert!(parsed.is_object() && !has_null_or_long_array(&parsed));
            prop_assert_eq!(summarise(&summary), summary);
        }
    }
}
