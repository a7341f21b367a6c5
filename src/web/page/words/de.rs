//! German.

use super::{Advice, Words};
use crate::camera::{Hearing, Reason, Status};
use crate::chain::{BrokerKind as Broker, Condition, Kind, Part, SupervisorKind as Supervisor};
use crate::events::door::EventKind;

/// German.
pub(in crate::web::page) const DE: Words = Words {
    skip: "Zu den Kameras springen",
    back: "Zurück",
    lost_contact: "Kein Kontakt zu Camera Herald seit",
    too_many_pages: "Zu viele Seiten sind offen. Diese zeigt, was beim Laden galt; sie läuft von selbst weiter, wenn eine andere geschlossen wird.",
    trying_again: "Neue Versuche laufen von selbst. Was hier steht, kann veraltet sein.",
    diagnostics: "Diagnosedatei herunterladen",
    live: "Live",
    version: "Camera Herald {}",
    all_well: "Alles in Ordnung",
    all_well_sub: "Home Assistant zeigt, was wahr ist: {} von {} Kameras online.",
    events_only_sub: "Home Assistant erfährt von jedem Ereignis.",
    looking: "Die Kameras werden geprüft",
    looking_sub: "{} von {} wurden noch nicht gesehen. Das dauert einige Sekunden.",
    need_you_one: "Eine Kamera braucht dich",
    need_you: "{} Kameras brauchen dich",
    need_you_sub: "{} von {} online.",
    waiting_for: |part| match part {
        Part::Supervisor => "Warten auf den Supervisor",
        Part::MqttService => "Warten auf einen Broker",
        Part::Broker => "Warten auf den Broker",
        Part::HomeAssistant => "Warten auf Home Assistant",
    },
    chain_broken: |part| match part {
        Part::Supervisor => "Der Supervisor braucht dich",
        Part::MqttService => "Der MQTT-Dienst braucht dich",
        Part::Broker => "Der Broker braucht dich",
        Part::HomeAssistant => "Home Assistant braucht dich",
    },
    chain_sub: "Inzwischen geht nichts verloren: Ereignisse warten, und alles wird von selbst neu angemeldet.",
    no_camera: "Noch keine Kamera",
    no_camera_sub: "Drei Schritte bis zur ersten:",
    no_camera_step_1: "Öffne den Reiter „Konfiguration“ dieser App.",
    no_camera_step_2: "Drücke unter Cameras auf „Hinzufügen“. Für den Anfang genügt ein Name; mit der Adresse des Streams gibt es auch Status und Bild.",
    no_camera_step_3: "Speichere und starte die App neu. Die Kamera erscheint hier und als Gerät in Home Assistant.",
    online_now: "Kameras online",
    events_today: "Ereignisse heute",
    and_more: "und {} weitere",
    chain: "Vom Supervisor bis zu Home Assistant",
    since: "seit",
    lasting: "seit {}",
    next_step: "Nächster Schritt",
    last_error: "Letzter Fehler",
    in_own_words: "Genaue Meldung",
    part,
    condition,
    cause,
    out_of_reach: "außer Reichweite",
    cameras: "Kameras",
    status,
    reason,
    events_only: "Nur Ereignisse",
    events_only_hint: "Ohne Stream oder Standbild in den Optionen gibt es nichts zu prüfen.",
    not_looked_yet: "Noch nicht geprüft",
    picture_of: "Bild von {}",
    no_picture: "Noch kein Bild",
    picture_from: "Bild von",
    last_day: "Letzte 24 Stunden",
    strip_online: "{} % der bekannten Zeit online",
    strip_interruptions: |count| match count {
        0 => "keine Unterbrechung",
        1 => "1 Unterbrechung",
        _ => "{} Unterbrechungen",
    },
    strip_empty: "noch nichts bekannt",
    hours_ago: "vor 24 h",
    now: "jetzt",
    last_event: "Letztes Ereignis",
    no_event: "Noch kein Ereignis",
    today: "heute",
    this_week: "diese Woche",
    active: "Aktiv",
    deleted_there: "Das Gerät wurde in Home Assistant gelöscht. „Neu anmelden“ bringt es zurück; enabled: false in den Optionen hält es fern.",
    kind,
    hearing,
    unknown_topics: "Themen, die Camera Herald nicht kennt",
    unknown_topics_hint: "Die Kamera meldet sie, und sie ergeben keine Ereignisse. Melde sie mit dem Modell der Kamera, damit eine nächste Fassung sie kennt.",
    search: "Kameras suchen",
    filter: "Anzeigen",
    everything: "Alle",
    nothing_matches: "Keine Kamera passt.",
    all_cameras: "Alle Kameras",
    last_look: "Letzte Prüfung",
    look_good: "Bild gesehen",
    look_failed: "kein Bild gesehen",
    no_look: "noch nicht geprüft",
    codec: "Codec",
    resolution: "Auflösung",
    frame_rate: "Bildrate",
    frames_per_second: "{} Bilder/s",
    bitrate: "Bitrate",
    latency: "Verzögerung",
    last_frame: "Letzte gute Prüfung",
    checked_every: "Geprüft alle",
    not_measured: "nicht gemessen",
    events: "Ereignisse",
    no_events: "Von dieser Kamera kam noch kein Ereignis.",
    events_unreadable: "Der Verlauf ist gerade nicht lesbar",
    delivered: "bei Home Assistant",
    not_delivered: "wartet auf den Broker",
    event_picture: "Bild zu diesem Ereignis",
    send_events: "Ereignisse senden",
    send_intro: "Wer das Token kennt, darf für diese Kamera Ereignisse senden.",
    send_port: "Die Tür für Ereignisse ist zu, bis Port 8098 im Reiter „Konfiguration“ unter „Netzwerk“ eine Nummer hat. Diese Nummer gehört dann hierher.",
    by_url: "Eine Kamera, die eine Adresse aufrufen kann",
    by_url_hint: "Gehört in die Alarm- oder Ereigniseinstellungen der Kamera, oft „HTTP-Benachrichtigung“ oder „Webhook“ genannt.",
    by_curl: "Ein Skript, ein Rekorder, eine Automation",
    by_curl_hint: "Mit einem Text und, wenn vorhanden, weiteren Feldern.",
    token_hidden: "Das Token ist verborgen",
    show_token: "Token anzeigen",
    hide_token: "Token verbergen",
    copy: "Kopieren",
    copied: "Kopiert",
    discovery: "Was Home Assistant erfahren hat",
    discovery_intro: "Die Anmeldung dieser Kamera, so wie sie gesendet wurde.",
    discovery_topic: "Topic",
    discovery_sent: "Gesendet",
    discovery_none: "Für diese Kamera wurde noch nichts gesendet: Sie wird angemeldet, sobald der Broker da ist.",
    actions: "Aktionen",
    probe: "Jetzt prüfen",
    probe_all: "Alle Kameras prüfen",
    probe_all_hint: "Prüft jede Kamera sofort, außer der Reihe.",
    announce: "Neu anmelden",
    announce_hint: "Sendet jedes Gerät und seinen Zustand noch einmal an Home Assistant.",
    ghosts: "Geister aufräumen",
    ghosts_hint: "Sucht auf dem Broker nach Nachrichten von uns, die keine Kamera braucht. Sie werden zuerst gezeigt.",
    ghosts_found: "Diese {} gespeicherten Nachrichten auf dem Broker gehören zu keiner Kamera der Optionen. Mit dem Löschen verschwinden ihre Geräte aus Home Assistant.",
    ghosts_none: "Kein Geist gefunden: Alles auf dem Broker gehört zu einer Kamera der Optionen.",
    ghosts_clear: "Diese Nachrichten löschen",
    token: "Neues Ereignis-Token",
    token_hint: "Macht das alte wertlos.",
    token_warning: "Jede Kamera, jeder Rekorder und jedes Skript, das Ereignisse sendet, braucht das neue Token. Bis dahin werden ihre Ereignisse abgelehnt.",
    token_confirm: "Neues Token erzeugen",
    cancel: "Abbrechen",
    destructive: "Das lässt sich nicht rückgängig machen",
    done_probe: "Die Kamera wird geprüft. Das Ergebnis erscheint hier von selbst.",
    done_probe_all: "Alle Kameras werden geprüft. Die Ergebnisse erscheinen hier von selbst.",
    done_announce: "Die Anmeldung ist angefordert. Sie beginnt, sobald der Broker da ist.",
    done_ghosts: "Die Geister sind aufgeräumt.",
    done_token: "Es gibt ein neues Ereignis-Token. Wer Ereignisse sendet, muss es kennen.",
    failed: "Das hat nicht geklappt",
    not_found: "Hier ist nichts",
    not_found_text: "Diese Adresse führt nirgendwohin. Vielleicht stammt sie aus einer älteren Version.",
    no_such_camera: "Diese Kamera gibt es nicht mehr",
    no_such_camera_text: "Sie wurde aus den Optionen entfernt oder abgeschaltet, oder ihre id hat sich geändert.",
    stale_form: "Dieses Formular war zu alt",
    stale_form_text: "Camera Herald ist neu gestartet, seit die Seite geöffnet wurde. Es ist nichts geschehen. Geh zurück, lade die Seite neu und drücke noch einmal.",
    foreign_form: "Es ist nichts geschehen",
    foreign_form_text: "Die Anfrage kam nicht von dieser Seite.",
    busy: "Gerade nicht möglich",
    busy_text: "Camera Herald wird beendet oder hat zu viel zu tun. Versuch es gleich noch einmal.",
    to_the_wall: "Zu allen Kameras",
};

fn part(part: Part) -> &'static str {
    match part {
        Part::Supervisor => "Supervisor",
        Part::MqttService => "MQTT-Dienst",
        Part::Broker => "Broker",
        Part::HomeAssistant => "Home Assistant",
    }
}

fn condition(part: Part, condition: Condition) -> &'static str {
    match (part, condition) {
        (Part::Supervisor, Condition::Good) => "antwortet",
        (Part::MqttService, Condition::Good) => "nennt den Broker",
        (Part::Broker, Condition::Good) => "verbunden",
        (Part::HomeAssistant, Condition::Good) => "weiß alles",
        (Part::HomeAssistant, Condition::Unknown) => "noch nicht gehört",
        (_, Condition::Unknown) => "noch nicht gefragt",
        (_, Condition::Waiting) => "warten",
        (_, Condition::Broken) => "gestört",
        (_, Condition::Unused) => "nicht nötig",
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Unknown => "Unbekannt",
        Status::Online => "Online",
        Status::Offline => "Offline",
        Status::Unauthorized => "Lehnt uns ab",
        Status::NoVideo => "Kein Video",
        Status::Frozen => "Eingefroren",
    }
}

fn reason(reason: Reason) -> Advice {
    let (what, next) = match reason {
        Reason::Dns => {
            ("Ihr Name ist nicht auflösbar", "Prüfe den Hostnamen in der Adresse, oder nimm die IP-Adresse.")
        }
        Reason::Refused => (
            "An ihrer Adresse antwortet niemand",
            "Prüfe Adresse und Port, und ob der Stream der Kamera eingeschaltet ist.",
        ),
        Reason::Unreachable => ("Sie ist nicht im Netz", "Prüfe Strom, Kabel oder WLAN und die Adresse."),
        Reason::Timeout => ("Sie antwortet nicht rechtzeitig", "Starte die Kamera neu; prüfe Strom und WLAN."),
        Reason::Tls => (
            "Die sichere Verbindung misslingt",
            "Prüfe, ob die Kamera auf diesem Port TLS spricht; sonst nimm rtsp:// oder http://.",
        ),
        Reason::Auth => ("Sie lehnt Benutzername oder Passwort ab", "Berichtige beides in den Optionen dieser App."),
        Reason::NotFound => {
            ("Sie kennt den Pfad nicht", "Berichtige den Pfad in der Adresse; die Anleitung der Kamera nennt ihn.")
        }
        Reason::Protocol => (
            "Ihre Antwort ist nicht verständlich",
            "Prüfe, ob die Adresse ein Stream oder Bild ist und keine Webseite.",
        ),
        Reason::NoFrames => (
            "Der Stream öffnet sich, aber es kommt kein Bild",
            "Starte die Kamera neu; prüfe, ob ihr letzter freier Stream belegt ist.",
        ),
        Reason::SamePicture => ("Das Bild steht still", "Starte die Kamera neu."),
    };
    Advice { what, next }
}

fn kind(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Motion => "Bewegung",
        EventKind::Person => "Person",
        EventKind::Vehicle => "Fahrzeug",
        EventKind::Package => "Paket",
        EventKind::Animal => "Tier",
        EventKind::Sound => "Geräusch",
        EventKind::Ring => "Klingeln",
        EventKind::Other => "Anderes",
    }
}

fn cause(kind: Kind) -> Advice {
    let (what, next) = match kind {
        Kind::Broker(Broker::Timeout) => ("Er antwortet nicht", "Prüfe, ob der Broker läuft, und seine Adresse."),
        Kind::Broker(Broker::Refused) => {
            ("Er nimmt keine Verbindungen an", "Starte den Broker (die App Mosquitto broker) und prüfe seinen Port.")
        }
        Kind::Broker(Broker::Dns) => {
            ("Sein Name ist nicht auflösbar", "Prüfe mqtt.host in den Optionen, oder starte die App des Brokers.")
        }
        Kind::Broker(Broker::Tls) => (
            "Die sichere Verbindung misslingt",
            "Prüfe mqtt.tls und mqtt.ca_file in den Optionen und das Zertifikat des Brokers.",
        ),
        Kind::Broker(Broker::Auth) => (
            "Er lehnt Benutzername oder Passwort ab",
            "Steht der Broker in den Optionen: berichtige beides. Sonst starte die App des Brokers neu; das neue Passwort wird von selbst gefunden.",
        ),
        Kind::Broker(Broker::BrokerRefused) => ("Er lehnt die Verbindung ab", "Das Protokoll des Brokers sagt, warum."),
        Kind::Broker(Broker::Protocol) => {
            ("Er spricht eine andere Version von MQTT", "Setze mqtt.protocol so, wie die genaue Meldung sagt.")
        }
        Kind::Broker(Broker::NoRetain) => (
            "Er behält keine Nachrichten",
            "Erlaube in den Einstellungen des Brokers behaltene Nachrichten (Mosquitto: retain_available true).",
        ),
        Kind::Broker(Broker::NoQos1) => {
            ("Er bestätigt keine Nachrichten", "Erlaube QoS 1 in den Einstellungen des Brokers (Mosquitto: max_qos 2).")
        }
        Kind::Broker(Broker::WillRefused) => (
            "Er nimmt unser letztes Wort nicht an",
            "Erlaube dem Benutzer von Camera Herald, auf das Topic zu schreiben, das die genaue Meldung nennt.",
        ),
        Kind::Broker(Broker::TakenOver) => {
            ("Zwei Camera Herald laufen", "Beende den anderen, oder gib ihm ein eigenes Datenverzeichnis.")
        }
        Kind::Broker(Broker::PacketTooLarge) => {
            ("Er nimmt nur kleine Nachrichten an", "Erhöhe max_packet_size in den Einstellungen des Brokers.")
        }
        Kind::Broker(Broker::HalfOpen) => (
            "Er antwortet nicht mehr",
            "Warte: Eine neue Verbindung wird aufgebaut. Hält es an, prüfe Netz und Broker.",
        ),
        Kind::Broker(Broker::AckOverdue) => {
            ("Er bestätigt nichts", "Warte: Eine neue Verbindung wird aufgebaut. Hält es an, starte den Broker neu.")
        }
        Kind::Broker(Broker::Broken) => (
            "Die Verbindung ist abgerissen",
            "Warte: Eine neue Verbindung wird aufgebaut. Hält es an, sieh ins Protokoll des Brokers.",
        ),
        Kind::Supervisor(Supervisor::ServiceNotEnabled) => (
            "Kein Broker hat sich gemeldet",
            "Installiere und starte die App Mosquitto broker, oder setze mqtt.host in den Optionen.",
        ),
        Kind::Supervisor(Supervisor::NotReady) => ("Er startet oder wird beendet", "Warte; das geht vorüber."),
        Kind::Supervisor(Supervisor::NoAccess) => {
            ("Er gibt keinen Zugang zum MQTT-Dienst", "Installiere die App neu und melde den Fehler.")
        }
        Kind::Supervisor(Supervisor::TokenRefused) => {
            ("Er lehnt unser Token ab", "Starte die App neu: Jeder Start bekommt ein neues.")
        }
        Kind::Supervisor(Supervisor::Unreachable) => {
            ("Er ist nicht erreichbar", "Vielleicht aktualisiert er sich. Warte einige Minuten.")
        }
        Kind::Supervisor(Supervisor::Timeout) => {
            ("Er antwortet nicht rechtzeitig", "Vielleicht ist er beschäftigt. Warte einige Minuten.")
        }
        Kind::Supervisor(Supervisor::CutOff) => {
            ("Seine Antwort brach ab", "Wahrscheinlich wurde er neu gestartet. Warte einige Minuten.")
        }
        Kind::Supervisor(Supervisor::NotJson | Supervisor::Malformed | Supervisor::Unexpected) => (
            "Seine Antwort ist nicht verständlich",
            "Aktualisiere den Supervisor und diese App; bleibt es so, melde den Fehler.",
        ),
        Kind::Supervisor(Supervisor::Server) => {
            ("Er hat selbst einen Fehler", "Sieh in sein Protokoll unter Einstellungen, System, Protokolle.")
        }
        Kind::Client => ("Er kann nicht gefragt werden", "Starte die App neu. Bleibt es so, melde die genaue Meldung."),
        Kind::RefusedTopics => (
            "Er lässt uns nur auf manche Topics schreiben",
            "Erlaube unsere Topics in den Zugriffsregeln des Brokers; die genaue Meldung nennt sie.",
        ),
        Kind::NotHeard => (
            "Es hat sich noch nicht gemeldet",
            "Nichts. Es hat alles erfahren; gehört wird es, wenn es startet oder wenn du diese Seite darin öffnest.",
        ),
        Kind::Gone => {
            ("Es läuft nicht, oder seine MQTT-Integration nicht", "Warte, bis es gestartet ist; dann erfährt es alles.")
        }
        Kind::NoBroker => ("Ohne Broker nicht erreichbar", "Kümmere dich zuerst um den Broker."),
    };
    Advice { what, next }
}

fn hearing(hearing: Hearing) -> Advice {
    let (what, next) = match hearing {
        Hearing::Unknown => ("Eigene Ereignisse der Kamera: noch nicht gefragt", "Sie wird gerade gefragt."),
        Hearing::Listening => ("Die eigenen Ereignisse der Kamera werden gehört", "Es ist nichts zu tun."),
        Hearing::Silent => (
            "Die Kamera meldet nichts mehr",
            "Starte die Kamera neu. Bis sie wieder etwas meldet, heißt Stille nicht, dass nichts geschieht.",
        ),
        Hearing::Busy => (
            "Ein anderes Programm belegt den Platz der Kamera für Zuhörer",
            "Lass weniger Programme auf die Ereignisse der Kamera hören, oder starte die Kamera neu.",
        ),
        Hearing::Refused => (
            "Die Kamera lässt uns ihre Ereignisse nicht hören",
            "Prüfe Benutzername und Passwort; viele Kameras haben für ONVIF eigene Benutzer.",
        ),
        Hearing::NotOffered => (
            "Die Kamera bietet über ONVIF keine Ereignisse an",
            "Schalte ONVIF in der Kamera ein, oder setze events für diese Kamera auf off.",
        ),
        Hearing::Lost => (
            "Die eigenen Ereignisse der Kamera werden nicht gehört",
            "Prüfe host und ob die Kamera eingeschaltet ist. Es wird von selbst weiter versucht.",
        ),
        Hearing::Off => {
            ("Die eigenen Ereignisse der Kamera sind abgeschaltet", "events: auto in den Optionen schaltet sie ein.")
        }
    };
    Advice { what, next }
}
