//! `docs/promises.md` names tests, and scenarios of `tests/e2e`. They must exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn functions(dir: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, found);
        } else if let Some(definition) = path.extension().and_then(|ending| definition(ending.to_str()?)) {
            let text = fs::read_to_string(&path).unwrap();
            let names = text.split(definition).skip(1);
            found.extend(
                names.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()),
            );
        }
    }
}

/// What stands before a function's name in a file with this ending.
fn definition(ending: &str) -> Option<&'static str> {
    match ending {
        "rs" => Some("fn "),
        "py" => Some("\ndef "),
        _ => None,
    }
}

#[test]
fn every_test_that_the_promises_name_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut known = BTreeSet::new();
    functions(&root.join("src"), &mut known);
    functions(&root.join("tests"), &mut known);
    let page = fs::read_to_string(root.join("docs/promises.md")).unwrap();
    let named: Vec<&str> = page.split('`').skip(1).step_by(2).filter(|name| name.matches('_').count() > 2).collect();
    assert!(named.len() > 30, "the page names {} tests", named.len());
    let missing: Vec<_> = named.iter().filter(|name| !known.contains(**name)).collect();
    assert!(missing.is_empty(), "the promises name tests that do not exist: {missing:?}");
}
