//! The Supervisor's client against the fake Supervisor: every odd answer has its own meaning, and none leaks a secret.

use std::time::Duration;

use camera_herald::credentials::Credentials;
use camera_herald::options::{BrokerOptions, MqttOptions};
use camera_herald::supervisor::{Client, ClientError, CredentialSource, Patience, SupervisorError, Timeouts};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use crate::support::supervisor::{FakeSupervisor, Scenario};

fn mosquitto() -> BrokerOptions {
    let credentials = Credentials { username: "addons".to_owned(), password: "R1g-mqtt_pässwörd".into() };
    BrokerOptions { host: "core-mosquitto".to_owned(), port: 1883, credentials: Some(credentials), tls: false }
}

fn short(total: Duration) -> Timeouts {
    Timeouts { connect: Duration::from_secs(5), total }
}

#[tokio::test]
async fn the_registered_broker_is_found() {
    let supervisor = FakeSupervisor::start(Scenario::registered()).await;
    let service = supervisor.client().mqtt_service().await.unwrap();
    assert_eq!(service.provider.as_deref(), Some("core_mosquitto"));
    assert_eq!(service.protocol.as_deref(), Some("3.1.1"));
    assert_eq!(BrokerOptions::from(service), mosquitto());
    assert_eq!(supervisor.seen(), ["GET /services/mqtt"]);
}

#[tokio::test]
async fn a_broker_without_accounts_has_no_credentials() {
    let scenario = Scenario::RegisteredAnonymous { host: "10.0.0.9".to_owned(), port: 1884 };
    let supervisor = FakeSupervisor::start(scenario).await;
    let broker = BrokerOptions::from(supervisor.client().mqtt_service().await.unwrap());
    assert_eq!(broker, BrokerOptions { host: "10.0.0.9".to_owned(), port: 1884, credentials: None, tls: false });
}

#[tokio::test]
async fn a_broker_with_tls_is_recognised() {
    let (host, username, password) = ("b".to_owned(), "u".to_owned(), String::new());
    let scenario = Scenario::Registered { host, port: 8883, username, password, ssl: true };
    let supervisor = FakeSupervisor::start(scenario).await;
    let broker = BrokerOptions::from(supervisor.client().mqtt_service().await.unwrap());
    assert!(broker.tls);
    assert_eq!(broker.credentials.unwrap().password.expose_secret(), "");
}

#[tokio::test]
async fn every_odd_answer_becomes_its_own_error() {
    let supervisor = FakeSupervisor::start(Scenario::NotEnabled).await;
    let client = supervisor.client();
    let not_ready = SupervisorError::NotReady { state: "setup".to_owned() };
    for (scenario, expected, patience) in [
        (Scenario::NotEnabled, SupervisorError::ServiceNotEnabled, Patience::Normal),
        (Scenario::NotReady("setup"), not_ready, Patience::Normal),
        (Scenario::NoAccess, SupervisorError::NoAccess, Patience::Slow),
        (Scenario::TokenRefused, SupervisorError::TokenRefused, Patience::Slow),
        (Scenario::NotJson, SupervisorError::NotJson, Patience::Normal),
        (Scenario::ServerError, SupervisorError::Server { status: 500 }, Patience::Normal),
        (Scenario::CutOff, SupervisorError::CutOff, Patience::Normal),
    ] {
        supervisor.set(scenario);
        let error = client.mqtt_service().await.unwrap_err();
        assert_eq!(error, expected);
        assert_eq!(error.patience(), patience, "{error}");
    }
    supervisor.set(Scenario::registered());
    assert_eq!(BrokerOptions::from(client.mqtt_service().await.unwrap()), mosquitto());
}

#[tokio::test]
async fn a_wrong_or_empty_token_is_refused_and_a_space_after_it_is_not() {
    let supervisor = FakeSupervisor::start(Scenario::registered()).await;
    let ask = async |token: &str| Client::new(&supervisor.url(), &token.into()).unwrap().mqtt_service().await;
    assert_eq!(ask("0000").await.unwrap_err(), SupervisorError::TokenRefused);
    assert_eq!(ask("").await.unwrap_err(), SupervisorError::TokenRefused);
    assert!(ask(&format!("{} \n", supervisor.token().expose_secret())).await.is_ok());
}

#[tokio::test]
async fn a_slow_supervisor_is_given_up_on() {
    let supervisor = FakeSupervisor::start(Scenario::Slow(Duration::from_secs(60))).await;
    let total = Duration::from_millis(100);
    let client = Client::with_timeouts(&supervisor.url(), &supervisor.token(), short(total)).unwrap();
    assert_eq!(client.mqtt_service().await.unwrap_err(), SupervisorError::Timeout { after: total });
    supervisor.set(Scenario::Slow(Duration::from_millis(1)));
    assert!(supervisor.client().mqtt_service().await.is_ok());
}

#[tokio::test]
async fn a_body_that_stalls_is_given_up_on() {
    let (url, listener) = listen().await;
    let total = Duration::from_millis(200);
    let client = Client::with_timeouts(&url, &"t".into(), short(total)).unwrap();
    let (answer, _stream) = tokio::join!(client.ping(), async {
        let mut stream = accept_request(&listener).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{").await.unwrap();
        stream
    });
    assert_eq!(answer.unwrap_err(), SupervisorError::Timeout { after: total });
}

#[tokio::test]
async fn a_supervisor_that_is_down_is_unreachable_until_it_is_back() {
    let mut supervisor = FakeSupervisor::start(Scenario::registered()).await;
    let client = supervisor.client();
    assert!(client.mqtt_service().await.is_ok());
    supervisor.stop().await;
    let error = client.mqtt_service().await.unwrap_err();
    assert_eq!(error, SupervisorError::Unreachable { what: "the connection was refused" });
    supervisor.restart().await;
    assert!(client.mqtt_service().await.is_ok());
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_told_apart() {
    let url = Url::parse("http://supervisor.invalid").unwrap();
    let error = Client::new(&url, &"t".into()).unwrap().ping().await.unwrap_err();
    assert_eq!(error, SupervisorError::Unreachable { what: "its name does not resolve" });
}

#[tokio::test]
async fn a_connection_that_ends_without_an_answer_is_cut_off() {
    let (url, listener) = listen().await;
    let client = Client::new(&url, &"t".into()).unwrap();
    let (answer, ()) = tokio::join!(client.ping(), async {
        drop(accept_request(&listener).await);
    });
    assert_eq!(answer.unwrap_err(), SupervisorError::CutOff);
}

#[tokio::test]
async fn a_reset_connection_is_unreachable() {
    let (url, listener) = listen().await;
    let client = Client::new(&url, &"t".into()).unwrap();
    let (answer, ()) = tokio::join!(client.ping(), async {
        accept_request(&listener).await.set_zero_linger().unwrap();
    });
    assert_eq!(answer.unwrap_err(), SupervisorError::Unreachable { what: "the connection was reset" });
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let (url, listener) = listen().await;
    let client = Client::new(&url, &"t".into()).unwrap();
    let (answer, ()) = tokio::join!(client.ping(), async {
        let mut stream = accept_request(&listener).await;
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        while stream.write_all(&[b' '; 65_536]).await.is_ok() {}
    });
    assert_eq!(answer.unwrap_err().kind().word(), "malformed");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let supervisor = FakeSupervisor::start(Scenario::registered()).await;
    let (url, listener) = listen().await;
    let client = Client::new(&url, &supervisor.token()).unwrap();
    let (answer, ()) = tokio::join!(client.mqtt_service(), async {
        let mut stream = accept_request(&listener).await;
        let location = supervisor.url().join("/services/mqtt").unwrap();
        let head = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
    });
    assert_eq!(answer.unwrap_err().kind().word(), "unexpected");
    assert_eq!(supervisor.requests(), 0, "the token went nowhere else");
}

#[tokio::test]
async fn the_records_of_the_app_and_the_system_are_read() {
    let supervisor = FakeSupervisor::start(Scenario::NotEnabled).await;
    let client = supervisor.client();
    let own = client.self_info().await.unwrap();
    assert_eq!(own.slug, "local_camera_herald");
    assert_eq!(own.version.as_deref(), Some("0.1.0"));
    assert_eq!(own.hostname.as_deref(), Some("local-camera-herald"));
    assert_eq!(own.ingress_entry.as_deref(), Some("/api/hassio_ingress/kPz3V0qL"));
    assert_eq!(own.network.into_iter().collect::<Vec<_>>(), [("8098/tcp".to_owned(), None)]);
    let system = client.info().await.unwrap();
    assert_eq!(system.supervisor.as_deref(), Some("2026.08.0"));
    assert_eq!(system.homeassistant.as_deref(), Some("2026.8.3"));
    assert_eq!(system.timezone.as_deref(), Some("Etc/UTC"));
    assert_eq!(system.arch.as_deref(), Some("amd64"));
    client.ping().await.unwrap();
    assert_eq!(supervisor.requests(), 3);
}

#[tokio::test]
async fn ping_tells_readiness_and_proves_no_token() {
    let supervisor = FakeSupervisor::start(Scenario::TokenRefused).await;
    supervisor.client().ping().await.unwrap();
    supervisor.set(Scenario::NotReady("startup"));
    assert_eq!(supervisor.client().ping().await.unwrap_err().kind().word(), "not_ready");
}

#[tokio::test]
async fn credentials_come_from_the_options_then_the_supervisor_then_this_machine() {
    let supervisor = FakeSupervisor::start(Scenario::registered()).await;
    let own = BrokerOptions { host: "own".to_owned(), port: 1885, credentials: None, tls: true };
    let named = MqttOptions { broker: Some(own.clone()), ..MqttOptions::default() };

    let source = CredentialSource::from_options(&named, Some(supervisor.client()));
    assert_eq!(source.get().await.unwrap(), own);
    assert_eq!(source.describe(), "the options");
    assert_eq!(supervisor.requests(), 0, "the Supervisor is not asked when a broker is named");

    let source = CredentialSource::from_options(&MqttOptions::default(), Some(supervisor.client()));
    assert_eq!(source.get().await.unwrap(), mosquitto());
    assert_eq!(source.describe(), "the Supervisor's MQTT service");
    supervisor.set(Scenario::NotEnabled);
    assert_eq!(source.get().await.unwrap_err(), SupervisorError::ServiceNotEnabled, "it is asked anew each time");

    let source = CredentialSource::from_options(&MqttOptions::default(), None);
    let broker = source.get().await.unwrap();
    assert_eq!((broker.host.as_str(), broker.port, broker.credentials, broker.tls), ("localhost", 1883, None, false));
    assert_eq!(source.describe(), "the default localhost:1883");
}

#[tokio::test]
async fn no_secret_is_in_what_can_be_logged() {
    let supervisor = FakeSupervisor::start(Scenario::registered()).await;
    let client = supervisor.client();
    let service = client.mqtt_service().await.unwrap();
    let source = CredentialSource::from_options(&MqttOptions::default(), Some(client.clone()));
    let texts = format!("{client:?} {service:?} {source:?} {:?}", BrokerOptions::from(service.clone()));
    assert!(!texts.contains("pässwörd"), "{texts}");
    assert!(!texts.contains(supervisor.token().expose_secret()), "{texts}");
}

#[test]
fn an_address_or_token_that_cannot_work_is_said_at_once() {
    let client = |url: &str, token: &str| Client::new(&Url::parse(url).unwrap(), &SecretString::from(token));
    assert!(matches!(client("https://supervisor", "t"), Err(ClientError::Address)));
    assert!(matches!(client("http://supervisor", "a\nb"), Err(ClientError::Token)));
    assert!(client("http://supervisor/with/a/path", "t").is_ok());
}

#[tokio::test]
async fn the_fake_answers_byte_for_byte_like_the_real_one() {
    let supervisor = FakeSupervisor::start(Scenario::registered()).await;
    let token = supervisor.token();
    let bearer = format!("Authorization: Bearer {}\r\n", token.expose_secret());
    let ask = async |request: &str, headers: &str| raw(&supervisor, request, headers).await;

    let registered = "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 169\r\nDate: *\r\n\
        Server: Python/3.14 aiohttp/3.14.3\r\nConnection: close\r\n\r\n\
        {\"result\":\"ok\",\"data\":{\"host\":\"core-mosquitto\",\"port\":1883,\"ssl\":false,\"protocol\":\"3.1.1\",\
        \"username\":\"addons\",\"password\":\"R1g-mqtt_pässwörd\",\"addon\":\"core_mosquitto\"}}";
    assert_eq!(ask("GET /services/mqtt", &bearer).await, registered);
    let head = ask("HEAD /services/mqtt", &bearer).await;
    assert_eq!(head, registered.split_inclusive("\r\n\r\n").next().unwrap());
    assert_eq!(
        ask("PUT /services/mqtt", &bearer).await,
        "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain; charset=utf-8\r\nAllow: DELETE,GET,HEAD,POST\r\n\
         Content-Length: 23\r\nDate: *\r\nServer: Python/3.14 aiohttp/3.14.3\r\nConnection: close\r\n\r\n405: Method Not Allowed"
    );
    for (request, headers, status, body) in [
        ("GET /services/mqtt", "", "401 Unauthorized", "401: Unauthorized"),
        ("GET /services/mqtt", "Authorization: Bearer \r\n", "401 Unauthorized", "401: Unauthorized"),
        ("GET /services/mqtt", "Authorization: Bearer 00\r\n", "403 Forbidden", "403: Forbidden"),
        ("GET /services/mqtt/", &bearer, "404 Not Found", "404: Not Found"),
        ("GET /nope", &bearer, "403 Forbidden", "403: Forbidden"),
        ("GET /addons/self/nope", &bearer, "404 Not Found", "404: Not Found"),
        ("GET /addons/self/options", &bearer, "405 Method Not Allowed", "405: Method Not Allowed"),
        ("GET /services/../info", "", "400 Bad Request", "400: Bad Request"),
        ("GET /supervisor/ping", "", "200 OK", r#"{"result":"ok","data":{}}"#),
        (
            "GET /services/rabbitmq",
            &bearer,
            "404 Not Found",
            r#"{"result":"error","message":"Service does not exist"}"#,
        ),
    ] {
        let answer = ask(request, headers).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{request}: {answer}");
        assert!(answer.ends_with(&format!("\r\n\r\n{body}")), "{request}: {answer}");
    }
    supervisor.set(Scenario::NotEnabled);
    let answer = ask("GET /services/mqtt", &bearer).await;
    assert!(answer.ends_with("\r\n\r\n{\"result\":\"error\",\"message\":\"Service not enabled\"}"), "{answer}");
}

async fn listen() -> (Url, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    (url, listener)
}

/// A connection on which one small request was read.
async fn accept_request(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    let read = stream.read(&mut [0; 4096]).await.unwrap();
    assert!(read > 0, "a request came");
    stream
}

/// The whole answer, with the date taken out.
async fn raw(supervisor: &FakeSupervisor, request: &str, headers: &str) -> String {
    let address = supervisor.url().socket_addrs(|| None).unwrap()[0];
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{request} HTTP/1.1\r\nHost: supervisor\r\n{headers}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let lines = answer.split("\r\n").map(|line| if line.starts_with("Date: ") { "Date: *" } else { line });
    lines.collect::<Vec<_>>().join("\r\n")
}
