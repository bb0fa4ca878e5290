"""Tests of the matrix alone: this tree together with the last commit of the version before."""
