"""What ``make bench`` measures: both sides of each goal, in one run on one machine.

Takes the installed package and its peers, gives a table and ``bench.json``. Nothing imports this.
"""
