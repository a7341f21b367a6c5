//! A user name and a password: a word that options, cameras and the broker share.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A user name and a password. The password is never printed.
#[derive(Clone)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password, possibly empty.
    pub password: SecretString,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

impl PartialEq for Credentials {
    fn eq(&self, other: &Self) -> bool {
        self.username == other.username && self.password.expose_secret() == other.password.expose_secret()
    }
}
