//! What the camera answers, as XML.

use std::net::SocketAddr;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Media, Quirks};

const SPACES: &str = "xmlns:env=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:wsa=\"http://www.w3.org/2005/08/addressing\" \
    xmlns:tds=\"http://www.onvif.org/ver10/device/wsdl\" xmlns:trt=\"http://www.onvif.org/ver10/media/wsdl\" \
    xmlns:tr2=\"http://www.onvif.org/ver20/media/wsdl\" xmlns:tev=\"http://www.onvif.org/ver10/events/wsdl\" \
    xmlns:tt=\"http://www.onvif.org/ver10/schema\" xmlns:wsnt=\"http://docs.oasis-open.org/wsn/b-2\" \
    xmlns:wstop=\"http://docs.oasis-open.org/wsn/t-1\" xmlns:tns1=\"http://www.onvif.org/ver10/topics\" \
    xmlns:ter=\"http://www.onvif.org/ver10/error\" xmlns:wsrf-rw=\"http://docs.oasis-open.org/wsrf/rw-2\"";

fn envelope(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<env:Envelope {SPACES}><env:Body>{body}</env:Body></env:Envelope>"
    )
}

pub(super) fn empty(prefix: &str, name: &str) -> String {
    envelope(&format!("<{prefix}:{name}/>"))
}

pub(super) fn fault(code: &str, text: &str) -> String {
    envelope(&format!(
        "<env:Fault><env:Code><env:Value>env:Sender</env:Value><env:Subcode><env:Value>{code}</env:Value></env:Subcode></env:Code>\
         <env:Reason><env:Text xml:lang=\"en\">{text}</env:Text></env:Reason></env:Fault>"
    ))
}

pub(super) fn clock(now: Timestamp) -> String {
    let now = now.to_zoned(TimeZone::UTC);
    let (hour, minute, second) = (now.hour(), now.minute(), now.second());
    let (year, month, day) = (now.year(), now.month(), now.day());
    let time = format!(
        "<tt:Time><tt:Hour>{hour}</tt:Hour><tt:Minute>{minute}</tt:Minute><tt:Second>{second}</tt:Second></tt:Time>\
         <tt:Date><tt:Year>{year}</tt:Year><tt:Month>{month}</tt:Month><tt:Day>{day}</tt:Day></tt:Date>"
    );
    envelope(&format!(
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType>\
         <tt:DaylightSavings>false</tt:DaylightSavings><tt:TimeZone><tt:TZ>UTC0</tt:TZ></tt:TimeZone>\
         <tt:UTCDateTime>{time}</tt:UTCDateTime><tt:LocalDateTime>{time}</tt:LocalDateTime>\
         </tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
    ))
}

/// Where a service is, as the camera believes.
fn address(quirks: Quirks, addr: SocketAddr, path: &str) -> String {
    if quirks.inner_addresses {
        format!("http://192.0.2.108:8080{path}")
    } else if quirks.double_port {
        format!("http://{addr}:{}{path}", addr.port())
    } else {
        format!("http://{addr}{path}")
    }
}

pub(super) fn services(quirks: Quirks, addr: SocketAddr) -> String {
    let service = |namespace: &str, path: &str| {
        let at = address(quirks, addr, path);
        format!(
            "<tds:Service><tds:Namespace>{namespace}</tds:Namespace><tds:XAddr>{at}</tds:XAddr>\
             <tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>"
        )
    };
    let mut services = service("http://www.onvif.org/ver10/device/wsdl", "/onvif/device_service");
    services.push_str(&service("http://www.onvif.org/ver10/media/wsdl", "/onvif/media_service"));
    services.push_str(&service("http://www.onvif.org/ver20/media/wsdl", "/onvif/media2_service"));
    if !quirks.events_in_capabilities_only && !quirks.no_events {
        services.push_str(&service("http://www.onvif.org/ver10/events/wsdl", "/onvif/event_service"));
    }
    envelope(&format!("<tds:GetServicesResponse>{services}</tds:GetServicesResponse>"))
}

pub(super) fn capabilities(quirks: Quirks, addr: SocketAddr) -> String {
    let at = |path| address(quirks, addr, path);
    let events = if quirks.events_in_services_only || quirks.no_events {
        String::new()
    } else {
        format!(
            "<tt:Events><tt:XAddr>{}</tt:XAddr><tt:WSSubscriptionPolicySupport>true</tt:WSSubscriptionPolicySupport>\
             <tt:WSPullPointSupport>{}</tt:WSPullPointSupport>\
             <tt:WSPausableSubscriptionManagerInterfaceSupport>false</tt:WSPausableSubscriptionManagerInterfaceSupport></tt:Events>",
            at("/onvif/event_service"),
            !quirks.denies_pull_points
        )
    };
    envelope(&format!(
        "<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Device><tt:XAddr>{}</tt:XAddr></tt:Device>{events}\
         <tt:Media><tt:XAddr>{}</tt:XAddr><tt:StreamingCapabilities/></tt:Media></tds:Capabilities></tds:GetCapabilitiesResponse>",
        at("/onvif/device_service"),
        at("/onvif/media_service")
    ))
}

pub(super) fn information(quirks: Quirks) -> String {
    let name = if quirks.broken_encoding { "K\u{fffd}mera" } else { "Lookout" };
    envelope(&format!(
        "<tds:GetDeviceInformationResponse><tds:Manufacturer>Fable Optics</tds:Manufacturer><tds:Model>{name} 4</tds:Model>\
         <tds:FirmwareVersion>1.2.3</tds:FirmwareVersion><tds:SerialNumber>0042</tds:SerialNumber>\
         <tds:HardwareId>1</tds:HardwareId></tds:GetDeviceInformationResponse>"
    ))
}

pub(super) fn interfaces() -> String {
    envelope(
        "<tds:GetNetworkInterfacesResponse><tds:NetworkInterfaces token=\"eth0\"><tt:Enabled>true</tt:Enabled><tt:Info>\
         <tt:Name>eth0</tt:Name><tt:HwAddress>02:00:5e:10:00:42</tt:HwAddress><tt:MTU>1500</tt:MTU></tt:Info>\
         </tds:NetworkInterfaces></tds:GetNetworkInterfacesResponse>",
    )
}

pub(super) fn profiles(media: &Media, second: bool) -> String {
    let profile = |(token, source, width, height): &(String, String, u32, u32)| {
        let size = format!(
            "<tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height></tt:Resolution>\
             <tt:RateControl><tt:FrameRateLimit>25</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval>\
             <tt:BitrateLimit>2048</tt:BitrateLimit></tt:RateControl>"
        );
        let bounds = format!("<tt:Bounds x=\"0\" y=\"0\" width=\"{width}\" height=\"{height}\"/>");
        let inside = format!("<tt:Name>{token}</tt:Name><tt:UseCount>1</tt:UseCount>");
        if second {
            format!(
                "<tr2:Profiles token=\"{token}\"><tr2:Name>{token}</tr2:Name><tr2:Configurations>\
                 <tr2:VideoSource token=\"config_{source}\">{inside}<tt:SourceToken>{source}</tt:SourceToken>{bounds}</tr2:VideoSource>\
                 <tr2:VideoEncoder token=\"encoder_{token}\">{inside}<tt:Encoding>H265</tt:Encoding>{size}<tt:Quality>3</tt:Quality>\
                 </tr2:VideoEncoder></tr2:Configurations></tr2:Profiles>"
            )
        } else {
            format!(
                "<trt:Profiles token=\"{token}\" fixed=\"true\"><tt:Name>{token}</tt:Name>\
                 <tt:VideoSourceConfiguration token=\"config_{source}\">{inside}<tt:SourceToken>{source}</tt:SourceToken>{bounds}\
                 </tt:VideoSourceConfiguration><tt:VideoEncoderConfiguration token=\"encoder_{token}\">{inside}\
                 <tt:Encoding>H264</tt:Encoding>{size}<tt:Quality>3</tt:Quality><tt:SessionTimeout>PT60S</tt:SessionTimeout>\
                 </tt:VideoEncoderConfiguration></trt:Profiles>"
            )
        }
    };
    let all: String = media.profiles.iter().map(profile).collect();
    let prefix = if second { "tr2" } else { "trt" };
    envelope(&format!("<{prefix}:GetProfilesResponse>{all}</{prefix}:GetProfilesResponse>"))
}

pub(super) fn video_sources(media: &Media) -> String {
    let source = |(_, source, width, height): &(String, String, u32, u32)| {
        format!(
            "<trt:VideoSources token=\"{source}\"><tt:Framerate>25</tt:Framerate><tt:Resolution><tt:Width>{width}</tt:Width>\
             <tt:Height>{height}</tt:Height></tt:Resolution></trt:VideoSources>"
        )
    };
    let all: String = media.profiles.iter().map(source).collect();
    envelope(&format!("<trt:GetVideoSourcesResponse>{all}</trt:GetVideoSourcesResponse>"))
}

pub(super) fn media_address(operation: &str, uri: &str, second: bool) -> String {
    let uri = uri.replace('&', "&amp;");
    envelope(&if second {
        format!("<tr2:{operation}Response><tr2:Uri>{uri}</tr2:Uri></tr2:{operation}Response>")
    } else {
        format!(
            "<trt:{operation}Response><trt:MediaUri><tt:Uri>{uri}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>\
             <tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri></trt:{operation}Response>"
        )
    })
}

pub(super) fn event_capabilities(quirks: Quirks) -> String {
    let pull = !quirks.denies_pull_points;
    envelope(&format!(
        "<tev:GetServiceCapabilitiesResponse><tev:Capabilities WSSubscriptionPolicySupport=\"true\" \
         WSPullPointSupport=\"{pull}\" MaxPullPoints=\"4\"/></tev:GetServiceCapabilitiesResponse>"
    ))
}

pub(super) fn event_properties() -> String {
    envelope(
        "<tev:GetEventPropertiesResponse><tev:TopicNamespaceLocation>http://www.onvif.org/onvif/ver10/topics/topicns.xml\
         </tev:TopicNamespaceLocation><wsnt:FixedTopicSet>true</wsnt:FixedTopicSet><wstop:TopicSet><tns1:VideoSource>\
         <MotionAlarm wstop:topic=\"true\"/></tns1:VideoSource></wstop:TopicSet></tev:GetEventPropertiesResponse>",
    )
}

pub(super) fn subscribed(id: u64, now: Timestamp, ends_at: Timestamp, quirks: Quirks, addr: SocketAddr) -> String {
    let (at, reference) = if quirks.urn_subscription {
        ("urn:uuid:00000000-0000-4000-a000-000000000042".to_owned(), String::new())
    } else if quirks.reference_parameters {
        let id = format!(
            "<wsa:ReferenceParameters><own:SubscriptionId xmlns:own=\"urn:camera:own\">{id}</own:SubscriptionId></wsa:ReferenceParameters>"
        );
        (address(quirks, addr, "/onvif/services"), id)
    } else {
        (address(quirks, addr, &format!("/onvif/subscription/{id}")), String::new())
    };
    envelope(&format!(
        "<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference><wsa:Address>{at}</wsa:Address>{reference}\
         </tev:SubscriptionReference>{}</tev:CreatePullPointSubscriptionResponse>",
        times("wsnt", now, ends_at)
    ))
}

pub(super) fn renewed(now: Timestamp, ends_at: Timestamp) -> String {
    envelope(&format!(
        "<wsnt:RenewResponse><wsnt:TerminationTime>{}</wsnt:TerminationTime><wsnt:CurrentTime>{}</wsnt:CurrentTime></wsnt:RenewResponse>",
        whole(ends_at),
        whole(now)
    ))
}

pub(super) fn messages(messages: &[String], now: Timestamp, ends_at: Timestamp) -> String {
    envelope(&format!(
        "<tev:PullMessagesResponse>{}{}</tev:PullMessagesResponse>",
        times("tev", now, ends_at),
        messages.concat()
    ))
}

fn times(prefix: &str, now: Timestamp, ends_at: Timestamp) -> String {
    let (now, ends_at) = (whole(now), whole(ends_at));
    format!(
        "<{prefix}:CurrentTime>{now}</{prefix}:CurrentTime><{prefix}:TerminationTime>{ends_at}</{prefix}:TerminationTime>"
    )
}

/// In whole seconds.
fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// One notification. Source and data are `Name=Value`, several with a comma between.
pub(super) fn message(
    topic: &str,
    source: &str,
    data: &str,
    operation: &str,
    now: Timestamp,
    quirks: Quirks,
) -> String {
    let item = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = match value {
            "true" if quirks.odd_truth => "1",
            "false" if quirks.odd_truth => "FALSE",
            value => value,
        };
        format!("<tt:SimpleItem Name=\"{name}\" Value=\"{value}\"/>")
    };
    let items = |pairs: &str| pairs.split(',').filter(|pair| !pair.is_empty()).map(item).collect::<String>();
    let topic = if quirks.odd_topics { format!("tns1:{topic}//.") } else { format!("tns1:{topic}") };
    let time = if quirks.silly_times { "0000-00-00 00:61".to_owned() } else { whole(now).to_string() };
    let operation = if operation.is_empty() { String::new() } else { format!(" PropertyOperation=\"{operation}\"") };
    format!(
        "<wsnt:NotificationMessage><wsnt:Topic Dialect=\"http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet\">{topic}</wsnt:Topic>\
         <wsnt:Message><tt:Message UtcTime=\"{time}\"{operation}><tt:Source>{}</tt:Source><tt:Data>{}</tt:Data></tt:Message>\
         </wsnt:Message></wsnt:NotificationMessage>",
        items(source),
        items(data)
    )
}

/// One message with a very long value.
pub(super) fn huge(bytes: usize) -> String {
    messages(
        &[format!("<wsnt:NotificationMessage><x>{}</x></wsnt:NotificationMessage>", "x".repeat(bytes))],
        Timestamp::now(),
        Timestamp::now(),
    )
}

pub(super) fn bomb() -> String {
    let mut entities = String::from("<!ENTITY a0 \"boom\">");
    for level in 1..10 {
        let previous = format!("&a{};", level - 1).repeat(10);
        entities.push_str(&format!("<!ENTITY a{level} \"{previous}\">"));
    }
    format!(
        "<?xml version=\"1.0\"?><!DOCTYPE env:Envelope [{entities}]><env:Envelope {SPACES}><env:Body>&a9;</env:Body></env:Envelope>"
    )
}
