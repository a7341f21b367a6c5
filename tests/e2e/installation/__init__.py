"""Puts Home Assistant Core on this machine, from Python's package index, into a folder that is kept between runs."""
