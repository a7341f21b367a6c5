//! Makes an id out of a name.

use crate::camera::CameraId;

/// The name in `a-z`, `0-9` and `_`: umlauts and accents are written out, everything else becomes one `_`.
///
/// Empty when nothing of the name can be written like that. What comes out for a name must never change: it is the
/// identity of all cameras that have no `id`.
pub(super) fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => slug.push(c),
            // A letter and an umlaut mark of its own, as some systems write ä.
            '\u{308}' if slug.ends_with(['a', 'o', 'u']) => slug.push('e'),
            '\u{300}'..='\u{36f}' => {}
            _ => match latin(c) {
                Some(letters) => slug.push_str(letters),
                None if slug.is_empty() || slug.ends_with('_') => {}
                None => slug.push('_'),
            },
        }
    }
    slug.truncate(CameraId::MAX_LEN);
    slug.truncate(slug.trim_end_matches('_').len());
    slug
}

fn latin(c: char) -> Option<&'static str> {
    Some(match c {
        'ä' | 'æ' => "ae",
        'ö' | 'œ' => "oe",
        'ü' => "ue",
        'ß' => "ss",
        'þ' => "th",
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'ç' | 'ć' | 'ĉ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ģ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'į' | 'ı' => "i",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ø' | 'ō' | 'ő' => "o",
        'ŕ' | 'ř' => "r",
        'ś' | 'ş' | 'š' | 'ș' => "s",
        'ţ' | 'ť' | 'ț' => "t",
        'ù' | 'ú' | 'û' | 'ū' | 'ů' | 'ű' | 'ų' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_become_readable_ids() {
        for (name, id) in [
            ("Front door", "front_door"),
            ("  Haustür – Straße! ", "haustuer_strasse"),
            ("Entrée du café", "entree_du_cafe"),
            ("Garten\u{308}", "garten"),
            ("Tu\u{308}r", "tuer"),
            ("ÄÖÜ", "aeoeue"),
            ("Łódź 2", "lodz_2"),
            ("a--b__c", "a_b_c"),
            ("カメラ", ""),
            ("🎥", ""),
        ] {
            assert_eq!(slug(name), id, "{name}");
        }
        assert_eq!(slug(&"ß".repeat(80)).len(), CameraId::MAX_LEN);
    }

    proptest! {
        #[test]
        fn a_slug_is_an_id_or_empty(name in "\\PC{0,90}") {
            let slug = slug(&name);
            prop_assert!(slug.is_empty() || slug == "bridge" || CameraId::new(&slug).is_ok(), "{slug:?}");
            prop_assert!(!slug.starts_with('_') && !slug.ends_with('_') && !slug.contains("__"));
        }
    }
}
