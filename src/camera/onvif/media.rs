//! Where the camera's pictures are, and which video sources it has.

use roxmltree::Node;
use url::Url;

use super::address::of_media;
use super::device::{Device, request};
use super::trouble::{Kind, Trouble};
use super::xml;

const MEDIA: &str = "http://www.onvif.org/ver10/media/wsdl";
const MEDIA2: &str = "http://www.onvif.org/ver20/media/wsdl";
const SCHEMA: &str = "http://www.onvif.org/ver10/schema";

/// A stream that is narrower is of no use as a picture; one that is wider costs the camera and us more than it shows.
const NARROWEST: u32 = 640;

/// Where a camera's pictures are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Addresses {
    pub(crate) stream: Option<Url>,
    pub(crate) snapshot: Option<Url>,
}

/// The video sources of a device, in its order, each with every token that its events may name it by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sources(Vec<Source>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Source {
    tokens: Vec<String>,
    profiles: Vec<Profile>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Profile {
    token: String,
    width: u32,
    /// Of the second media service, whose requests differ.
    second: bool,
}

impl Device {
    /// The video sources. Neither service is asked for more than the other needs: newer cameras list H.265 in the second one only.
    pub(crate) async fn sources(&mut self) -> Result<Sources, Trouble> {
        let mut sources = Sources::default();
        if let Some(media2) = self.services.media2.clone() {
            let asked = self.wire.ask(&request(&media2, MEDIA2, "GetProfiles", "<Type>All</Type>")).await;
            // Some list the service and do not have it.
            if let Ok(read) = asked.and_then(|answer| self.read(&answer, |body| Sources::of(body, true))) {
                sources = read;
            }
        }
        let media = self.services.media.clone();
        if let Some(media) = media.filter(|_| sources.0.is_empty()) {
            let answer = self.wire.ask(&request(&media, MEDIA, "GetProfiles", "")).await?;
            sources = self.read(&answer, |body| Sources::of(body, false))?;
        }
        Ok(sources)
    }

    /// The addresses of a channel's pictures, counted from 1.
    pub(crate) async fn addresses(&mut self, channel: u32) -> Result<Addresses, Trouble> {
        let sources = match self.sources().await {
            Err(trouble) if is_missing(&trouble) => return Err(self.no_stream()),
            other => other?,
        };
        let profile = sources.channel(channel).and_then(Source::best).cloned().ok_or_else(|| {
            let what = format!("has no video source number {channel}: check the camera's channel");
            Trouble::broken(&self.wire.place, &what)
        })?;
        let stream = match self.address_of(&profile, "GetStreamUri").await {
            Err(trouble) if is_missing(&trouble) => None,
            other => other?,
        };
        // Not every camera makes pictures for itself.
        let snapshot = self.address_of(&profile, "GetSnapshotUri").await.ok().flatten();
        let snapshot = snapshot.filter(|url| url.scheme().starts_with("http"));
        let stream = stream.filter(|url| url.scheme().starts_with("rtsp"));
        if stream.is_none() && snapshot.is_none() {
            return Err(self.no_stream());
        }
        Ok(Addresses { stream, snapshot })
    }

    fn no_stream(&self) -> Trouble {
        let what = "names no stream by ONVIF that can be used: enter the camera's stream or snapshot";
        Trouble::broken(&self.wire.place, what)
    }

    async fn address_of(&mut self, profile: &Profile, operation: &str) -> Result<Option<Url>, Trouble> {
        let (service, namespace) = match profile.second {
            true => (self.services.media2.clone(), MEDIA2),
            false => (self.services.media.clone(), MEDIA),
        };
        let Some(service) = service else { return Ok(None) };
        let setup = match (operation, profile.second) {
            ("GetStreamUri", true) => "<Protocol>RTSP</Protocol>".to_owned(),
            ("GetStreamUri", false) => format!(
                "<StreamSetup><Stream xmlns=\"{SCHEMA}\">RTP-Unicast</Stream><Transport xmlns=\"{SCHEMA}\">\
                 <Protocol>RTSP</Protocol></Transport></StreamSetup>"
            ),
            _ => String::new(),
        };
        let inside = format!("{setup}<ProfileToken>{}</ProfileToken>", xml::escape(&profile.token));
        let answer = self.wire.ask(&request(&service, namespace, operation, &inside)).await?;
        let told = self.read(&answer, |body| xml::text_of(body, "Uri"))?;
        Ok(told.and_then(|told| of_media(&told, &self.reached)))
    }
}

fn is_missing(trouble: &Trouble) -> bool {
    matches!(trouble.kind, Kind::NotOffered | Kind::Fault)
}

impl Sources {
    fn of(body: Node<'_, '_>, second: bool) -> Self {
        let mut sources: Vec<Source> = Vec::new();
        for profile in xml::all(body, "Profiles") {
            let configured = xml::find(profile, if second { "VideoSource" } else { "VideoSourceConfiguration" });
            let (Some(token), Some(configured)) = (xml::attribute(profile, "token"), configured) else { continue };
            let Some(source) = xml::text_of(configured, "SourceToken") else { continue };
            let at = sources.iter().position(|known| known.tokens.contains(&source)).unwrap_or_else(|| {
                sources.push(Source { tokens: vec![source], profiles: Vec::new() });
                sources.len() - 1
            });
            let known = &mut sources[at];
            // Events name the source, its configuration, or a profile.
            known.tokens.extend(xml::attribute(configured, "token"));
            known.tokens.push(token.clone());
            let encoder = xml::find(profile, if second { "VideoEncoder" } else { "VideoEncoderConfiguration" });
            let width = encoder.and_then(|encoder| xml::text_of(encoder, "Width")?.parse().ok()).unwrap_or(0);
            known.profiles.push(Profile { token, width, second });
        }
        Self(sources)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The channel, counted from 1, whose source this token names; `None` when none does, or more than one.
    pub(crate) fn channel_of(&self, token: &str) -> Option<u32> {
        let mut found = (1..).zip(&self.0).filter(|(_, source)| source.tokens.iter().any(|known| known == token));
        match (found.next(), found.next()) {
            (Some((channel, _)), None) => Some(channel),
            _ => None,
        }
    }

    fn channel(&self, channel: u32) -> Option<&Source> {
        self.0.get(usize::try_from(channel.checked_sub(1)?).ok()?)
    }
}

impl Source {
    /// The narrowest profile that is wide enough, else the widest.
    fn best(&self) -> Option<&Profile> {
        let wide_enough = self.profiles.iter().filter(|profile| profile.width >= NARROWEST);
        wide_enough.min_by_key(|profile| profile.width).or(self.profiles.iter().max_by_key(|profile| profile.width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(token: &str, source: &str, width: u32) -> String {
        format!(
            "<t:Profiles token=\"{token}\" xmlns:t=\"urn:t\"><t:VideoSourceConfiguration token=\"conf_{source}\">\
             <t:SourceToken>{source}</t:SourceToken></t:VideoSourceConfiguration><t:VideoEncoderConfiguration>\
             <t:Resolution><t:Width>{width}</t:Width></t:Resolution></t:VideoEncoderConfiguration></t:Profiles>"
        )
    }

    fn sources(profiles: &[String]) -> Sources {
        let text = format!("<a>{}</a>", profiles.concat());
        Sources::of(xml::parse(&text).unwrap().root_element(), false)
    }

    #[test]
    fn the_smallest_stream_that_is_wide_enough_is_taken() {
        for (widths, best) in [(vec![1920, 640, 320], 1), (vec![320, 160], 0), (vec![3840, 1280], 1), (vec![0], 0)] {
            let profiles: Vec<_> =
                widths.iter().enumerate().map(|(i, width)| profile(&i.to_string(), "v", *width)).collect();
            assert_eq!(sources(&profiles).channel(1).unwrap().best().unwrap().token, best.to_string(), "{widths:?}");
        }
        assert_eq!(sources(&[]).channel(1), None);
    }

    #[test]
    fn a_recorders_tokens_lead_to_its_channels_and_an_unknown_or_ambiguous_one_to_none() {
        let recorder =
            sources(&[profile("main_1", "000", 1920), profile("sub_1", "000", 640), profile("main_2", "001", 1920)]);
        assert_eq!(recorder.len(), 2);
        for (token, channel) in [("000", Some(1)), ("conf_001", Some(2)), ("sub_1", Some(1)), ("00200", None)] {
            assert_eq!(recorder.channel_of(token), channel, "{token}");
        }
        let ambiguous = sources(&[profile("p", "000", 640), profile("p", "001", 640)]);
        assert_eq!(ambiguous.channel_of("p"), None);
    }
}
