//! What goes wrong in the demo, and when. Invariant: one thing at a time, and each is over before the next begins.

use std::time::Duration;

use tokio::time::sleep;

use super::broker::Broker;
use super::cameras::Camera;
use super::screen::Screen;

/// Long enough for seeing that all is well.
const CALM: Duration = Duration::from_secs(10);
/// Longer than two probes of a camera that is checked every 5 s.
const NO_POWER: Duration = Duration::from_secs(10);
/// A broker that starts again takes about as long.
const BROKER_AWAY: Duration = Duration::from_secs(3);
/// The pause before the broker's port is asked for again.
const PORT_PAUSE: Duration = Duration::from_millis(200);

/// Plays for ever.
pub(crate) async fn play(broker: &Broker, garden: &Camera, screen: Screen) {
    loop {
        sleep(CALM).await;
        screen.stage("the garden camera loses its power");
        garden.power(false);
        sleep(NO_POWER).await;
        screen.stage("the garden camera has power again");
        garden.power(true);
        sleep(CALM).await;
        screen.stage("the broker crashes and forgets everything it kept");
        broker.crash().await;
        broker.forget();
        sleep(BROKER_AWAY).await;
        // Said first: what follows from it comes within milliseconds.
        screen.stage("the broker is back, empty: nobody touches anything, watch");
        while broker.open().await.is_err() {
            sleep(PORT_PAUSE).await;
        }
    }
}
