//! Reading and writing attributes. Nothing here panics on an item that is not as expected: a missing attribute is
//! absent, and one of another kind is as well.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;

/// An item as DynamoDB has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn text(item: &Item, name: &str) -> Option<String> {
    item.get(name).and_then(|value| value.as_s().ok()).cloned()
}

pub(crate) fn bytes(item: &Item, name: &str) -> Option<Vec<u8>> {
    item.get(name).and_then(|value| value.as_b().ok()).map(|blob| blob.as_ref().to_vec())
}

pub(crate) fn number(item: &Item, name: &str) -> Option<u64> {
    item.get(name).and_then(|value| value.as_n().ok()).and_then(|number| number.parse().ok())
}

pub(crate) fn flag(item: &Item, name: &str) -> bool {
    item.get(name).and_then(|value| value.as_bool().ok()).copied().unwrap_or(false)
}

pub(crate) fn s(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn n(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn b(value: impl Into<Vec<u8>>) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

/// An update under construction: what is set, what is removed, on what condition.
#[derive(Debug, Default)]
pub(crate) struct Change {
    sets: String,
    removes: String,
    adds: String,
    conditions: String,
    pub(crate) names: HashMap<String, String>,
    pub(crate) values: HashMap<String, AttributeValue>,
}

impl Change {
    /// A placeholder for an attribute's name, the same for the same name.
    fn name(&mut self, name: &str) -> String {
        if let Some((placeholder, _)) = self.names.iter().find(|(_, known)| *known == name) {
            return placeholder.clone();
        }
        let placeholder = format!("#{}", self.names.len());
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn value(&mut self, value: AttributeValue) -> String {
        let placeholder = format!(":{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    /// Sets an attribute.
    pub(crate) fn set(&mut self, name: &str, value: AttributeValue) {
        let (name, value) = (self.name(name), self.value(value));
        self.append_set(&format!("{name} = {value}"));
    }

    /// Sets an attribute that is not there yet.
    pub(crate) fn set_if_absent(&mut self, name: &str, value: AttributeValue) {
        let (name, value) = (self.name(name), self.value(value));
        self.append_set(&format!("{name} = if_not_exists({name}, {value})"));
    }

    fn append_set(&mut self, clause: &str) {
        self.sets.push_str(if self.sets.is_empty() { "SET " } else { ", " });
        self.sets.push_str(clause);
    }

    /// Removes an attribute.
    pub(crate) fn remove(&mut self, name: &str) {
        let name = self.name(name);
        self.removes.push_str(if self.removes.is_empty() { " REMOVE " } else { ", " });
        self.removes.push_str(&name);
    }

    /// Adds a number to a set of numbers.
    pub(crate) fn add_number(&mut self, name: &str, number: u32) {
        let (name, value) = (self.name(name), self.value(AttributeValue::Ns(vec![number.to_string()])));
        self.adds.push_str(if self.adds.is_empty() { " ADD " } else { ", " });
        self.adds.push_str(&format!("{name} {value}"));
    }

    /// On the condition that the attribute is as it was read: that it has this value, or is not there.
    pub(crate) fn require_same(&mut self, name: &str, value: Option<&AttributeValue>) {
        let name = self.name(name);
        match value {
            Some(value) => {
                let value = self.value(value.clone());
                self.require(&format!("{name} = {value}"));
            }
            None => self.require(&format!("attribute_not_exists({name})")),
        }
    }

    /// Sets an attribute, on the condition that what is there is smaller.
    pub(crate) fn raise(&mut self, name: &str, value: AttributeValue) {
        let (name, value) = (self.name(name), self.value(value));
        self.append_set(&format!("{name} = {value}"));
        self.require(&format!("(attribute_not_exists({name}) OR {name} < {value})"));
    }

    /// The same; or, where `unreadable` is there, which is no value that compares, in its place.
    pub(crate) fn raise_over(&mut self, name: &str, value: AttributeValue, unreadable: Option<&AttributeValue>) {
        if unreadable.is_none() {
            return self.raise(name, value);
        }
        self.require_same(name, unreadable);
        self.set(name, value);
    }

    /// On the condition that the attribute is there.
    pub(crate) fn require_presence(&mut self, name: &str) {
        let name = self.name(name);
        self.require(&format!("attribute_exists({name})"));
    }

    fn require(&mut self, clause: &str) {
        self.conditions.push_str(if self.conditions.is_empty() { "" } else { " AND " });
        self.conditions.push_str(clause);
    }

    pub(crate) fn update_expression(&self) -> String {
        format!("{}{}{}", self.sets, self.removes, self.adds)
    }

    pub(crate) fn condition_expression(&self) -> Option<String> {
        (!self.conditions.is_empty()).then(|| self.conditions.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_spells_out_what_it_does() {
        let mut change = Change::default();
        change.raise("version", n(1));
        change.set("version", n(2));
        change.set_if_absent("reference", s("-"));
        change.remove("body");
        change.require_presence("version");
        assert_eq!(change.update_expression(), "SET #0 = :0, #0 = :1, #1 = if_not_exists(#1, :2) REMOVE #2");
        let condition = "(attribute_not_exists(#0) OR #0 < :0) AND attribute_exists(#0)";
        assert_eq!(change.condition_expression().as_deref(), Some(condition));
        assert_eq!(change.names.len(), 3);
    }

    #[test]
    fn an_attribute_of_another_kind_is_absent() {
        let item = Item::from([("a".to_owned(), n(7)), ("b".to_owned(), s("x"))]);
        assert_eq!((text(&item, "a"), number(&item, "b"), bytes(&item, "a")), (None, None, None));
        assert_eq!((number(&item, "a"), text(&item, "b")), (Some(7), Some("x".to_owned())));
        assert!(!flag(&item, "a"));
    }
}
