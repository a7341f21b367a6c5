//! Reads XML that cameras wrote: by local names, since their prefixes are anything.
//!
//! The parser refuses document types, so no entity can grow, and a tree has a bounded number of nodes.

use roxmltree::{Document, Node, ParsingOptions};

/// Nodes of one document. Real answers have some thousands.
const MOST_NODES: u32 = 60_000;
/// Characters of one text that are kept.
const MOST_CHARACTERS: usize = 512;

/// Parses a document.
pub(super) fn parse(text: &str) -> Result<Document<'_>, roxmltree::Error> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    // Some cameras begin with a byte order mark or an empty line, which XML does not allow before its declaration.
    Document::parse_with_options(text.trim_start_matches(['\u{feff}', ' ', '\r', '\n', '\t']), options)
}

/// The first element of this name below a node, however deep.
pub(super) fn find<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.descendants().skip(1).find(|below| is(*below, name))
}

/// Every element of this name below a node.
pub(super) fn all<'a, 'input>(node: Node<'a, 'input>, name: &'a str) -> impl Iterator<Item = Node<'a, 'input>> {
    node.descendants().skip(1).filter(move |below| is(*below, name))
}

/// The text of the first element of this name below a node.
pub(super) fn text_of(node: Node<'_, '_>, name: &str) -> Option<String> {
    text(find(node, name)?)
}

/// The node's text, trimmed and shortened; `None` when there is none.
pub(super) fn text(node: Node<'_, '_>) -> Option<String> {
    short(node.text().unwrap_or_default())
}

/// An attribute by its local name.
pub(super) fn attribute(node: Node<'_, '_>, name: &str) -> Option<String> {
    short(node.attributes().find(|attribute| attribute.name() == name)?.value())
}

/// Whether it is an element of this name.
pub(super) fn is(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

/// The element again as text that needs nothing around it.
pub(super) fn write(node: Node<'_, '_>, attributes: &str) -> String {
    let name = node.tag_name();
    let space = name.namespace().map_or_else(String::new, |uri| format!(" xmlns:r=\"{}\"", escape(uri)));
    let prefix = if name.namespace().is_some() { "r:" } else { "" };
    let own: String = node.attributes().map(|own| format!(" {}=\"{}\"", own.name(), escape(own.value()))).collect();
    let inside: String = node
        .children()
        .map(|child| if child.is_element() { write(child, "") } else { escape(child.text().unwrap_or_default()) })
        .collect();
    let tag = name.name();
    format!("<{prefix}{tag}{space}{own}{attributes}>{inside}</{prefix}{tag}>")
}

/// A text between tags or in an attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

fn short(text: &str) -> Option<String> {
    let text: String = text.trim().chars().filter(|c| !c.is_control()).take(MOST_CHARACTERS).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_bomb_is_refused_and_a_byte_order_mark_is_not() {
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbbbbbb\">]><a>&b;&b;</a>";
        assert!(parse(bomb).is_err());
        assert!(parse("\u{feff}\r\n<?xml version=\"1.0\"?><a/>").is_ok());
    }

    #[test]
    fn a_copied_element_stands_alone() {
        let text = "<s:a xmlns:s=\"urn:s\"><x:Id xmlns:x=\"urn:x&amp;y\" k=\"1\">a&lt;b<x:c/></x:Id></s:a>";
        let document = parse(text).unwrap();
        let copy = write(find(document.root_element(), "Id").unwrap(), " m=\"1\"");
        let again = parse(&copy).unwrap();
        assert_eq!(again.root_element().tag_name().namespace(), Some("urn:x&y"));
        assert_eq!(again.root_element().text(), Some("a<b"));
        assert!(copy.contains("k=\"1\" m=\"1\""), "{copy}");
    }
}
