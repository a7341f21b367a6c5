//! Session descriptions as cameras write them, each a line.

use super::*;

/// What nearly every camera sends, and what the lines below change.
const GOOD: &str = "v=0|o=- 1 1 IN IP4 127.0.0.1|s=Stream|c=IN IP4 0.0.0.0|t=0 0|m=video 0 RTP/AVP 96|b=AS:500|a=rtpmap:96 H264/90000|a=control:track1|";
const SETS: &str = "sprop-parameter-sets=Z0LAHtoCgL/lwFqAgICgAAADACAAAAZB4kTU,aM4G4g==";

fn text(lines: &str) -> Vec<u8> {
    lines.replace('|', "\r\n").into_bytes()
}

/// Encoding, payload type and control of the track.
fn found(bytes: &[u8]) -> Result<(Encoding, u8, Option<String>), Unusable> {
    read(bytes).map(|track| (track.encoding, track.payload_type, track.control))
}

#[test]
fn whatever_is_wrong_in_lines_that_nobody_needs_the_video_is_found() {
    for (old, new) in [
        ("", ""),
        ("c=IN IP4 0.0.0.0", "c=IN "),
        ("c=IN IP4 0.0.0.0", "c="),
        ("c=IN IP4 0.0.0.0", "c=IN 192.168.4.27"),
        ("c=IN IP4 0.0.0.0", "c=IN c=IN IP4 0.0.0.0"),
        ("c=IN IP4 0.0.0.0", "c=IN IP4 0.0.0.0|c=IN IP4 0.0.0.0"),
        ("c=IN IP4 0.0.0.0", "c=IN IP4 239.0.0.1/127/3"),
        ("c=IN IP4 0.0.0.0", "c=IN IP6 ::"),
        ("o=- 1 1 IN IP4 127.0.0.1", "o=- 1 1 IP IP4 127.0.0.1"),
        ("o=- 1 1 IN IP4 127.0.0.1", "o=- 1 1 IN IPV4 127.0.0.1"),
        ("o=- 1 1 IN IP4 127.0.0.1", "o=- 1 x IN IP4 127.0.0.1"),
        ("o=- 1 1 IN IP4 127.0.0.1", "o=- 1001 1 IN"),
        ("o=- 1 1 IN IP4 127.0.0.1", "o=-99999999999999999999999 -1 IN IP4 x"),
        ("o=- 1 1 IN IP4 127.0.0.1", "o="),
        ("o=- 1 1 IN IP4 127.0.0.1|", ""),
        ("v=0|", ""),
        ("v=0", "v=1"),
        ("v=0", "V=0"),
        ("v=0", "v= 0"),
        ("s=Stream|", ""),
        ("s=Stream", "s="),
        ("s=Stream", "s= "),
        ("s=Stream", "s=Stream|s=Stream"),
        ("s=Stream", "s=Stream|i=|i=x"),
        ("s=Stream", "s=Stream|u=www.evostream.com|e=NONE|p=?"),
        ("t=0 0", "t=0"),
        ("t=0 0", "t="),
        ("t=0 0", "t=now-"),
        ("t=0 0|", ""),
        ("t=0 0", "t=0 0|r=x|z=y|k=clear:x"),
        ("t=0 0", "t=0 0|a=x||b=AS:5|a=y"),
        ("t=0 0", "t=0 0|a=control:*|a=range:npt=now-|a=sdplang"),
        ("b=AS:500", "b=AS:"),
        ("b=AS:500", "b=AS 500"),
        ("b=AS:500", "b=AS:500.5"),
        ("b=AS:500", "b=:"),
        ("b=AS:500", "x"),
        ("b=AS:500", "k=clear:x|i=y|a=z"),
        ("b=AS:500", "a=fmtp:96"),
        ("b=AS:500", "a=fmtp:96 "),
        ("b=AS:500", "a=fmtp:96 ;;=;"),
        ("b=AS:500", "a=fmtp:96 sprop-parameter-sets=6QAKzA==,6Q=="),
        ("b=AS:500", "a=fmtp:96 packetization-mode=1;profile-level-id=XYZ;sprop-parameter-sets="),
        ("b=AS:500", "a=framesize:96 640-360|a=framerate:0|a=Media_header:MEDIAINFO=494D"),
        ("m=video 0 RTP/AVP 96", "m=video  0  RTP/AVP  96"),
        ("m=video 0 RTP/AVP 96", "m=video 0 RTP/AVP 96 "),
        ("m=video 0 RTP/AVP 96", "m=Video 0 rtp/avp 96"),
        ("m=video 0 RTP/AVP 96", "m=video 99999 RTP/AVP 96"),
        ("m=video 0 RTP/AVP 96", "m=video - RTP/AVP 96"),
        ("m=video 0 RTP/AVP 96", "m=video 0/2 RTP/AVP/TCP 96"),
        ("m=video 0 RTP/AVP 96", "m=video 0 RTP/AVPF 96 97"),
        ("m=video 0 RTP/AVP 96", "m=video 0 RTP/AVP"),
        ("m=video 0 RTP/AVP 96", "m=video"),
        ("m=video 0 RTP/AVP 96", "m=video 0 RTP/AVP 97"),
        ("m=video 0 RTP/AVP 96", "m= video 0 RTP/AVP 96"),
        ("m=video 0 RTP/AVP 96", "m=audio 0 RTP/AVP 0|a=control:track0|m=video 0 RTP/AVP 96"),
        ("m=video 0 RTP/AVP 96", "m=audio 0 RTP/AVP 96|a=rtpmap:96 opus/48000/2|a=fmtp:96|m=video 0 RTP/AVP 96"),
        (
            "m=video 0 RTP/AVP 96",
            "m=application 0 RTP/AVP 107|a=rtpmap:107 vnd.onvif.metadata/90000|m=video 0 RTP/AVP 96",
        ),
        (
            "m=video 0 RTP/AVP 96",
            "m=application/tp-link 0 RTP/AVP smart/0/25000|a=rtpmap:95 tp-link/25000|m=video 0 RTP/AVP 96",
        ),
        ("m=video 0 RTP/AVP 96", "m=video 0 RTP/AVP 98|a=rtpmap:98 VP8/90000|m=video 0 RTP/AVP 96"),
        ("m=video 0 RTP/AVP 96", "m=video 0 RTP/SAVP 96|a=rtpmap:96 H264/90000|m=video 0 RTP/AVP 96"),
        ("a=rtpmap:96 H264/90000", "a=rtpmap: 96 H264/90000"),
        ("a=rtpmap:96 H264/90000", "a=rtpmap:96  H264/90000"),
        ("a=rtpmap:96 H264/90000", "a=rtpmap:96 H264 / 90000 "),
        ("a=rtpmap:96 H264/90000", "a=rtpmap:96\tH264/90000"),
        ("a=rtpmap:96 H264/90000", "a=rtpmap:96H264/90000"),
        ("a=rtpmap:96 H264/90000", "a=rtpmap:96 h264/90000"),
        ("a=rtpmap:96 H264/90000", "a=rtpmap:96 H.264/90000"),
        ("a=rtpmap:96 H264/90000", "a=rtpmap:96 H264"),
        ("a=rtpmap:96 H264/90000", "a=rtpmap:96 H264/0"),
        ("a=rtpmap:96 H264/90000", "a=rtpmap:96 H264/90000/1"),
        ("a=rtpmap:96 H264/90000", "a=RTPMAP:96 H264/90000"),
        ("a=rtpmap:96 H264/90000", "a=rtpmap 96 H264/90000"),
        ("a=rtpmap:96 H264/90000", "a= rtpmap:96 H264/90000"),
        ("a=control:track1", "a=control: track1"),
        ("a=control:track1", "a=control:track1|a=control:other"),
        ("a=control:track1|", "a=control:track1"),
        ("a=control:track1|", "a=control:track1|\0\0"),
    ] {
        assert!(GOOD.contains(old), "{old}");
        let lines = GOOD.replacen(old, new, 1);
        let control = Some("track1".to_owned());
        assert_eq!(found(&text(&lines)), Ok((Encoding::H264, 96, control.clone())), "{new}");
        let bare = lines.replace('|', "\n").into_bytes();
        assert_eq!(found(&bare), Ok((Encoding::H264, 96, control.clone())), "{new} with LF");
        assert_eq!(found(&lines.replace('|', "\r").into_bytes()), Ok((Encoding::H264, 96, control)), "{new} with CR");
    }
}

#[test]
fn bytes_that_are_no_utf_8_harm_nobody() {
    for (old, new) in [
        (&b"s=Stream"[..], &b"s=T\xfcr"[..]),
        (b"v=0", b"\xef\xbb\xbfv=0"),
        (b"s=Stream", b"s=\xff\xfe\0\x01"),
        (b"a=control", b"a=x:\x80\x81\r\na=control"),
    ] {
        let good = text(GOOD);
        let at = memchr::memmem::find(&good, old).unwrap();
        let bytes = [&good[..at], new, &good[at + old.len()..]].concat();
        assert_eq!(found(&bytes), Ok((Encoding::H264, 96, Some("track1".to_owned()))), "{new:?}");
    }
}

#[test]
fn every_encoding_is_found_by_its_name_its_number_or_its_parameters() {
    for (lines, expected) in [
        ("m=video 0 RTP/AVP 96|a=rtpmap:96 H265/90000|", (Encoding::H265, 96)),
        ("m=video 0 RTP/AVP 98|a=rtpmap:98 HEVC/90000|", (Encoding::H265, 98)),
        ("m=video 0 RTP/AVP 26|", (Encoding::Jpeg, 26)),
        ("m=video 0 RTP/AVP 26|a=rtpmap:26 JPEG/90000|", (Encoding::Jpeg, 26)),
        ("m=video 0 RTP/AVP 96|a=rtpmap:96 mjpeg/90000|", (Encoding::Jpeg, 96)),
        ("m=video 0 RTP/AVP 96|a=fmtp:96 packetization-mode=1|", (Encoding::H264, 96)),
        ("m=video 0 RTP/AVP 96|", (Encoding::H264, 96)),
        ("m=video 0 RTP/AVP 35|", (Encoding::H264, 35)),
        ("m=video 0 RTP/AVP 97|a=fmtp:97 sprop-vps=x;sprop-sps=y|", (Encoding::H265, 97)),
        ("m=video 0 RTP/AVP 97 96|a=rtpmap:97 rtx/90000|a=rtpmap:96 H264/90000|", (Encoding::H264, 96)),
    ] {
        let track = read(&text(lines)).unwrap_or_else(|unusable| panic!("{lines}: {unusable:?}"));
        assert_eq!((track.encoding, track.payload_type), expected, "{lines}");
    }
}

#[test]
fn parameters_are_kept_when_they_can_be_read_and_only_then() {
    for (format, kept) in [
        (format!("packetization-mode=1;{SETS}"), true),
        (format!("packetization-mode=1; {SETS};"), true),
        (format!("PROFILE-LEVEL-ID=42C01E;{}", SETS.replace("sprop", "Sprop")), true),
        ("sprop-parameter-sets=6QAKzA==,6Q==".to_owned(), false),
        ("sprop-parameter-sets=".to_owned(), false),
        (SETS.replace(',', ";"), false),
        ("sprop-vps=x;sprop-sps=y;sprop-pps=z".to_owned(), false),
        (String::new(), false),
    ] {
        let lines = format!("m=video 0 RTP/AVP 96|a=rtpmap:96 H264/90000|a=fmtp:96 {format}|");
        let track = read(&text(&lines)).unwrap();
        assert_eq!(track.parameters.is_some(), kept, "{format}: {:?}", track.parameters);
    }
}

#[test]
fn what_cannot_be_used_has_its_own_reason() {
    for (lines, expected) in [
        ("", Unusable::Empty),
        ("||", Unusable::Empty),
        ("secret|", Unusable::Unreadable(1, 's')),
        ("v=0|<html>|", Unusable::Unreadable(2, '<')),
        ("v=0|s=x|", Unusable::NoVideo),
        ("v=0|m=audio 0 RTP/AVP 0|a=control:t|", Unusable::NoVideo),
        ("v=0|m=video 0 RTP/AVP 98|a=rtpmap:98 VP8/90000|", Unusable::Encoding("VP8".to_owned())),
        ("v=0|m=video 0 RTP/AVP 96|a=rtpmap:96 MP4V-ES/90000|", Unusable::Encoding("MP4V-ES".to_owned())),
        ("v=0|m=video 0 RTP/AVP 34|", Unusable::Encoding("H.263".to_owned())),
        ("v=0|m=video 0 RTP/SAVP 96|a=rtpmap:96 H264/90000|", Unusable::Encrypted),
    ] {
        assert_eq!(read(&text(lines)), Err(expected), "{lines}");
    }
}

#[test]
fn what_is_written_anew_is_read_by_anybody() {
    let lines =
        format!("m=video 0 RTP/AVP 96|a=rtpmap:96 H264/90000|a=framerate:12.5|a=fmtp:96 {SETS}|a=control:rtsp://x/y|");
    let track = read(&text(&lines)).unwrap();
    let anew = track.description();
    let again = read(anew.as_bytes()).unwrap();
    assert!(!again.repaired);
    assert_eq!(again, Track { control: Some("video".to_owned()), repaired: false, ..track }, "{anew}");
    let limit = 4_096;
    assert!(anew.len() < limit, "a reader may trust its length");
}
