"""Does the cheaper model hold the bar? Bars, graders, replays, and the test that decides with honest statistics."""
