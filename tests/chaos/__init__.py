"""Random runs of whole systems, each from a seed: real databases, servers, clients and failures."""
