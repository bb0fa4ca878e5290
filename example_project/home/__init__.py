"""The page of the example: both apps live in a browser, and how to connect."""
