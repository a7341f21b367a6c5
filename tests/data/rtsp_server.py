"""Cameras for the tests: GStreamer's RTSP server with one stream per codec.

Usage: /usr/bin/python3 rtsp_server.py <certificate.pem> <key.pem> [port]

Every door listens on loopback, on a port that the system chooses (or `port` for the open door); one JSON line on
standard output names them, as soon as all of them are open:

    open    anybody may watch
    basic   viewer / "pa:ss w0rd", RFC 7617
    digest  viewer / "pa:ss/w0rd@", RFC 7616
    tls     anybody may watch, over TLS (rtsps)
"""

import json
import sys

import gi

gi.require_version("Gio", "2.0")
gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

PICTURE = "videotestsrc is-live=true ! video/x-raw,format=I420,width={},height={},framerate={}/1"
# A still scene without anything that moves.
STILL = PICTURE.replace("is-live=true", "is-live=true pattern=zone-plate kx2=20 ky2=20").format(640, 360, 25)
H264 = (
    "{} {} ! x264enc tune=zerolatency speed-preset=veryfast key-int-max=25 ! video/x-h264,profile={}"
    " ! rtph264pay name=pay0 pt=96 config-interval=-1"
)


def mixed(pattern, size, pad):
    """The still scene with something that moves, of this size, over its upper left corner."""
    moving = f"videotestsrc is-live=true pattern={pattern} ! video/x-raw,format=I420,{size},framerate=25/1"
    mix = f"compositor name=mix sink_1::{pad} ! video/x-raw,format=I420 ! queue"
    return H264.format(mix, "", "main") + f" {STILL} ! queue ! mix.sink_0 {moving} ! queue ! mix.sink_1"


STREAMS = {
    "/h264": PICTURE.format(640, 360, 25)
    + " ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25"
    + " ! rtph264pay name=pay0 pt=96 config-interval=-1",
    "/h265": PICTURE.format(640, 480, 10)
    + " ! x265enc speed-preset=ultrafast tune=zerolatency key-int-max=10"
    + " ! rtph265pay name=pay0 pt=96 config-interval=-1",
    "/baseline": H264.format(PICTURE.format(640, 360, 25), "", "constrained-baseline"),
    "/main": H264.format(PICTURE.format(640, 360, 25), "", "main"),
    "/high": H264.format(PICTURE.format(1920, 1080, 5), "", "high"),
    "/interlaced": PICTURE.format(720, 576, 25)
    + " ! interlace field-pattern=2 ! x264enc interlaced=true speed-preset=ultrafast key-int-max=25"
    + " ! rtph264pay name=pay0 pt=96 config-interval=-1",
    "/frozen": H264.format(STILL, "", "main"),
    "/clock": mixed("ball", "width=96,height=24", "alpha=1.0"),
    "/noise": mixed("snow", "width=640,height=360", "alpha=0.015").replace("x264enc ", "x264enc bitrate=300 "),
    "/mjpeg": PICTURE.format(320, 240, 10) + " ! jpegenc ! rtpjpegpay name=pay0 pt=26",
    "/sound": "audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay0 pt=8",
}
USER = "viewer"
ROLE = "role"


def factory(launch, guarded):
    made = GstRtspServer.RTSPMediaFactory()
    made.set_launch(f"( {launch} )")
    made.set_shared(True)
    if guarded:
        permissions = GstRtspServer.RTSPPermissions()
        for permission in (
            GstRtspServer.RTSP_PERM_MEDIA_FACTORY_ACCESS,
            GstRtspServer.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT,
        ):
            permissions.add_permission_for_role(ROLE, permission, True)
        made.set_permissions(permissions)
    return made


def door(port=0, auth=None, guarded=False):
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(port))
    for path, launch in STREAMS.items():
        server.get_mount_points().add_factory(path, factory(launch, guarded))
    server.set_auth(auth)
    if server.attach(None) == 0:
        sys.exit("cannot listen")
    return server


def token():
    made = GstRtspServer.RTSPToken()
    made.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, ROLE)
    return made


def basic():
    auth = GstRtspServer.RTSPAuth()
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(USER, "pa:ss w0rd"), token())
    return auth


def digest():
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    auth.add_digest(USER, "pa:ss/w0rd@", token())
    return auth


def tls(certificate, key):
    auth = GstRtspServer.RTSPAuth()
    auth.set_default_token(token())
    auth.set_tls_certificate(Gio.TlsCertificate.new_from_files(certificate, key))
    return auth


def main(certificate, key, port="0"):
    Gst.init(None)
    doors = {
        "open": door(port),
        "basic": door(auth=basic(), guarded=True),
        "digest": door(auth=digest(), guarded=True),
        "tls": door(auth=tls(certificate, key), guarded=True),
    }
    print(json.dumps({name: server.get_bound_port() for name, server in doors.items()}), flush=True)
    GLib.MainLoop().run()


main(*sys.argv[1:])
