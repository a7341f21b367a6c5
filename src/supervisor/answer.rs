//! From an HTTP answer to what it means: status, then content type, then JSON, then `result`. Pure.

use serde_json::{Map, Value};

use super::SupervisorError;

/// How much of the Supervisor's own words is shown.
const MAX_MESSAGE: usize = 160;

/// The object under `data`, or why there is none.
pub(super) fn data(status: u16, content_type: &str, body: &[u8]) -> Result<Map<String, Value>, SupervisorError> {
    let is_json =
        content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    let json = if is_json { serde_json::from_slice::<Value>(body).ok() } else { None };
    match status {
        200..=299 => success(status, json),
        // A handler's refusal is JSON; that of the token comes before any handler, and is text.
        403 if json.is_some() => Err(SupervisorError::NoAccess),
        401 | 403 => Err(SupervisorError::TokenRefused),
        500..=599 => Err(SupervisorError::Server { status }),
        _ => Err(refusal(status, json.as_ref())),
    }
}

fn success(status: u16, json: Option<Value>) -> Result<Map<String, Value>, SupervisorError> {
    let Some(mut json) = json else { return Err(SupervisorError::NotJson) };
    if json.get("result").and_then(Value::as_str) != Some("ok") {
        return Err(match json.get("result") {
            Some(_) => refusal(status, Some(&json)),
            None => SupervisorError::Malformed { what: "it has no result" },
        });
    }
    match json.get_mut("data").map(Value::take) {
        Some(Value::Object(data)) => Ok(data),
        _ => Err(SupervisorError::Malformed { what: "it has no data" }),
    }
}

fn refusal(status: u16, json: Option<&Value>) -> SupervisorError {
    let field = |name| json.and_then(|json| json.get(name)).and_then(Value::as_str);
    let message = field("message").unwrap_or_default();
    if let Some(rest) = message.strip_prefix("System is not ready") {
        let state = rest.rsplit(':').next().unwrap_or_default().trim();
        let state = if state.is_empty() { "unknown".to_owned() } else { shortened(state) };
        return SupervisorError::NotReady { state };
    }
    // The wording is not promised: newer endpoints put a key beside it.
    if message == "Service not enabled" || field("error_key") == Some("service_not_provided_error") {
        return SupervisorError::ServiceNotEnabled;
    }
    let message = if message.is_empty() { "no message".to_owned() } else { shortened(message) };
    SupervisorError::Unexpected { status, message }
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = "application/json; charset=utf-8";
    const TEXT: &str = "text/plain; charset=utf-8";

    fn kind(status: u16, content_type: &str, body: &str) -> &'static str {
        data(status, content_type, body.as_bytes()).expect_err("an error").kind().word()
    }

    #[test]
    fn every_odd_answer_has_its_own_meaning() {
        for (status, content_type, body, expected) in [
            (400, JSON, r#"{"result":"error","message":"Service not enabled"}"#, "service_not_enabled"),
            (
                404,
                JSON,
                r#"{"result":"error","message":"x","error_key":"service_not_provided_error"}"#,
                "service_not_enabled",
            ),
            (400, JSON, r#"{"result":"error","message":"System is not ready with state: setup"}"#, "not_ready"),
            (403, JSON, r#"{"result":"error","message":"No access to mqtt service!"}"#, "no_access"),
            (403, TEXT, "403: Forbidden", "token_refused"),
            (401, TEXT, "401: Unauthorized", "token_refused"),
            (400, TEXT, "400: Bad Request", "unexpected"),
            (404, TEXT, "404: Not Found", "unexpected"),
            (404, JSON, r#"{"result":"error","message":"Service does not exist"}"#, "unexpected"),
            (405, TEXT, "405: Method Not Allowed", "unexpected"),
            (301, TEXT, "", "unexpected"),
            (500, TEXT, "500 Internal Server Error\n\nServer got itself in trouble", "server"),
            (500, JSON, r#"{"result":"error","message":"Unknown error","error_key":"x"}"#, "server"),
            (502, TEXT, "502: Bad Gateway", "server"),
            (200, TEXT, "App self does not exist in the store", "not_json"),
            (200, JSON, "<html>", "not_json"),
            (200, JSON, r#"{"data":{}}"#, "malformed"),
            (200, JSON, "[]", "malformed"),
            (200, JSON, r#"{"result":"ok"}"#, "malformed"),
            (200, JSON, r#"{"result":"ok","data":[1]}"#, "malformed"),
            (200, JSON, r#"{"result":"error","message":"no"}"#, "unexpected"),
        ] {
            assert_eq!(kind(status, content_type, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn the_state_is_told() {
        let body = br#"{"result":"error","message":"System is not ready with state: setup"}"#;
        let error = data(400, JSON, body).expect_err("an error");
        assert_eq!(error, SupervisorError::NotReady { state: "setup".to_owned() });
    }

    #[test]
    fn long_and_wild_messages_are_tamed() {
        let body = format!(r#"{{"result":"error","message":"{}\u001b[2J"}}"#, "x".repeat(500));
        let error = data(418, JSON, body.as_bytes()).expect_err("an error").to_string();
        assert!(error.len() < 300 && !error.contains('\u{1b}'), "{error}");
    }
}
