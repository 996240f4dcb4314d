"""Patches of other libraries, one module each.

A patch states its gain and the versions it applies to; a test fails when it is no longer needed.
"""
