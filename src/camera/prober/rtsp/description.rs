//! What a probe needs of a session description (SDP, RFC 8866), and nothing else of it.
//!
//! In: the bytes that a camera sent. Out: the first video track that can be shown, or what was not understood. Invariant: never fails for
//! a line that nobody needs; whoever is given the track may trust each of its parts.

use std::num::NonZeroU16;

use retina::codec::Depacketizer;

use super::head::leading_number;

/// A video codec that can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    H264,
    H265,
    Jpeg,
}

/// The video of a camera.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Track {
    pub(super) encoding: Encoding,
    /// RTP payload type, below 128.
    pub(super) payload_type: u8,
    /// Units of the RTP timestamp in a second.
    pub(super) clock: u32,
    /// Parameter sets that can be read.
    pub(super) parameters: Option<String>,
    /// Frames a second, as the camera says.
    pub(super) rate: Option<f32>,
    /// The track's address, absolute or behind that of the whole.
    pub(super) control: Option<String>,
    /// The address of the whole presentation, when it is said.
    pub(super) whole: Option<String>,
    /// Whether the description was not what RFC 8866 wants.
    pub(super) repaired: bool,
}

/// Why there is no track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unusable {
    /// Nothing came.
    Empty,
    /// This is no description: the number of the first line that cannot be read, and its first character.
    Unreadable(usize, char),
    /// There is no video in it.
    NoVideo,
    /// The video has another encoding.
    Encoding(String),
    /// The packets are encrypted (SRTP, RFC 3711).
    Encrypted,
}

/// The clock of all video (RFC 3551, section 5).
const CLOCK: u32 = 90_000;

/// One `m=` section.
#[derive(Default)]
struct Section<'a> {
    is_video: bool,
    is_encrypted: bool,
    types: Vec<u8>,
    maps: Vec<(u8, &'a str)>,
    formats: Vec<(u8, &'a str)>,
    control: Option<&'a str>,
    rate: Option<f32>,
}

/// Reads a description.
pub(super) fn read(bytes: &[u8]) -> Result<Track, Unusable> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}').trim_matches('\0');
    let mut sections = vec![Section::default()];
    let (mut unreadable, mut lines) = (None, 0);
    for (number, line) in text.split(['\r', '\n']).filter(|line| !line.is_empty()).map(str::trim).enumerate() {
        lines += 1;
        let Some((kind, value)) = line.split_once('=').map(|(kind, value)| (kind.trim(), value.trim())) else {
            unreadable.get_or_insert((number + 1, line.chars().next().unwrap_or(' ')));
            continue;
        };
        match kind {
            "m" | "M" => sections.push(Section::of(value)),
            "a" | "A" => sections.last_mut().into_iter().for_each(|section| section.attribute(value)),
            _ if kind.len() != 1 => {
                unreadable.get_or_insert((number + 1, line.chars().next().unwrap_or(' ')));
            }
            _ => {}
        }
    }
    if lines == 0 {
        return Err(Unusable::Empty);
    }
    let whole = sections[0].control.filter(|control| *control != "*").map(str::to_owned);
    let videos: Vec<_> = sections.iter().skip(1).filter(|section| section.is_video).collect();
    let repaired = unreadable.is_some() || !text.starts_with("v=0");
    if let Some(track) = videos.iter().find_map(|video| video.track(whole.as_ref(), repaired)) {
        return Ok(track);
    }
    Err(match (videos.first(), unreadable) {
        (Some(video), _) if video.is_encrypted => Unusable::Encrypted,
        (Some(video), _) => Unusable::Encoding(video.name()),
        (None, Some((number, first))) if sections.len() == 1 => Unusable::Unreadable(number, first),
        (None, _) => Unusable::NoVideo,
    })
}

impl<'a> Section<'a> {
    /// `video 0 RTP/AVP 96`, with as much of it as there is.
    fn of(media: &'a str) -> Self {
        let mut words = media.split_whitespace();
        let kind = words.next().unwrap_or_default();
        let is_encrypted = media.to_ascii_uppercase().contains("/SAVP");
        // The port, and the protocol.
        let types = words.skip(2).filter_map(leading_number).filter_map(payload_type).collect();
        Self { is_video: kind.eq_ignore_ascii_case("video"), is_encrypted, types, ..Self::default() }
    }

    fn attribute(&mut self, attribute: &'a str) {
        let end = attribute.find([':', ' ']).unwrap_or(attribute.len());
        let (name, value) = attribute.split_at(end);
        let value = value.trim_start_matches([':', ' ', '\t']);
        match name.to_ascii_lowercase().as_str() {
            "rtpmap" => self.maps.extend(numbered(value)),
            "fmtp" => self.formats.extend(numbered(value)),
            // Of two the first: it stands where RFC 2326 (appendix C.1.1) wants it.
            "control" if !value.is_empty() => drop(self.control.get_or_insert(value)),
            "framerate" | "x-framerate" => self.rate = value.parse().ok().filter(|rate| (0.1..=1000.0).contains(rate)),
            _ => {}
        }
    }

    fn track(&self, whole: Option<&String>, repaired: bool) -> Option<Track> {
        if self.is_encrypted {
            return None;
        }
        let (payload_type, encoding, clock) = self.mapped().or_else(|| self.guessed())?;
        let format = self.formats.iter().find(|(known, _)| *known == payload_type).or(self.formats.first());
        Some(Track {
            encoding,
            payload_type,
            clock,
            parameters: format.and_then(|(_, format)| parameters(encoding, clock, format)),
            rate: self.rate,
            control: self.control.map(str::to_owned),
            whole: whole.cloned(),
            repaired,
        })
    }

    /// What `a=rtpmap` says, of a type that the section offers or else of any.
    fn mapped(&self) -> Option<(u8, Encoding, u32)> {
        let offered = self.maps.iter().filter(|(number, _)| self.types.contains(number));
        offered.chain(&self.maps).find_map(|(number, map)| {
            let mut parts = map.split('/').map(str::trim);
            let encoding = Encoding::of(parts.next()?)?;
            let clock = parts.next().and_then(leading_number).and_then(|clock| u32::try_from(clock).ok());
            Some((*number, encoding, clock.filter(|clock| (1_000..=10_000_000).contains(clock)).unwrap_or(CLOCK)))
        })
    }

    /// A type that everybody knows (RFC 3551, section 6), or what the parameters are those of; else what nearly all cameras send.
    fn guessed(&self) -> Option<(u8, Encoding, u32)> {
        if self.types.contains(&26) {
            return Some((26, Encoding::Jpeg, CLOCK));
        }
        if !self.maps.is_empty() {
            return None;
        }
        let number = *self.types.iter().find(|number| !(28..=34).contains(*number))?;
        let of_h265 = |(_, format): &&(u8, &str)| format.contains("sprop-vps") || format.contains("sprop-sps");
        let encoding = self.formats.iter().find(of_h265).map_or(Encoding::H264, |_| Encoding::H265);
        Some((number, encoding, CLOCK))
    }

    /// What the video is, for a sentence.
    fn name(&self) -> String {
        let mapped = self.maps.first().and_then(|(_, map)| map.split('/').next()).map(|name| name.trim().to_owned());
        mapped.filter(|name| !name.is_empty()).unwrap_or_else(|| match self.types.first() {
            Some(31) => "H.261".to_owned(),
            Some(32) => "MPEG".to_owned(),
            Some(33) => "MPEG-TS".to_owned(),
            Some(34) => "H.263".to_owned(),
            _ => "something that it does not name".to_owned(),
        })
    }
}

impl Encoding {
    /// The encoding of this name, as cameras write it: `H264`, `h.264`, `HEVC`.
    fn of(name: &str) -> Option<Self> {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        match plain.to_ascii_lowercase().as_str() {
            "h264" | "avc" | "avc1" => Some(Self::H264),
            "h265" | "hevc" => Some(Self::H265),
            "jpeg" | "jpg" | "mjpeg" | "mjpg" => Some(Self::Jpeg),
            _ => None,
        }
    }

    /// The name in lower case, as retina and the status topic have it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::H265 => "h265",
            Self::Jpeg => "jpeg",
        }
    }
}

fn payload_type(number: usize) -> Option<u8> {
    u8::try_from(number).ok().filter(|number| *number < 128)
}

/// `96 H264/90000`, also without the space.
fn numbered(value: &str) -> Option<(u8, &str)> {
    let number = leading_number(value).and_then(payload_type)?;
    Some((number, value.trim_start_matches(|c: char| c.is_ascii_digit()).trim()))
}

/// Those parameters that hold parameter sets, if they can be read: many cameras send rubbish here, and good ones in the stream.
fn parameters(encoding: Encoding, clock: u32, format: &str) -> Option<String> {
    let wanted: &[&str] = match encoding {
        Encoding::H264 => &["sprop-parameter-sets"],
        Encoding::H265 => &["sprop-vps", "sprop-sps", "sprop-pps"],
        Encoding::Jpeg => return None,
    };
    let found: Vec<String> = format
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().trim_matches(['"', ',', ' '])))
        .filter(|(name, value)| wanted.contains(&name.as_str()) && !value.is_empty())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let joined = found.join(";");
    let is_clean = !joined.is_empty() && joined.bytes().all(|byte| byte.is_ascii_graphic());
    let reads = |text: &str| {
        let reader = Depacketizer::new("video", encoding.name(), clock, None::<NonZeroU16>, Some(text));
        reader.is_ok_and(|reader| reader.parameters().is_some())
    };
    (is_clean && found.len() >= wanted.len() && reads(&joined)).then_some(joined)
}

impl Track {
    /// A description of this track alone, in the words of RFC 8866, that any parser reads.
    pub(super) fn description(&self) -> String {
        let Self { payload_type, clock, encoding, .. } = self;
        let name = encoding.name().to_ascii_uppercase();
        let mut text = format!(
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=video 0 RTP/AVP {payload_type}\r\na=rtpmap:{payload_type} {name}/{clock}\r\n"
        );
        if let Some(parameters) = &self.parameters {
            text += &format!("a=fmtp:{payload_type} {parameters}\r\n");
        }
        if let Some(rate) = self.rate {
            text += &format!("a=framerate:{rate}\r\n");
        }
        text + "a=control:video\r\n"
    }
}

#[cfg(test)]
mod tests;
