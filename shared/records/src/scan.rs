//! One walk over the bytes of a JSON value that is known to be well formed.
//!
//! The parser that cut the value out of its body has checked it, so the walk only has to tell tokens apart. It uses no
//! stack and allocates nothing, whatever the depth.

/// What the walk meets, in order. Texts are slices of the input, quotes included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// A member's name.
    Name(&'a str),
    /// A string, number, `true` or `false`.
    Scalar(&'a str),
    /// `null`.
    Null,
    /// `{` or `[`.
    Open(char),
    /// `}` or `]`.
    Close(char),
}

/// Walks over one JSON value.
#[derive(Debug, Clone)]
pub struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    /// Begins at the start of `json`.
    pub fn of(json: &'a str) -> Self {
        Self { text: json, at: 0 }
    }

    /// Where in the input the walk stands: just after the last token.
    pub fn stands_at(&self) -> usize {
        self.at
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// The end of the string that opens at `from`.
    fn end_of_string(&self, from: usize) -> usize {
        let mut at = from + 1;
        loop {
            let rest = self.text.as_bytes().get(at..).unwrap_or_default();
            match rest.iter().position(|byte| matches!(byte, b'"' | b'\\')) {
                Some(offset) if rest.get(offset) == Some(&b'"') => return at + offset + 1,
                Some(offset) => at += offset + 2,
                None => return self.text.len(),
            }
        }
    }

    fn end_of_word(&self, from: usize) -> usize {
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        let end = rest.iter().position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n'));
        end.map_or(self.text.len(), |offset| from + offset)
    }

    fn is_name(&self, end: usize) -> bool {
        let rest = self.text.as_bytes().get(end..).unwrap_or_default();
        rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let from = self.at;
            let byte = self.byte(from)?;
            self.at += 1;
            match byte {
                b'{' | b'[' => return Some(Token::Open(char::from(byte))),
                b'}' | b']' => return Some(Token::Close(char::from(byte))),
                b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' => {}
                b'"' => {
                    self.at = self.end_of_string(from);
                    let text = self.text.get(from..self.at)?;
                    return Some(if self.is_name(self.at) { Token::Name(text) } else { Token::Scalar(text) });
                }
                _ => {
                    self.at = self.end_of_word(from);
                    let word = self.text.get(from..self.at)?;
                    return Some(if word == "null" { Token::Null } else { Token::Scalar(word) });
                }
            }
        }
    }
}

/// Whether `token`, a name with its quotes, spells `name`, escapes undone.
pub fn spells(token: &str, name: &str) -> bool {
    let plain = token.strip_prefix('"').and_then(|token| token.strip_suffix('"'));
    match plain {
        Some(plain) if !plain.contains('\\') => plain == name,
        _ => serde_json::from_str::<String>(token).is_ok_and(|decoded| decoded == name),
    }
}

#[cfg(test)]
pub(crate) use tests::any_json;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn tokens_are_told_apart() {
        let tokens: Vec<_> = Tokens::of(r#" {"a\"" : [1.50, "x:y", null,true],"b":{}} "#).collect();
        assert_eq!(
            tokens,
            [
                Token::Open('{'),
                Token::Name(r#""a\"""#),
                Token::Open('['),
                Token::Scalar("1.50"),
                Token::Scalar(r#""x:y""#),
                Token::Null,
                Token::Scalar("true"),
                Token::Close(']'),
                Token::Name(r#""b""#),
                Token::Open('{'),
                Token::Close('}'),
                Token::Close('}'),
            ]
        );
        assert!(
            spells(r#""data_enrichment""#, "data_enrichment") && spells(r#""data\u005fenrichment""#, "data_enrichment")
        );
        assert!(!spells(r#""Data_enrichment""#, "data_enrichment"));
    }

    /// Any JSON value, deep and odd ones included.
    pub(crate) fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_filter("JSON has no NaN", |number| number.is_finite()).prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
            r#"[\\":,{}\[\]n]{0,6}"#.prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 60, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map(r#"[a-c\\":]{0,3}"#, inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn count(value: &Value) -> usize {
        match value {
            Value::Null => 0,
            Value::Array(list) => list.iter().map(count).sum(),
            Value::Object(members) => members.values().map(count).sum(),
            _ => 1,
        }
    }

    proptest! {
        #[test]
        fn the_walk_meets_every_scalar_once(value in any_json(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let scalars = Tokens::of(&text).filter(|token| matches!(token, Token::Scalar(_))).count();
            prop_assert_eq!(scalars, count(&value));
        }

        #[test]
        fn no_text_makes_the_walk_panic_or_go_on_for_ever(text in "\\PC*", tail in r#"[{}\[\]",:\\n0]*"#) {
            let text = format!("{text}{tail}");
            prop_assert!(Tokens::of(&text).count() <= text.len());
        }
    }
}
