"""Answers to what the apps below announce; the sweep of this app is the guarantee."""
