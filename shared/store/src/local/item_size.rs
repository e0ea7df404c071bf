//! How large DynamoDB takes an item to be, and what a write of it costs ("DynamoDB item sizes and formats").

use serde_json::Value;

/// The bytes of an item in DynamoDB's JSON: names and values of its attributes.
pub(super) fn bytes_of(item: &Value) -> usize {
    let attributes = item.as_object().into_iter().flatten();
    attributes.map(|(name, value)| name.len() + value_bytes(value)).sum()
}

/// The write units of an item of so many bytes: one a KiB begun.
pub(super) fn units_of_write(bytes: usize) -> f64 {
    bytes.div_ceil(1_024).max(1) as f64
}

fn value_bytes(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else { return 0 };
    let text = |value: &Value| value.as_str().map_or(0, str::len);
    let each = |one: &dyn Fn(&Value) -> usize| value.as_array().into_iter().flatten().map(one).sum::<usize>();
    match kind.as_str() {
        "S" => text(value),
        "N" => number_bytes(value.as_str().unwrap_or_default()),
        // Base64 has four characters for three bytes.
        "B" => binary_bytes(value),
        "BOOL" | "NULL" => 1,
        "SS" => each(&text),
        "NS" => each(&|value| number_bytes(value.as_str().unwrap_or_default())),
        "BS" => each(&binary_bytes),
        "L" => 3 + each(&|value| 1 + value_bytes(value)),
        "M" => 3 + value.as_object().map_or(0, |members| members.len() + bytes_of(value)),
        _ => 0,
    }
}

fn binary_bytes(value: &Value) -> usize {
    let text = value.as_str().unwrap_or_default();
    text.trim_end_matches('=').len() * 3 / 4
}

/// A byte for two digits that count, and one more.
fn number_bytes(number: &str) -> usize {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    digits.trim_start_matches('0').trim_end_matches('0').len().div_ceil(2) + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn items_are_as_large_as_dynamodb_says() {
        let item = json!({"k": {"S": "abc"}, "n": {"N": "1200"}, "b": {"B": "AAEC"}, "l": {"L": [{"S": "a"}]}});
        assert_eq!(bytes_of(&item), (1 + 3) + (1 + 2) + (1 + 3) + (1 + 3 + 2));
        assert_eq!((units_of_write(0), units_of_write(1_024), units_of_write(1_025)), (1.0, 1.0, 2.0));
    }
}
