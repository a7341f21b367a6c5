//! The leaves of an XML text: what stands between a tag and its end. Enough for messages of cameras, and it cannot be made to grow: entities
//! beyond the five of the standard and everything outside of the text itself are not followed.

use serde_json::Value;

/// Names are short in every message that is known.
const MAX_NAME: usize = 64;
const MAX_LEAVES: usize = 500;

/// Name without its prefix, and text, of each element that holds nothing but text.
pub(super) fn leaves(text: &str) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        rest = &rest[open + 1..];
        let Some(end) = rest.find('>') else { break };
        let (tag, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        let name = tag.split([' ', '\t', '\r', '\n', '/']).next().unwrap_or_default();
        if name.is_empty() || name.len() > MAX_NAME || tag.ends_with('/') || name.starts_with(['!', '?']) {
            continue;
        }
        let value = match after.strip_prefix("<![CDATA[") {
            Some(data) => data.split_once("]]>").map(|(value, rest)| (value.to_owned(), rest)),
            None => after.find('<').map(|close| (unescaped(after[..close].trim()), &after[close..])),
        };
        let closed = value.filter(|(_, rest)| rest.strip_prefix("</").is_some_and(|rest| rest.starts_with(name)));
        if let Some((value, _)) = closed {
            let name = name.rsplit_once(':').map_or(name, |(_, name)| name);
            found.push((name.to_owned(), Value::String(value)));
            if found.len() == MAX_LEAVES {
                break;
            }
        }
    }
    found
}

fn unescaped(text: &str) -> String {
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, sign)| text.replace(entity, sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        leaves(text).into_iter().map(|(name, value)| (name, value.as_str().unwrap().to_owned())).collect()
    }

    #[test]
    fn leaves_are_read_and_all_else_is_passed_over() {
        let text = "<?xml version=\"1.0\"?><!-- x --><a:Alert xmlns:a=\"x\"><eventType>VMD</eventType>\n<a:b x='1'> 1 &lt; 2 </a:b><c/>\
                    <d></d><list><e>1</e><e>2</e></list><f><![CDATA[<raw>]]></f></a:Alert>";
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = [
            pair("eventType", "VMD"),
            pair("b", "1 < 2"),
            pair("d", ""),
            pair("e", "1"),
            pair("e", "2"),
            pair("f", "<raw>"),
        ];
        assert_eq!(read(text), expected);
        for broken in [
            "",
            "<",
            "<a",
            "<a>",
            "<a>b",
            "<a>b<",
            "<a>b</",
            "</a>",
            "<>x</>",
            "<!DOCTYPE x [<!ENTITY a \"b\">]>",
            "<a>\u{e4}</b>",
        ] {
            assert_eq!(read(broken), [], "{broken}");
        }
        assert_eq!(read(&"<a>1</a>".repeat(10_000)).len(), MAX_LEAVES);
    }
}
