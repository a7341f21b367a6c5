"""Does Home Assistant fire exactly once for an event, whatever happens to the program and its link?"""
