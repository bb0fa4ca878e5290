"""Helpers for the tests of applications: an in-process peer.

Takes a PayloadIO, gives replies and pushes without a server. Not imported by the rest of the package.
"""
