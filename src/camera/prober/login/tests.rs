use url::Url;

use super::*;

fn place() -> Place {
    Place::of(&Url::parse("http://10.0.0.5/snap.jpg").unwrap()).unwrap()
}

fn viewer() -> Credentials {
    Credentials { username: "viewer".to_owned(), password: "right".to_owned().into() }
}

/// What is answered to these lines by a place that was never heard of.
fn answer(lines: &[&str]) -> Result<String, Unanswered> {
    Logins::default().read(&place(), lines.iter().copied())?.answer(&viewer(), "GET", "/snap.jpg")
}

#[test]
fn every_question_that_can_be_read_is_answered() {
    let basic = "Basic dmlld2VyOnJpZ2h0";
    for (lines, expected) in [
        (&["Basic realm=\"cam\""][..], Ok(basic)),
        (&["Basic realm=IP Camera"], Ok(basic)),
        (&["basic"], Ok(basic)),
        (&["BASIC realm=\"a \\\"quoted\\\" one\", charset=UTF-8"], Ok(basic)),
        (&["Bearer realm=x", "Basic realm=x"], Ok(basic)),
        (&["Digest realm=\"cam\", nonce=\"abc\", algorithm=\"MD5\", stale=\"FALSE\""], Ok("Digest")),
        (&["Digest realm=\"cam\",nonce=\"abc\",stale=FALSE"], Ok("Digest")),
        (&["Digest realm=cam, nonce=abc"], Ok("Digest")),
        (&["Digest realm=\"cam\" nonce=\"abc\""], Ok("Digest")),
        (&["Digest realm = \"cam\", nonce = \"abc\""], Ok("Digest")),
        (&["Digest  realm=\"cam\"; nonce=\"abc\";"], Ok("Digest")),
        (&["digest nonce=\"abc\""], Ok("Digest")),
        (&["Digest realm=\"\", nonce=\"abc\", qop=\"\""], Ok("Digest")),
        (&["Digest realm=\"x\", nonce=\"abc\", nonce=\"def\", opaque=\"\""], Ok("Digest")),
        (&["Digest realm=IP Camera, nonce=abc=="], Ok("realm=")),
        (&["Digest realm=\"x\", nonce=\"abc\", qop=\"auth,auth-int\", algorithm=SHA-256"], Ok("Digest")),
        (&["Digest realm=\"x\", nonce=\"abc\", algorithm=ODD", "Digest realm=\"x\", nonce=\"abc\""], Ok("Digest")),
        (&["Basic realm=\"x\", Digest realm=\"x\", nonce=\"abc\""], Ok("Digest")),
        (&["Digest realm=\"x\", nonce=\"abc\", algorithm=ODD"], Err(Unanswered::NotUnderstood)),
        (&["Digest realm=\"x\""], Err(Unanswered::NotUnderstood)),
        (&["NTLM"], Err(Unanswered::NotUnderstood)),
        (&["Bearer realm=\"x\""], Err(Unanswered::NotUnderstood)),
        (&["="], Err(Unanswered::NotAsked)),
        (&[", ,"], Err(Unanswered::NotAsked)),
        (&[""], Err(Unanswered::NotAsked)),
        (&[], Err(Unanswered::NotAsked)),
    ] {
        let answered = answer(lines);
        let short = answered.as_deref().map(|text| if text.starts_with("Digest ") { "Digest" } else { text });
        match expected {
            Ok(expected) if expected.contains('=') => {
                assert!(answered.unwrap().contains("realm=\"IP Camera\""), "{lines:?}")
            }
            expected => assert_eq!(short, expected.as_ref().map(|text| *text), "{lines:?}"),
        }
    }
}

#[test]
fn the_realm_and_the_nonce_are_used_as_they_were_given() {
    // RFC 2069's form, worked out by hand: MD5 of "viewer:cam:right", of "GET:/snap.jpg", and of both with the nonce.
    let plain = answer(&["Digest realm=\"cam\", nonce=\"abc\""]).unwrap();
    for odd in
        ["Digest realm=\"cam\" nonce=\"abc\"", "Digest nonce = abc,realm = cam", "DIGEST realm=cam;nonce=\"abc\""]
    {
        assert_eq!(answer(&[odd]).unwrap(), plain, "{odd}");
    }
    assert!(plain.contains("realm=\"cam\"") && plain.contains("nonce=\"abc\"") && !plain.contains("right"), "{plain}");
}

#[test]
fn a_nonce_that_ran_out_is_told_from_a_refusal() {
    let logins = Logins::default();
    for (stale, expected) in [("", false), (", stale=false", false), (", stale=TRUE", true), (", STALE=\"true\"", true)]
    {
        let line = format!("Digest realm=\"cam\", nonce=\"abc\"{stale}");
        assert_eq!(logins.read(&place(), [line.as_str()]).map(|question| question.is_stale), Ok(expected), "{stale}");
    }
}

#[test]
fn a_place_that_asked_by_digest_is_never_answered_by_basic() {
    let logins = Logins::default();
    let read = |line: &str| logins.read(&place(), [line]).map(|_| ());
    assert_eq!(read("Basic realm=x"), Ok(()));
    assert_eq!(read("Basic realm=x, Digest realm=x, nonce=y"), Ok(()));
    assert_eq!(logins.clone().read(&place(), ["Basic realm=x"]).map(|_| ()), Err(Unanswered::Downgraded));
    assert_eq!(read("Digest realm=x, nonce=z"), Ok(()));
    let other = Place::of(&Url::parse("http://10.0.0.6/").unwrap()).unwrap();
    assert!(logins.read(&other, ["Basic realm=x"]).is_ok(), "another place has its own memory");
}

#[test]
fn a_question_without_end_is_read_in_time() {
    let long = format!("Digest realm=\"{}\", nonce=\"{}\"", "r".repeat(50_000), "n".repeat(50_000));
    assert_eq!(answer(&[&long]).map(|_| ()), Err(Unanswered::NotUnderstood));
    assert_eq!(answer(&[&"a=b, ".repeat(10_000)]).map(|_| ()), Err(Unanswered::NotAsked));
}
