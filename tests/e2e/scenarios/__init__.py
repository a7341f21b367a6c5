"""What a person lives through with the app, and what must be seen in Home Assistant meanwhile."""
