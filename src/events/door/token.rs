//! The event token: whoever knows it may send events. Made at the first start, kept in the data dir.
//!
//! It is compared in constant time (`subtle`, which TLS brings along anyway), so that answers do not tell it bit by bit.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::RngCore;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use crate::kept_file;

/// File in the data dir.
const FILE: &str = "event_token";
/// Read and written by us alone.
const MODE: u32 = 0o600;
/// A text that the user put there is taken too, if it is not too short to be one.
const LENGTH: std::ops::RangeInclusive<usize> = 16..=256;

/// What stands in the data dir.
enum Kept {
    Usable(EventToken),
    Unusable,
    None,
}

/// The token. It is never printed; [`secret`](Self::secret) gives it to those who show it on purpose.
#[derive(Debug, Clone)]
pub struct EventToken(Arc<SecretString>);

impl EventToken {
    /// Reads the installation's token, or makes one and keeps it.
    ///
    /// # Errors
    /// When the data dir cannot be read or written. Use [`random`](Self::random) then: the token lives as long as the
    /// process.
    pub fn load(data_dir: &Path) -> io::Result<Self> {
        let path = data_dir.join(FILE);
        match Self::kept(data_dir)? {
            Kept::Usable(token) => {
                tighten(&path);
                Ok(token)
            }
            Kept::None => {
                tracing::info!(path = %path.display(), "Made the event token");
                Self::make(&path)
            }
            Kept::Unusable => {
                tracing::warn!(
                    path = %path.display(),
                    "The event token is not usable (16 to 256 of A-Z, a-z, 0-9, - and _) and was replaced; tell the senders"
                );
                Self::make(&path)
            }
        }
    }

    /// The installation's token as it is kept now; nothing is made or changed. `None`: there is none that can be used, and the next start
    /// makes one.
    ///
    /// # Errors
    /// When the data dir cannot be read.
    pub(crate) fn look_up(data_dir: &Path) -> io::Result<Option<Self>> {
        match Self::kept(data_dir)? {
            Kept::Usable(token) => Ok(Some(token)),
            Kept::None | Kept::Unusable => Ok(None),
        }
    }

    fn kept(data_dir: &Path) -> io::Result<Kept> {
        let text = match fs::read(data_dir.join(FILE)) {
            Ok(bytes) => String::from_utf8(bytes).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::None),
            Err(error) => return Err(error),
        };
        let text = text.trim();
        Ok(if is_usable(text) { Kept::Usable(Self::new(text)) } else { Kept::Unusable })
    }

    /// A token for this process only: 32 random bytes.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = [0; 32];
        rand::rng().fill_bytes(&mut bytes);
        Self::new(&BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The token with this text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Arc::new(SecretString::from(text)))
    }

    /// Is this the token? Takes the same time for every text of its length.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.0.expose_secret().as_bytes().ct_eq(text.as_bytes()).into()
    }

    /// The text, for `check` and the page.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.0
    }

    /// Makes a new token and keeps it in place of the old one.
    ///
    /// # Errors
    /// When the data dir cannot be written: then the old token is still the one that is kept.
    pub(super) fn renew(data_dir: &Path) -> io::Result<Self> {
        Self::make(&data_dir.join(FILE))
    }

    fn make(path: &Path) -> io::Result<Self> {
        let token = Self::random();
        kept_file::keep(path, format!("{}\n", token.0.expose_secret()).as_bytes())?;
        Ok(token)
    }
}

/// Takes the file away from other users, if it was restored or copied with another mode.
fn tighten(path: &Path) {
    let open = fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0);
    if open && let Err(error) = fs::set_permissions(path, Permissions::from_mode(MODE)) {
        tracing::warn!(%error, path = %path.display(), "The event token can be read by other users of this machine");
    }
}

/// As it is in a URL, a header and a camera's form, without any escaping (RFC 3986, section 2.3).
fn is_usable(text: &str) -> bool {
    LENGTH.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn an_installation_keeps_its_token() {
        let dir = tempfile::tempdir().unwrap();
        assert!(EventToken::look_up(dir.path()).unwrap().is_none());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "looking makes nothing");
        let first = EventToken::load(dir.path()).unwrap();
        assert!(EventToken::look_up(dir.path()).unwrap().unwrap().is(first.secret().expose_secret()));
        assert_eq!(first.secret().expose_secret().len(), 43);
        assert!(is_usable(first.secret().expose_secret()));
        assert_eq!(mode(&dir.path().join(FILE)), 0o600);
        assert!(EventToken::load(dir.path()).unwrap().is(first.secret().expose_secret()));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing unfinished is left");
    }

    #[test]
    fn a_token_of_ones_own_is_taken_trimmed_and_made_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        fs::write(&path, " my-own_token-0123456789 \r\n").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert!(EventToken::load(dir.path()).unwrap().is("my-own_token-0123456789"));
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn an_unusable_token_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        for unusable in [&b""[..], b"short", b"with a space in it 123", b"\xff\xfe\0 0123456789abcdef", &[b'x'; 257]] {
            fs::write(&path, unusable).unwrap();
            assert!(EventToken::look_up(dir.path()).unwrap().is_none());
            fs::write(path.with_extension("new"), "left over").unwrap();
            let token = EventToken::load(dir.path()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap().trim(), token.secret().expose_secret());
            assert_eq!(mode(&path), 0o600);
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(FILE)).unwrap();
        assert!(EventToken::load(dir.path()).is_err());
        assert!(EventToken::load(&dir.path().join("nowhere")).is_err());
    }

    #[test]
    fn only_the_token_is_the_token_and_it_is_not_printed() {
        let token = EventToken::new("0123456789abcdef");
        assert!(token.is("0123456789abcdef"));
        for other in ["", "0123456789abcdeF", "0123456789abcdef0", "0123456789abcde"] {
            assert!(!token.is(other), "{other}");
        }
        assert!(!format!("{token:?}").contains("0123456789abcdef"));
        assert!(!EventToken::random().is(EventToken::random().secret().expose_secret()));
    }
}
