//! SOAP 1.2 envelopes with WS-Addressing. Pure.

use url::Url;

use super::xml::escape;

/// One request.
pub(super) struct Request<'a> {
    /// Where it goes.
    pub(super) to: &'a Url,
    /// What the operation is called on the wire: WS-Addressing's `Action`.
    pub(super) action: String,
    /// The element inside the body.
    pub(super) body: String,
    /// Elements that the camera asked to see again in the header of each request to this address.
    pub(super) references: &'a [String],
}

impl Request<'_> {
    /// The whole envelope. `security` is the login's element, or empty.
    ///
    /// Some cameras refuse a request without `To`, `Action` and `MessageID`; none was seen to mind them.
    pub(super) fn envelope(&self, security: &str, message: u128) -> String {
        let (to, action) = (escape(self.to.as_str()), escape(&self.action));
        let references = self.references.concat();
        let body = &self.body;
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
             <s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
             xmlns:a=\"http://www.w3.org/2005/08/addressing\">\
             <s:Header><a:To>{to}</a:To><a:Action>{action}</a:Action>\
             <a:MessageID>urn:uuid:{id}</a:MessageID>\
             <a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo>\
             {references}{security}</s:Header><s:Body>{body}</s:Body></s:Envelope>",
            id = uuid(message)
        )
    }
}

/// 128 bits in the form that RFC 9562 gives them.
fn uuid(bits: u128) -> String {
    let digits = format!("{bits:032x}");
    format!("{}-{}-4{}-a{}-{}", &digits[..8], &digits[8..12], &digits[13..16], &digits[17..20], &digits[20..])
}
