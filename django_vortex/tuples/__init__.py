"""What is carried: tuples, their fields, their registry and selectors.

Takes class definitions, gives field lists and instances. Imports no other room of the package.
"""
