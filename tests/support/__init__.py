"""What tests with real processes share: waiting on conditions, processes, servers, Redis.

Nothing here sleeps for a fixed time: everything waits for a condition, with a generous limit that
only a failure ever reaches.
"""
