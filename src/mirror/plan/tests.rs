//! Orders of inputs: what is held converges to what is desired.
