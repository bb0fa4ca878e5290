"""Live answers: what changed, what an answer depends on, and which answers a change concerns.

Takes changes that were committed, from this process or another, and evaluated answers; gives the
watches to evaluate again, and what is new in their answers. Knows no Django and no database.
"""
