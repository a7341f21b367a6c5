//! Topic names and filters by the rules of MQTT 3.1.1 §4.7. Invariant: a filter that begins with a wildcard never
//! matches a topic that begins with `$`.

/// Whether a PUBLISH or a will may carry this topic.
pub(super) fn is_topic(topic: &str) -> bool {
    !topic.is_empty() && !topic.contains(['+', '#', '\0'])
}

/// Whether a SUBSCRIBE may carry this filter.
pub(super) fn is_filter(filter: &str) -> bool {
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        let sound = match level {
            "+" => true,
            "#" => levels.peek().is_none(),
            name => !name.contains(['+', '#', '\0']),
        };
        if !sound {
            return false;
        }
    }
    !filter.is_empty()
}

/// Whether a message on `topic` belongs to a subscription to `filter`.
pub(super) fn matches(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut names = topic.split('/');
    for level in filter.split('/') {
        match (level, names.next()) {
            ("#", _) => return true,
            ("+", Some(_)) => {}
            (level, Some(name)) if level == name => {}
            _ => return false,
        }
    }
    names.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_selects_the_topics_that_the_standard_says() {
        let table = [
            ("a/b", "a/b", true),
            ("a/b", "a/b/c", false),
            ("a/b", "a", false),
            ("a/+", "a/b", true),
            ("a/+", "a/", true),
            ("a/+", "a", false),
            ("a/+", "a/b/c", false),
            ("+/b", "a/b", true),
            ("+/+", "/b", true),
            ("+", "/b", false),
            ("a/+/c", "a/b/c", true),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("a/#", "ab", false),
            ("#", "a/b/c", true),
            ("#", "/", true),
            ("+/b/#", "a/b", true),
            ("ü/+", "ü/é", true),
            ("+", "über", true),
        ];
        for (filter, topic, expected) in table {
            assert_eq!(matches(filter, topic), expected, "{filter} on {topic}");
        }
    }

    #[test]
    fn a_leading_wildcard_does_not_reach_dollar_topics() {
        assert!(!matches("#", "$SYS/uptime"));
        assert!(!matches("+/uptime", "$SYS/uptime"));
        assert!(matches("$SYS/#", "$SYS/uptime"));
        assert!(matches("$SYS/+", "$SYS/uptime"));
        assert!(matches("a/#", "a/$b"));
    }

    #[test]
    fn wildcards_stand_alone_in_their_level_and_the_hash_is_last() {
        for sound in ["#", "+", "a/#", "+/a/+", "/", "a//b", "$SYS/#"] {
            assert!(is_filter(sound), "{sound}");
        }
        for unsound in ["", "a#", "#/a", "a/#/b", "a+", "a/b+/c", "a\0"] {
            assert!(!is_filter(unsound), "{unsound}");
        }
    }

    #[test]
    fn a_topic_has_no_wildcards() {
        assert!(is_topic("a/b"));
        for unsound in ["", "a/+", "#", "a\0b"] {
            assert!(!is_topic(unsound), "{unsound}");
        }
    }
}
