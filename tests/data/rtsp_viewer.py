"""Watches a stream until it is ended, so that the camera behind it goes on without a break. Usage: rtsp_viewer.py <url>"""

import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

Gst.init(None)
viewer = Gst.parse_launch(f"rtspsrc protocols=tcp location={sys.argv[1]} ! fakesink")
viewer.set_state(Gst.State.PLAYING)
GLib.MainLoop().run()
