//! The way of UDP packets into a container: through the NAT of the Supervisor's bridge, 172.30.32.0/23.
//!
//! Three network namespaces: the app, the host that masquerades, and the camera. It takes root; without it nothing is tested.

use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

/// The namespaces of one test, gone with it.
struct Network {
    names: [String; 3],
}

fn run(line: &str) -> Option<Output> {
    let mut words = line.split(' ');
    let output = Command::new(words.next()?).args(words).stdin(Stdio::null()).output().ok()?;
    output.status.success().then_some(output)
}

impl Network {
    /// `None` where this machine does not allow it.
    fn build() -> Option<Self> {
        let id = std::process::id();
        let names = ["app", "host", "camera"].map(|part| format!("herald-{id}-{part}"));
        let network = Self { names };
        let [app, host, camera] = &network.names;
        for name in &network.names {
            run(&format!("ip netns add {name}"))?;
            run(&format!("ip -n {name} link set lo up"))?;
        }
        for line in [
            format!("ip -n {app} link add eth0 type veth peer name hassio netns {host}"),
            format!("ip -n {camera} link add eth0 type veth peer name lan netns {host}"),
            format!("ip -n {app} addr add 172.30.33.7/23 dev eth0"),
            format!("ip -n {host} addr add 172.30.32.1/23 dev hassio"),
            format!("ip -n {host} addr add 192.168.77.1/24 dev lan"),
            format!("ip -n {camera} addr add 192.168.77.20/24 dev eth0"),
            format!("ip -n {app} link set eth0 up"),
            format!("ip -n {camera} link set eth0 up"),
            format!("ip -n {host} link set hassio up"),
            format!("ip -n {host} link set lan up"),
            format!("ip -n {app} route add default via 172.30.32.1"),
            format!("ip netns exec {host} sysctl -qw net.ipv4.ip_forward=1"),
            format!("ip netns exec {host} iptables -t nat -A POSTROUTING -s 172.30.32.0/23 ! -o hassio -j MASQUERADE"),
            // As Docker has it: from outside only answers come in.
            format!("ip netns exec {host} iptables -P FORWARD DROP"),
            format!("ip netns exec {host} iptables -A FORWARD -i hassio -j ACCEPT"),
            format!(
                "ip netns exec {host} iptables -A FORWARD -o hassio -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
            ),
        ] {
            run(&line)?;
        }
        Some(network)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = run(&format!("ip netns del {name}"));
        }
    }
}

#[tokio::test]
async fn udp_packets_find_the_way_into_a_container() {
    let Some(network) = Network::build() else {
        println!("skipped: network namespaces with NAT need root, iproute2 and iptables");
        return;
    };
    let [app, _, camera] = &network.names;
    let mut playing = tokio::process::Command::new("ip")
        .args(["netns", "exec", camera, "/usr/bin/python3"])
        .args([concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/udp_camera.py"), "192.168.77.20"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(playing.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    assert_eq!(line.trim(), "ready");

    let data = tempfile::tempdir().unwrap();
    let options = serde_json::json!({
        "cameras": [{ "name": "Front", "id": "front", "stream": "rtsp://192.168.77.20/live" }],
        "mqtt": { "host": "127.0.0.1", "port": 1 },
    });
    std::fs::write(data.path().join("options.json"), options.to_string()).unwrap();
    let checked = tokio::process::Command::new("ip")
        .args(["netns", "exec", app, env!("CARGO_BIN_EXE_camera-herald"), "check", "--json"])
        .env("HERALD_DATA_DIR", data.path())
        .env("HERALD_OPTIONS", data.path().join("options.json"))
        .output()
        .await
        .unwrap();
    let report: Value = serde_json::from_slice(&checked.stdout).unwrap();
    let steps = report["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["name"] == "camera front").unwrap();
    assert_eq!(step["ok"], true, "{step}");
}
