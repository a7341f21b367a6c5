//! One camera floods: it is told so, and nobody else notices.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};

use super::support::{House, problem};

const SECONDS: u32 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_ten_times_the_limit_gets_429s_and_another_camera_is_unharmed() {
    let house = House::open().await;
    let began = Instant::now();
    // 500 a second on the first camera: 10 every 20 ms.
    let flood = async {
        let (mut accepted, mut refused) = (0, 0);
        for tick in 0..SECONDS * 50 {
            sleep_until(began + Duration::from_millis(20) * tick).await;
            let event = json!({ "description": "x".repeat(1_000) });
            for response in join_all((0..10).map(|_| house.send(&event))).await {
                match response.status() {
                    StatusCode::ACCEPTED => accepted += 1,
                    StatusCode::TOO_MANY_REQUESTS => refused += 1,
                    other => panic!("{other}"),
                }
            }
        }
        (accepted, refused, began.elapsed())
    };
    let calm = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..SECONDS * 10 {
            let asked = Instant::now();
            let response = house.post("/api/v1/cameras/back/trigger").send().await.unwrap();
            assert_eq!(response.status(), StatusCode::ACCEPTED);
            slowest = slowest.max(asked.elapsed());
            sleep(Duration::from_millis(95)).await;
        }
        slowest
    };
    let ((accepted, refused, took), slowest) = tokio::join!(flood, calm);
    // The burst, and 50 for each second that it really took.
    let allowed = 100.0 + 50.0 * took.as_secs_f64() + 10.0;
    assert!(f64::from(accepted) <= allowed, "{accepted} of {allowed}");
    assert!(accepted >= 100 + 50 * (SECONDS - 1), "{accepted}");
    assert!(refused > 0 && accepted + refused == SECONDS * 500);
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    house.stop().await;
}

#[tokio::test]
async fn a_429_says_when_to_come_again() {
    let house = House::open().await;
    let mut refused = None;
    for _ in 0..300 {
        let response = house.post("/api/v1/cameras/front/trigger").send().await.unwrap();
        if response.status() != StatusCode::ACCEPTED {
            refused = Some(response);
            break;
        }
    }
    let response = refused.expect("300 at once are too many");
    assert_eq!(response.headers()["retry-after"], "1");
    let detail = problem(response, StatusCode::TOO_MANY_REQUESTS).await;
    assert!(detail.contains("50 events a second"), "{detail}");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(house.post("/api/v1/cameras/front/trigger").send().await.unwrap().status(), StatusCode::ACCEPTED);
    house.stop().await;
}
