//! Proving who we are to a camera: what is answered to which challenge, and what a refusal means.
//!
//! In: challenges, and what became of the requests before. Out: the next proof, or the reason why there is none. Invariant: pure; a login
//! is called refused only when it was sent, understood, and refused. What was asked for by Digest is never sent as Basic.

use crate::camera::prober::login::{Logins, Question, Unanswered};
use crate::camera::prober::place::Place;
use crate::credentials::Credentials;

/// Why a 401 cannot be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Locked {
    /// The camera wants a user, and has been given none.
    Missing,
    /// What it asks cannot be answered, or must not be.
    Unanswered(Unanswered),
    /// The proof was sent and refused.
    Refused,
    /// It took the proof before, and takes none any more.
    AsksAgain,
    /// Another port of the camera wants the password in the clear.
    Elsewhere,
}

/// How often one request is repeated for a nonce that ran out.
const FRESH_NONCES: u32 = 2;

/// The login for one visit.
pub(super) struct Login<'a> {
    logins: &'a Logins,
    place: &'a Place,
    credentials: Option<&'a Credentials>,
    /// The camera sent us to another port, which the user has not named.
    is_elsewhere: bool,
    /// What the camera asked last.
    question: Option<Question>,
    /// The camera has accepted a request with the proof.
    proven: bool,
    /// How often the present request was repeated.
    repeated: u32,
}

impl<'a> Login<'a> {
    pub(super) fn new(
        logins: &'a Logins,
        place: &'a Place,
        credentials: Option<&'a Credentials>,
        is_elsewhere: bool,
    ) -> Self {
        Self { logins, place, credentials, is_elsewhere, question: None, proven: false, repeated: 0 }
    }

    /// Whether anything of the login has been sent.
    pub(super) fn is_used(&self) -> bool {
        self.question.is_some()
    }

    /// A new request begins.
    pub(super) fn begin(&mut self) {
        self.repeated = 0;
    }

    /// The header for a request, once the camera has asked for one.
    pub(super) fn authorization(&mut self, method: &str, uri: &str) -> Option<String> {
        self.question.as_mut()?.answer(self.credentials?, method, uri).ok()
    }

    /// The request was accepted.
    pub(super) fn accepted(&mut self) {
        self.proven |= self.is_used();
    }

    /// The request was answered with 401 and these challenges: whether to repeat it.
    pub(super) fn challenged<'h>(&mut self, headers: impl IntoIterator<Item = &'h str>) -> Result<(), Locked> {
        if self.credentials.is_none() {
            return Err(Locked::Missing);
        }
        let question = match (self.logins.read(self.place, headers), self.is_used()) {
            (Ok(question), _) => question,
            (Err(unanswered), false) | (Err(unanswered @ Unanswered::Downgraded), true) => {
                return Err(Locked::Unanswered(unanswered));
            }
            (Err(_), true) => return Err(self.refusal()),
        };
        if let Some(answered) = &self.question {
            // RFC 7616, section 3.3: the proof was right, but made of a nonce that has run out. Not every camera says so.
            let ran_out = question.nonce() != answered.nonce() && (question.is_stale || self.proven);
            if question.nonce().is_none() || !ran_out || self.repeated >= FRESH_NONCES {
                return Err(self.refusal());
            }
        }
        if question.nonce().is_none() && self.is_elsewhere {
            return Err(Locked::Elsewhere);
        }
        self.repeated += 1;
        self.question = Some(question);
        Ok(())
    }

    fn refusal(&self) -> Locked {
        if self.proven { Locked::AsksAgain } else { Locked::Refused }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> Credentials {
        Credentials { username: "viewer".to_owned(), password: "secret".to_owned().into() }
    }

    fn place() -> Place {
        Place::of(&url::Url::parse("rtsp://10.0.0.5/live").unwrap()).unwrap()
    }

    const BASIC: &str = "Basic realm=\"cam\"";

    fn digest(nonce: &str) -> String {
        format!("Digest realm=\"cam\", nonce=\"{nonce}\"")
    }

    /// What becomes of answers in turn: `Some` is a 401 with these challenges, `None` is accepted.
    fn play(login: &mut Login<'_>, answers: &[Option<&str>]) -> Result<(), Locked> {
        login.begin();
        for answer in answers {
            match answer {
                Some("") => login.challenged([])?,
                Some(header) => login.challenged([*header])?,
                None => {
                    login.accepted();
                    login.begin();
                }
            }
        }
        Ok(())
    }

    #[test]
    fn only_a_proof_that_was_sent_and_refused_is_refused() {
        let (known, place) = (credentials(), place());
        let (one, two, three) = (&*digest("1"), &*digest("2"), &*digest("3"));
        let stale = &*format!("{}, stale=TRUE", digest("4"));
        for (answers, expected) in [
            (&[Some("")][..], Err(Locked::Unanswered(Unanswered::NotAsked))),
            (&[Some("NTLM")], Err(Locked::Unanswered(Unanswered::NotUnderstood))),
            (&[Some(one), None], Ok(())),
            (&[Some(BASIC), None], Ok(())),
            (&[Some(one), Some(two)], Err(Locked::Refused)),
            (&[Some(one), Some(one)], Err(Locked::Refused)),
            (&[Some(BASIC), Some(BASIC)], Err(Locked::Refused)),
            (&[Some(one), Some("")], Err(Locked::Refused)),
            (&[Some(one), Some(stale), None], Ok(())),
            (&[Some(one), None, Some(two), None, Some(three), None], Ok(())),
            (&[Some(one), None, Some(two), Some(three), Some(one)], Err(Locked::AsksAgain)),
            (&[Some(one), None, Some(one)], Err(Locked::AsksAgain)),
            (&[Some(one), None, Some(BASIC)], Err(Locked::Unanswered(Unanswered::Downgraded))),
        ] {
            let logins = Logins::default();
            let mut login = Login::new(&logins, &place, Some(&known), false);
            assert_eq!(play(&mut login, answers), expected, "{answers:?}");
        }
        let logins = Logins::default();
        assert_eq!(play(&mut Login::new(&logins, &place, None, false), &[Some(one)]), Err(Locked::Missing));
    }

    #[test]
    fn what_was_asked_for_by_digest_is_never_sent_in_the_clear() {
        let (known, place, logins) = (credentials(), place(), Logins::default());
        let elsewhere = || Login::new(&logins, &place, Some(&known), true);
        assert_eq!(play(&mut elsewhere(), &[Some(BASIC)]), Err(Locked::Elsewhere));
        let mut login = elsewhere();
        assert_eq!(play(&mut login, &[Some(&format!("{BASIC}, {}", digest("1"))), None]), Ok(()));
        let proof = login.authorization("PLAY", "rtsp://x/").unwrap();
        assert!(proof.starts_with("Digest "), "{proof}");
        let downgraded = Err(Locked::Unanswered(Unanswered::Downgraded));
        assert_eq!(play(&mut Login::new(&logins, &place, Some(&known), false), &[Some(BASIC)]), downgraded);
    }
}
