//! How a record grows: Terra sends a record several times, each time a superset of what came before.

use crate::simulate::json::Json;

/// A copy of `record` as it was at `stage` of `stages`, counted from 1; the last is the whole. Earlier copies have
/// fewer sections, fewer samples and smaller totals; what names the record is in all of them.
pub fn at_stage(record: &Json, stage: usize, stages: usize) -> Json {
    if stage >= stages {
        return record.clone();
    }
    let Json::Object(members) = record else { return record.clone() };
    let (named, sections): (Vec<_>, Vec<_>) = members.iter().partition(|(name, value)| names_it(name, value));
    let kept = (sections.len() * stage).div_ceil(stages);
    let grown = sections.into_iter().take(kept).map(|(name, value)| (name.clone(), smaller(value, stage, stages)));
    Json::Object(named.into_iter().cloned().chain(grown).collect())
}

/// Whether a member may tell the record from others.
fn names_it(name: &str, value: &Json) -> bool {
    name == "metadata" || matches!(value, Json::Text(_))
}

fn smaller(value: &Json, stage: usize, stages: usize) -> Json {
    match value {
        Json::Number(number) => Json::Number(match number.parse::<u64>() {
            Ok(total) if total > 9 => (total / stages as u64 * stage as u64).to_string(),
            _ => number.clone(),
        }),
        Json::List(items) => {
            let kept = (items.len() * stage).div_ceil(stages);
            Json::List(items.iter().take(kept).cloned().collect())
        }
        Json::Object(members) => {
            Json::Object(members.iter().map(|(name, value)| (name.clone(), smaller(value, stage, stages))).collect())
        }
        Json::Null | Json::Bool(_) | Json::Text(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_grow_to_the_whole() {
        let whole = Json::read(
            r#"{"timestamp":"t","metadata":{"upload_type":12},"a":{"n":300,"l":[1,2,3]},"b":{"f":1.5},"c":{}}"#,
        )
        .unwrap();
        let copies: Vec<_> = (1..=3).map(|stage| at_stage(&whole, stage, 3)).collect();
        assert_eq!(copies[0].write(), r#"{"metadata":{"upload_type":12},"timestamp":"t","a":{"l":[1],"n":100}}"#);
        assert!(copies.windows(2).all(|pair| pair[0].leaves() < pair[1].leaves()));
        assert_eq!(copies[2].write(), whole.write());
    }
}
