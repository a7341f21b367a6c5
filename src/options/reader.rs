//! Reads the keys of one group of options by the table in [`super::keys`]: types, ranges, defaults, unknown keys.
//!
//! Forgiving about form (numbers and flags may be texts, empty texts count as unset), strict about meaning.

use figment::value::{Dict, Num, Value};

use super::faults::Findings;
use super::keys::{self, Kind};

/// A group of keys: the top level, `mqtt`, one camera.
pub(super) struct Group<'a> {
    /// What comes before a key's name in messages: `cameras[1].`.
    path: String,
    /// What comes before it in the table: `cameras[].`.
    prefix: &'static str,
    values: &'a Dict,
}

impl<'a> Group<'a> {
    /// Warns about keys that are not in the table.
    pub(super) fn new(path: String, prefix: &'static str, values: &'a Dict, findings: &mut Findings<'_>) -> Self {
        let group = Self { path, prefix, values };
        let known = keys::names_below(prefix);
        for name in values.keys().filter(|name| !known.contains(&name.as_str())) {
            let problem = match closest(name, &known) {
                Some(near) => format!("unknown key, ignored; did you mean {near:?}?"),
                None => format!("unknown key, ignored; known here are {}", known.join(", ")),
            };
            findings.warning(group.full(name), problem);
        }
        group
    }

    /// The group below this one; `values` of nothing when it is unset or wrong.
    pub(super) fn below(&self, name: &'static str, findings: &mut Findings<'_>) -> Dict {
        match self.value(name) {
            None => Dict::new(),
            Some(Value::Dict(_, values)) => values.clone(),
            Some(other) => {
                let below = keys::names_below(&format!("{name}.")).join(", ");
                findings.fault(self.full(name), format!("must be a group with the keys {below}"), Some(other.tag()));
                Dict::new()
            }
        }
    }

    /// The value, unless it is unset: missing, null, or a blank text.
    pub(super) fn value(&self, name: &str) -> Option<&'a Value> {
        self.values.get(name).filter(|value| !is_unset(value))
    }

    /// A text: trimmed, unless it is a secret.
    pub(super) fn text(&self, name: &str, findings: &mut Findings<'_>) -> Option<String> {
        let kind = self.kind(name);
        let default = if let Kind::Text(default) = kind { default.map(str::to_owned) } else { None };
        let Some(value) = self.value(name) else { return default };
        let text = match value {
            Value::String(_, text) if kind == Kind::Secret => Some(text.clone()),
            Value::String(_, text) => Some(text.trim().to_owned()),
            Value::Char(_, c) => Some(c.to_string()),
            Value::Num(_, number) => whole(*number).map(|number| number.to_string()),
            _ => None,
        };
        if text.is_none() {
            self.fault(name, "must be text: put it in quotes", findings);
        } else if text.as_ref().is_some_and(|text| text.chars().any(char::is_control)) {
            self.fault(name, "must not contain line breaks or other control characters", findings);
            return default;
        }
        text.or(default)
    }

    /// A text of at most `most` characters.
    pub(super) fn short_text(&self, name: &str, most: usize, findings: &mut Findings<'_>) -> Option<String> {
        let text = self.text(name, findings);
        if text.as_ref().is_some_and(|text| text.chars().count() > most) {
            self.fault(name, format!("must not be longer than {most} characters"), findings);
        }
        text
    }

    /// A whole number in the range of the table.
    pub(super) fn number(&self, name: &str, findings: &mut Findings<'_>) -> Option<u32> {
        let Kind::Number { min, max, default } = self.kind(name) else {
            unreachable!("{name} is a number in the table")
        };
        let Some(value) = self.value(name) else { return default };
        let number = match value {
            Value::Num(_, number) => whole(*number),
            Value::String(_, text) => text.trim().parse().ok(),
            _ => None,
        };
        let number = number.and_then(|number| u32::try_from(number).ok()).filter(|number| (min..=max).contains(number));
        if number.is_none() {
            self.fault(name, format!("must be a whole number from {min} to {max}"), findings);
        }
        number.or(default)
    }

    /// Yes or no.
    pub(super) fn flag(&self, name: &str, findings: &mut Findings<'_>) -> Option<bool> {
        let Kind::Flag(default) = self.kind(name) else { unreachable!("{name} is a flag in the table") };
        let Some(value) = self.value(name) else { return default };
        let flag = match value {
            Value::Bool(_, flag) => Some(*flag),
            Value::String(_, text) => match text.trim().to_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Some(true),
                "false" | "no" | "off" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        };
        if flag.is_none() {
            self.fault(name, "must be true or false", findings);
        }
        flag.or(default)
    }

    /// One of the words of the table.
    pub(super) fn choice(&self, name: &str, findings: &mut Findings<'_>) -> &'static str {
        let Kind::Choice { words, default } = self.kind(name) else { unreachable!("{name} is a choice in the table") };
        let Some(value) = self.value(name) else { return default };
        let text = match value {
            Value::String(_, text) => Some(text.trim().to_lowercase()),
            Value::Num(_, number) => whole(*number).map(|number| number.to_string()),
            _ => None,
        };
        let word = words.iter().find(|word| text.as_deref() == Some(word));
        word.copied().unwrap_or_else(|| {
            self.fault(name, format!("must be one of {}", words.join(", ")), findings);
            default
        })
    }

    /// Notes a fault about a key of this group.
    pub(super) fn fault(&self, name: &str, problem: impl Into<String>, findings: &mut Findings<'_>) {
        findings.fault(self.full(name), problem, self.values.get(name).map(Value::tag));
    }

    /// Notes a warning about a key of this group.
    pub(super) fn warning(&self, name: &str, problem: impl Into<String>, findings: &mut Findings<'_>) {
        findings.warning(self.full(name), problem);
    }

    /// The path of a key of this group.
    pub(super) fn full(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }

    fn kind(&self, name: &str) -> Kind {
        keys::find(&format!("{}{name}", self.prefix)).kind
    }
}

/// The options form sends an empty text for a field that was left alone.
fn is_unset(value: &Value) -> bool {
    match value {
        Value::Empty(..) => true,
        Value::String(_, text) => text.trim().is_empty(),
        _ => false,
    }
}

fn whole(number: Num) -> Option<i128> {
    let float = number.to_f64().filter(|float| float.fract() == 0.0 && float.abs() < 9e15);
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
    let float = float.map(|float| float as i128);
    number.to_i128().or_else(|| number.to_u128().and_then(|number| i128::try_from(number).ok())).or(float)
}

/// The known name that is at most two edits away.
fn closest(name: &str, known: &[&'static str]) -> Option<&'static str> {
    let near = known.iter().map(|known| (edits(name, known), *known)).min()?;
    (near.0 <= 2 && near.0 <= near.1.len() / 2).then_some(near.1)
}

/// How many letters have to be changed, added or removed to make one name of the other.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let change = diagonal + usize::from(l != *r);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        assert_eq!(closest("strem", &["name", "stream"]), Some("stream"));
        assert_eq!(closest("pasword", &["username", "password"]), Some("password"));
        assert_eq!(closest("colour", &["name", "stream", "id"]), None);
        assert_eq!(closest("x", &["id"]), None);
    }
}
