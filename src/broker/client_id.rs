//! The client id: stable per installation, so that the broker can tell a second copy from a reconnect.

use std::path::Path;
use std::{fs, io};

use rand::Rng;
use rand::distr::Alphanumeric;

use crate::kept_file;

/// File in the data dir.
const FILE: &str = "client_id";

/// Reads the installation's client id, or draws one and keeps it.
///
/// Letters and digits only: brokers with strict rules for client ids take it (MQTT 3.1.1 [MQTT-3.1.3-5] asks
/// for letters and digits up to 23 bytes at least).
///
/// # Errors
/// When the data dir cannot be read or written. Use [`random`] then: the id lives as long as the process.
pub(crate) fn load(data_dir: &Path) -> io::Result<String> {
    let path = data_dir.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) if is_usable(text.trim()) => Ok(text.trim().to_owned()),
        Ok(_) => draw(&path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => draw(&path),
        Err(error) => Err(error),
    }
}

/// A client id for this process only.
#[must_use]
pub(crate) fn random() -> String {
    let tail: String = rand::rng().sample_iter(Alphanumeric).take(9).map(char::from).collect();
    format!("cameraherald{tail}")
}

fn draw(path: &Path) -> io::Result<String> {
    let id = random();
    kept_file::keep(path, format!("{id}\n").as_bytes())?;
    Ok(id)
}

fn is_usable(text: &str) -> bool {
    (1..=23).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_keeps_its_id() {
        let dir = tempfile::tempdir().unwrap();
        let first = load(dir.path()).unwrap();
        assert!(is_usable(&first), "{first}");
        assert_eq!(load(dir.path()).unwrap(), first);
    }

    #[test]
    fn a_spoilt_file_gives_a_new_id() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "a/b#\0").unwrap();
        assert!(is_usable(&load(dir.path()).unwrap()));
    }
}
