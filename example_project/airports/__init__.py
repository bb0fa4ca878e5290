"""The app of the example: airports, served to whoever asks."""
