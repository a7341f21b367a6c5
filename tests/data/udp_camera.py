"""A camera that streams over UDP only, and only to the port that it was told: run it with its address.

It sends from the ports that it names in its answer to SETUP, as cameras do, to the host that the request came from.
"""
import re
import socket
import struct
import sys
import threading
import time

SDP = ("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
       "a=rtpmap:96 H264/90000\r\na=control:track1\r\n")
UNITS = [bytes.fromhex(unit) for unit in (
    "6742c015da11ec05a8303035280000030008000003" "00a478b175",
    "68ce3c80",
    "65888406a8930a0003fbf24f27275d75d75d75d780",
)]


def stream(packets, where):
    for number in range(1_500):
        unit = UNITS[number % 3]
        marker = 0x80 if number % 3 == 2 else 0
        packets.sendto(struct.pack(">BBHII", 0x80, marker | 96, number, number // 3 * 3600, 7) + unit, where)
        time.sleep(0.01)


def serve(peer, host):
    packets, reports = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    packets.bind((host, 6970))
    reports.bind((host, 6971))
    where = None
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            more = peer.recv(4096)
            if not more:
                packets.close()
                reports.close()
                return
            data += more
        head, _, data = data.partition(b"\r\n\r\n")
        head = head.decode()
        method = head.split(" ")[0]
        sequence = re.search(r"(?i)cseq: *(\d+)", head).group(1)
        status, more, body = "200 OK", "Session: 1\r\n", ""
        if method == "DESCRIBE":
            more, body = f"Content-Type: application/sdp\r\nContent-Length: {len(SDP)}\r\n", SDP
        elif method == "SETUP":
            port = re.search(r"client_port=(\d+)", head)
            if port is None:
                status = "461 Unsupported Transport"
            else:
                first = int(port.group(1))
                where = peer.getpeername()[0], first
                more += f"Transport: RTP/AVP;unicast;client_port={first}-{first + 1};server_port=6970-6971\r\n"
        peer.sendall(f"RTSP/1.0 {status}\r\nCSeq: {sequence}\r\n{more}\r\n{body}".encode())
        if method == "PLAY":
            threading.Thread(target=stream, args=(packets, where), daemon=True).start()


def main():
    host = sys.argv[1]
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((host, 554))
    server.listen(4)
    print("ready", flush=True)
    while True:
        peer, _ = server.accept()
        try:
            serve(peer, host)
        except OSError:
            pass


main()
