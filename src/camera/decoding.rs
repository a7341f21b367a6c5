//! Tells a camera whose pictures can never be decoded from one that had a bad moment. Pure.
//!
//! In: what became of each picture. Out: how far it is doubted that there is a picture in the stream at all. Invariant: after one good
//! picture nothing is doubted any more.

/// How many pictures that nobody can decode are believed, of a camera that never had another: the payload may be encrypted.
const BELIEVED: u32 = 3;

/// What the pictures of a camera came to so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decoding {
    /// One was good.
    Proven,
    /// None was, and so many were nothing that could be decoded.
    Never(u32),
}

/// How far it is doubted that there is a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It is too early to say something.
    Growing,
    /// There is none.
    Certain,
}

impl Default for Decoding {
    fn default() -> Self {
        Self::Never(0)
    }
}

impl Decoding {
    /// A picture was made.
    pub(super) fn succeeded(&mut self) {
        *self = Self::Proven;
    }

    /// A picture could not be made; `undecodable` when what came was none at all. `None`: there is nothing to doubt.
    pub(super) fn failed(&mut self, undecodable: bool) -> Option<Doubt> {
        let Self::Never(count) = self else { return None };
        *count = count.saturating_add(u32::from(undecodable));
        match *count {
            0 => None,
            few if few < BELIEVED => Some(Doubt::Growing),
            _ => Some(Doubt::Certain),
        }
    }
}
