"""The parts that the scenarios are played with: Home Assistant, Mosquitto and the program as processes, cameras, and eyes."""
